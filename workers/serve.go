package workers

import (
	"go.temporal.io/sdk/worker"
)

// serving loads a package into this API instance: one at a time, since the last
// one asked for wins.
func serving() pool {
	return pool{slots: 1, register: func(r worker.Registry, steps Steps) {
		r.RegisterActivity(steps.Serve)
	}}
}
