package main

import (
	"context"
	"errors"
	"fmt"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"puenktlich/schemas"
)

// promoter sends updates to the workflow of a model, and starts it where it does
// not run. The same update ID is the same update.
type promoter struct{ temporal client.Client }

// Promote makes a package champion and waits for the switch.
func (p promoter) Promote(ctx context.Context, updateID string, request schemas.PromoteRequest) (schemas.SwitchResult, error) {
	return update[schemas.SwitchResult](ctx, p, request.Package.Model, client.UpdateWorkflowOptions{UpdateID: updateID, UpdateName: schemas.UpdatePromote, Args: []any{request}})
}

// Rollback brings back an earlier champion.
func (p promoter) Rollback(ctx context.Context, updateID, model string, request schemas.RollbackRequest) (schemas.SwitchResult, error) {
	return update[schemas.SwitchResult](ctx, p, model, client.UpdateWorkflowOptions{UpdateID: updateID, UpdateName: schemas.UpdateRollback, Args: []any{request}})
}

// Challenge sets or clears the challenger.
func (p promoter) Challenge(ctx context.Context, updateID string, request schemas.ChallengeRequest) (schemas.Aliases, error) {
	return update[schemas.Aliases](ctx, p, request.Package.Model, client.UpdateWorkflowOptions{UpdateID: updateID, UpdateName: schemas.UpdateChallenge, Args: []any{request}})
}

// Running says whether a workflow is under way; one that there never was is not.
func (p promoter) Running(ctx context.Context, workflowID string) (bool, error) {
	described, err := p.temporal.DescribeWorkflowExecution(ctx, workflowID, "")
	var none *serviceerror.NotFound
	if errors.As(err, &none) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("describe %s: %w", workflowID, err)
	}
	return described.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING, nil
}

// opine approves or rejects the challenger.
func (p promoter) opine(ctx context.Context, updateID, model, what string, request schemas.OpinionRequest) (string, error) {
	return update[string](ctx, p, model, client.UpdateWorkflowOptions{UpdateID: updateID, UpdateName: what, Args: []any{request}})
}

// status asks for the last switch, the challenger and the leases.
func (p promoter) status(ctx context.Context, model string) (schemas.ModelStatus, error) {
	var status schemas.ModelStatus
	value, err := p.temporal.QueryWorkflow(ctx, schemas.ModelID(model), "", schemas.QueryStatus)
	if err == nil {
		err = value.Get(&status)
	}
	if err != nil {
		return status, fmt.Errorf("status of %s: %w", schemas.ModelID(model), err)
	}
	return status, nil
}

// update waits for the result of an update.
func update[R any](ctx context.Context, p promoter, model string, options client.UpdateWorkflowOptions) (R, error) {
	var result R
	options.WaitForStage = client.WorkflowUpdateStageCompleted
	start := p.temporal.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
		ID: schemas.ModelID(model), TaskQueue: string(schemas.QueueControl),
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary:            "the one writer of " + model + "'s aliases",
	}, schemas.WorkflowModel, schemas.ModelInput{Model: model})
	handle, err := p.temporal.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{StartWorkflowOperation: start, UpdateOptions: options})
	if err == nil {
		err = handle.Get(ctx, &result)
	}
	if err != nil {
		return result, fmt.Errorf("update %s of %s: %w", options.UpdateName, schemas.ModelID(model), err)
	}
	return result, nil
}
