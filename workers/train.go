package workers

import (
	"go.temporal.io/sdk/worker"
)

// training uses every processor by itself: one at a time, so that each run's speed
// and memory can be compared.
func training() pool {
	return pool{slots: 1, register: func(r worker.Registry, steps Steps) {
		r.RegisterActivity(steps.Train)
		r.RegisterActivity(steps.Evaluate)
	}}
}
