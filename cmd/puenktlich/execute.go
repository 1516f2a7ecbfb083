package main

import (
	"context"
	"errors"
	"fmt"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"puenktlich/schemas"
)

// execute runs a workflow to its end, or joins the one that runs under the id.
// A failure is the workflow's own sentence.
func execute[R any](ctx context.Context, a *adapters, id, workflow string, input any) (R, error) {
	var result R
	run, err := a.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: string(schemas.QueueControl),
		StaticSummary: purpose(workflow), WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING}, workflow, input)
	if err == nil {
		err = run.Get(ctx, &result)
	}
	if err == nil {
		return result, nil
	}
	var said *temporal.ApplicationError
	if errors.As(err, &said) {
		return result, fmt.Errorf("%s: %s", id, said.Message())
	}
	return result, fmt.Errorf("%s: %w", id, err)
}

// purpose is what an operator reads of a run in the list of workflows.
func purpose(workflow string) string {
	return map[string]string{
		schemas.WorkflowCollect:       "poll the stations of a group",
		schemas.WorkflowImportHistory: "ingest recordings and releases of earlier days",
		schemas.WorkflowSettleTruth:   "decide what really happened",
		schemas.WorkflowRunLifecycle:  "from observations to a served champion",
		schemas.WorkflowMonitorModel:  "judge a day's forecasts",
		schemas.WorkflowScoreBatch:    "forecast a whole day, or a file of vectors",

		schemas.WorkflowRecalibrateModel: "a new calibration for the champion's trees",
		schemas.WorkflowBacktestPolicy:   "live through weeks again, night by night",
		schemas.WorkflowReproduceRun:     "make a recorded run again",
	}[workflow]
}
