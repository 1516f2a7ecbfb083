package workers

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"puenktlich/activities/backtest"
	"puenktlich/activities/collect"
	"puenktlich/activities/evaluate"
	"puenktlich/activities/experiment"
	"puenktlich/activities/monitor"
	"puenktlich/activities/prepare"
	"puenktlich/activities/release"
	"puenktlich/activities/score"
	"puenktlich/activities/serve"
	"puenktlich/activities/train"
	"puenktlich/schemas"
)

// stopTimeout lets steps under way end when a process is told to stop; the
// default would cut them off at once.
const stopTimeout = 5 * time.Second

// heartbeatAtMost is the pause between two heartbeats that are sent: what a lost
// worker had done since the last one is done again, and who watches a run reads
// news that old.
const heartbeatAtMost = 3 * time.Second

// Steps are the activities a process can run, wired. A pool that is started
// needs its own.
type Steps struct {
	Collect  *collect.Activities
	Prepare  *prepare.Activities
	Train    *train.Activities
	Evaluate *evaluate.Activities
	Release  *release.Activities
	Score    *score.Activities
	Monitor  *monitor.Activities
	Serve    *serve.Activities
	// Experiment looks after recorded runs.
	Experiment *experiment.Activities
	// Backtest waits for runs and grades them.
	Backtest *backtest.Activities
}

// pool is one task queue's worker: its slots and what it registers.
type pool struct {
	slots    int
	register func(worker.Registry, Steps)
}

// pools holds one entry a queue.
func pools() map[schemas.Queue]pool {
	return map[schemas.Queue]pool{
		schemas.QueueControl: control(),
		schemas.QueueCollect: collecting(),
		schemas.QueuePrepare: preparing(),
		schemas.QueueTrain:   training(),
		schemas.QueueRelease: releasing(),
		schemas.QueueScore:   scoring(),
	}
}

// Start runs the worker of a pool until it is stopped.
func Start(c client.Client, queue schemas.Queue, steps Steps) (worker.Worker, error) {
	p, found := pools()[queue]
	if !found {
		return nil, fmt.Errorf("no pool %q: there are %v", queue, schemas.Queues())
	}
	return start(c, queue, p, steps)
}

// StartServe runs the worker of one API instance.
func StartServe(c client.Client, instance string, steps Steps) (worker.Worker, error) {
	return start(c, schemas.ServeQueue(instance), serving(), steps)
}

func start(c client.Client, queue schemas.Queue, p pool, steps Steps) (worker.Worker, error) {
	w := worker.New(c, string(queue), worker.Options{
		MaxConcurrentActivityExecutionSize: p.slots,
		WorkerStopTimeout:                  stopTimeout,
		MaxHeartbeatThrottleInterval:       heartbeatAtMost,
		DisableRegistrationAliasing:        true,
	})
	p.register(w, steps)
	if err := w.Start(); err != nil {
		return nil, fmt.Errorf("start worker of queue %s: %w", queue, err)
	}
	return w, nil
}
