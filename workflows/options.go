package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"puenktlich/schemas"
)

// work is how an activity is run: where, what the operator reads, how long.
type work struct {
	queue   schemas.Queue
	summary string
	// attempt bounds one attempt; a lost worker is noticed earlier, by its
	// heartbeat, where beat is set.
	attempt time.Duration
	beat    time.Duration
}

// light is a step of seconds.
func light(queue schemas.Queue, summary string) work {
	return work{queue: queue, summary: summary, attempt: time.Minute}
}

// heavy is a step of minutes that heartbeats.
func heavy(queue schemas.Queue, summary string) work {
	return work{queue: queue, summary: summary, attempt: time.Hour, beat: 30 * time.Second}
}

// giveUp is how long a step is tried again while a server is away.
const giveUp = 24 * time.Hour

// with applies the options of a step: retries after 1, 2, 4 ... at most 60
// seconds for up to a day, except for failures that no retry can mend.
func with(ctx workflow.Context, w work) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              string(w.queue),
		StartToCloseTimeout:    w.attempt,
		ScheduleToCloseTimeout: giveUp,
		HeartbeatTimeout:       w.beat,
		Summary:                w.summary,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute,
		},
	})
}

// child runs another workflow under a readable ID below this one's.
func child(ctx workflow.Context, id, summary string) workflow.Context {
	return workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID: id, StaticSummary: summary, WaitForCancellation: true,
	})
}

// stepID names a child after this run, so that a repeated lifecycle repeats the
// names of its steps.
func stepID(ctx workflow.Context, step string) string {
	return schemas.StepID(workflow.GetInfo(ctx).WorkflowExecution.ID, step)
}
