package train

import (
	"strconv"

	"puenktlich/activities/meter"
	"puenktlich/internal/learn"
)

// environment is what besides data, parameters and code determines a run, or may
// explain why it differs.
func (a *Activities) environment() map[string]string {
	known := meter.Machine()
	known["threads"] = strconv.Itoa(learn.Threads)
	if library, err := a.Library(); err == nil {
		known["xgboost"] = library.Version()
	}
	return known
}
