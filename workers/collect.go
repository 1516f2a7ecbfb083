package workers

import (
	"go.temporal.io/sdk/worker"
)

// collecting waits for networks, not processors: two groups at once, each with its
// own bounded number of calls under way.
func collecting() pool {
	return pool{slots: 2, register: func(r worker.Registry, steps Steps) {
		r.RegisterActivity(steps.Collect)
	}}
}
