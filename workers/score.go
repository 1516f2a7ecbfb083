package workers

import (
	"go.temporal.io/sdk/worker"
)

// scoring computes forecasts of whole days and their scores: two at once.
func scoring() pool {
	return pool{slots: 2, register: func(r worker.Registry, steps Steps) {
		r.RegisterActivity(steps.Score)
		r.RegisterActivity(steps.Monitor)
		r.RegisterActivity(steps.Backtest)
	}}
}
