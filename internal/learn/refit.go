package learn

import (
	"context"
	"fmt"

	"puenktlich/internal/forecast"
	"puenktlich/internal/learn/xgb"
	"puenktlich/internal/rail"
)

// Numbers of the cancellation model.
const (
	minCancelled = 30 // rows, below them no cancellation model
	cancelRounds = 60
	cancelDepth  = 4
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
	a.Cancel, err = t.cancellations(ctx, data, s)
	return a, err
}

// cancellations trains P(cancelled) on every settled event.
func (t Trainer) cancellations(ctx context.Context, data Data, s Settings) ([]byte, error) {
	s.MaxDepth = cancelDepth
	learner := trees{t, s.params(xgb.BinaryLogistic, 1), cancelLabel}
	fitted, err := learner.Fit(ctx, Task{Name: "cancellations", Train: data, Rounds: cancelRounds, Share: t.Progress})
	if err != nil {
		return nil, err
	}
	return fitted.(fittedTrees).model, nil
}
