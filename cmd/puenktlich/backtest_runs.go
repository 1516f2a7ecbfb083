package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"puenktlich/schemas"
)

// watchedRuns tells a backtest what the workflows of its models have come to.
type watchedRuns struct{ temporal client.Client }

// Lifecycle waits until a lifecycle or a recalibration has ended.
func (w watchedRuns) Lifecycle(ctx context.Context, id string) (result schemas.LifecycleResult, failed string, err error) {
	err = w.temporal.GetWorkflow(ctx, id, "").Get(ctx, &result)
	var ended *temporal.WorkflowExecutionError
	if !errors.As(err, &ended) {
		return result, "", err
	}
	var said *temporal.ApplicationError
	if errors.As(err, &said) {
		return result, said.Message(), nil
	}
	return result, ended.Error(), nil
}

// Rollout asks the rollout of a model how far it is.
func (w watchedRuns) Rollout(ctx context.Context, model string) (status schemas.RolloutStatus, running bool, err error) {
	id := schemas.PromoteID(model)
	if running, err = (promoter{w.temporal}).Running(ctx, id); err != nil || !running {
		return status, false, err
	}
	value, err := w.temporal.QueryWorkflow(ctx, id, "", schemas.QueryRollout)
	if err == nil {
		err = value.Get(&status)
	}
	if err != nil {
		return status, true, fmt.Errorf("ask %s: %w", id, err)
	}
	return status, true, nil
}

// rolloutPause is short beside a night and long beside a question.
const rolloutPause = 50 * time.Millisecond

// Pause lets a moment pass.
func (w watchedRuns) Pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rolloutPause):
		return nil
	}
}
