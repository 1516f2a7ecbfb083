package workers

import (
	"go.temporal.io/sdk/worker"

	"puenktlich/workflows"
)

// control runs the workflows and nothing else: decisions are cheap, and no step of
// compute may ever delay them.
func control() pool {
	return pool{slots: 1, register: func(r worker.Registry, _ Steps) {
		workflows.RegisterWorkflows(r)
	}}
}
