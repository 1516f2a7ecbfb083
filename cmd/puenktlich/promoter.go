package main

import (
	"context"
	"fmt"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"puenktlich/schemas"
)

// promoter sends updates to the workflow of a model.
type promoter struct{ temporal client.Client }

// Promote starts the model's workflow where it does not run, and waits for the
// switch.
func (p promoter) Promote(ctx context.Context, updateID string, request schemas.PromoteRequest) (schemas.SwitchResult, error) {
	var result schemas.SwitchResult
	start := p.temporal.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
		ID: schemas.ModelID(request.Package.Model), TaskQueue: string(schemas.QueueControl),
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary:            "the one writer of " + request.Package.Model + "'s aliases",
	}, schemas.WorkflowModel, schemas.ModelInput{Model: request.Package.Model})
	handle, err := p.temporal.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: start,
		UpdateOptions: client.UpdateWorkflowOptions{UpdateID: updateID, UpdateName: schemas.UpdatePromote,
			Args: []any{request}, WaitForStage: client.WorkflowUpdateStageCompleted},
	})
	if err == nil {
		err = handle.Get(ctx, &result)
	}
	if err != nil {
		return result, fmt.Errorf("update %s of %s: %w", schemas.UpdatePromote, schemas.ModelID(request.Package.Model), err)
	}
	return result, nil
}

// rollback asks the model's workflow for an earlier champion.
func (p promoter) rollback(ctx context.Context, model string, request schemas.RollbackRequest) (schemas.SwitchResult, error) {
	var result schemas.SwitchResult
	handle, err := p.temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{WorkflowID: schemas.ModelID(model),
		UpdateName: schemas.UpdateRollback, Args: []any{request}, WaitForStage: client.WorkflowUpdateStageCompleted})
	if err == nil {
		err = handle.Get(ctx, &result)
	}
	if err != nil {
		return result, fmt.Errorf("update %s of %s: %w", schemas.UpdateRollback, schemas.ModelID(model), err)
	}
	return result, nil
}
