package workers

import (
	"go.temporal.io/sdk/worker"
)

// releasing is rare, and one of its steps waits for the model's workflow, whose
// own step runs on this queue too: hence more than one slot.
func releasing() pool {
	return pool{slots: 4, register: func(r worker.Registry, steps Steps) {
		r.RegisterActivity(steps.Release)
		r.RegisterActivity(steps.Experiment)
	}}
}
