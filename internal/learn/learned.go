package learn

import (
	"puenktlich/internal/drift"
	"puenktlich/internal/forecast"
)

// Learned is what a training leaves behind, stored as one object.
type Learned struct {
	Artefact   forecast.Artefact `json:"artefact"`
	Baselines  Baselines         `json:"baselines"`
	References []drift.Reference `json:"drift_references"`
	// Environment names what else determined the result.
	Environment map[string]string `json:"environment"`
}
