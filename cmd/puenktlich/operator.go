package main

import (
	"context"
	"errors"
	"strings"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"puenktlich/api"
	"puenktlich/schemas"
)

// operator acts on models for callers of the API. The ids of updates and
// workflows' memos hold the id of the request, which leads to its trace.
type operator struct{ *adapters }

// Promote starts a rollout; one at a time for a model.
func (o operator) Promote(ctx context.Context, requestID, model string, order api.PromoteOrder, actor string) (api.Rollout, error) {
	found, err := o.findVersion(ctx, model, order.Version, order.Digest)
	if errors.Is(err, errNoVersion) {
		return api.Rollout{}, api.Unknown("%v", err)
	}
	if err != nil {
		return api.Rollout{}, api.Away("the registry cannot be read at the moment: %v", err)
	}
	in := schemas.PromoteInput{Package: found, Actor: actor, Reason: order.Reason}
	if order.Now {
		in.Rollout = &schemas.Rollout{}
	}
	id := schemas.PromoteID(model)
	_, err = o.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: string(schemas.QueueControl), Memo: map[string]any{"request_id": requestID},
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL, WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary: "asked for through the API by " + actor}, schemas.WorkflowPromoteModel, in)
	var running *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &running) {
		return api.Rollout{}, api.Refused("the rollout %s is under way: reject it, or wait for its end", id)
	}
	if err != nil {
		return api.Rollout{}, refusal(err)
	}
	return api.Rollout{Workflow: id, Package: found}, nil
}

// Opine approves or rejects the challenger.
func (o operator) Opine(ctx context.Context, requestID, model string, approved bool, request schemas.OpinionRequest) (string, error) {
	what := schemas.UpdateReject
	if approved {
		what = schemas.UpdateApprove
	}
	said, err := promoter{o.temporal}.opine(ctx, "api-"+requestID, model, what, request)
	if err != nil {
		return "", refusal(err)
	}
	return said, nil
}

// Rollback brings back an earlier champion.
func (o operator) Rollback(ctx context.Context, requestID, model string, request schemas.RollbackRequest) (schemas.SwitchResult, error) {
	result, err := promoter{o.temporal}.Rollback(ctx, "api-"+requestID, model, request)
	if err != nil {
		return result, refusal(err)
	}
	return result, nil
}

// refusal is an error of Temporal for a caller: what a workflow said, or that
// nobody answered.
func refusal(err error) error {
	var said *temporal.ApplicationError
	if errors.As(err, &said) {
		message, _, _ := strings.Cut(said.Message(), "\n")
		return api.Refused("%s", message)
	}
	return api.Away("the workflow of the model does not answer at the moment: %v", err)
}
