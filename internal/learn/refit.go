package learn

import (
	"context"
	"fmt"

	"puenktlich/internal/forecast"
	"puenktlich/internal/rail"
)

// Refit trains on all rows of the source for as many rounds as forward chaining
// chose, calibrates, and adds the cancellation model. The settings' algorithm
// must be servable.
func (t Trainer) Refit(ctx context.Context, source Source, s Settings, oof OutOfFold) (forecast.Artefact, error) {
	if !s.Algorithm.Servable() {
		return forecast.Artefact{}, fmt.Errorf("train: algorithm %s is there to be compared with and cannot be served: want %s", s.Algorithm, Buckets)
	}
	counted, err := t.survey(ctx, source)
	if err != nil {
		return forecast.Artefact{}, err
	}
	if err := counted.checkLearnable(counted.listed()); err != nil {
		return forecast.Artefact{}, err
	}
	data, err := s.data(source)
	if err != nil {
		return forecast.Artefact{}, err
	}
	if s.HalfLifeDays > 0 {
		if oof, err = oof.centred(); err != nil {
			return forecast.Artefact{}, fmt.Errorf("calibrate: %w", err)
		}
	}
	calibration, err := oof.Calibration()
	if err != nil {
		return forecast.Artefact{}, fmt.Errorf("calibrate: %w", err)
	}
	fitted, err := bucketTrees(t, s).Fit(ctx, Task{Name: "all-days", Train: data.on(counted.listed()), Rounds: oof.Rounds, Share: t.Progress})
	if err != nil {
		return forecast.Artefact{}, err
	}
	a := forecast.Artefact{FeatureVersion: source.Version(), Features: source.Names(), Edges: rail.BucketEdges(),
		Buckets: fitted.(fittedTrees).model, Calibration: calibration}
	a.CancelRate = float64(counted.cancelled) / float64(counted.rows)
	if counted.cancelled < minCancelled {
		return a, nil
	}
	a.Cancel, a.CancelCalibration, err = t.cancellations(ctx, data, s, counted)
	return a, err
}
