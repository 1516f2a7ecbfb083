package workers

import (
	"go.temporal.io/sdk/worker"
)

// preparing holds a day's observations in memory and keeps a processor busy: two at
// once is what two cores and a bounded memory allow.
func preparing() pool {
	return pool{slots: 2, register: func(r worker.Registry, steps Steps) {
		r.RegisterActivity(steps.Prepare)
	}}
}
