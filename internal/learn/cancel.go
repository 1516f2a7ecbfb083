package learn

import (
	"context"
	"fmt"
	"math"

	"puenktlich/internal/calibrate"
	"puenktlich/internal/dataset"
	"puenktlich/internal/learn/xgb"
	"puenktlich/internal/rail"
)

// Numbers of the cancellation model.
const (
	minCancelled     = 30 // rows, below them no cancellation model
	minFoldCancelled = 10 // rows, below them a fold teaches nothing of cancellations
	cancelRounds     = 60 // at most
	cancelDepth      = 4
)

// cancellations trains P(cancelled) on every settled event as the delay is
// trained: forward chaining gives the number of rounds and the forecasts that the
// calibration is fitted on. The calibration is nil where no day could be
// forecast by earlier ones with cancellations on both sides.
func (t Trainer) cancellations(ctx context.Context, data Data, s Settings, counted survey) ([]byte, *calibrate.Horizons, error) {
	s.MaxDepth = cancelDepth
	learner := trees{trainer: t, params: s.params(xgb.BinaryLogistic, 1), label: cancelLabel}
	oof := OutOfFold{Rounds: cancelRounds}
	folds, best := forwardChain(counted.listed()), 0
	for i, f := range folds {
		if counted.lost(f.Train) < minFoldCancelled {
			continue
		}
		valid := data.settledOn(f.Valid)
		task := Task{Name: fmt.Sprintf("cancellations-fold-%d", i+1), Rounds: cancelRounds, Share: t.Progress, Valid: &valid,
			Train: data.settledOn(f.Train).without(counted.overnight(f.Valid))}
		fitted, err := learner.Fit(ctx, task)
		if err != nil {
			return nil, nil, err
		}
		_, _, events := counted.of(f.Valid)
		if err := oof.add(ctx, fitted, valid, events, func(r dataset.Row) bool { return r.Cancelled }); err != nil {
			return nil, nil, err
		}
		best += fitted.Curve().Best
	}
	if oof.Folds > 0 {
		oof.Rounds = max(1, int(math.Round(float64(best)/float64(oof.Folds))))
	}
	calibration, err := CalibrateCancelled(oof.cancelled())
	if err != nil {
		return nil, nil, err
	}
	fitted, err := learner.Fit(ctx, Task{Name: "cancellations", Train: data, Rounds: oof.Rounds, Share: t.Progress})
	if err != nil {
		return nil, nil, err
	}
	return fitted.(fittedTrees).model, calibration, nil
}

// cancelled are the forecasts of a cancellation model, and the fold of each.
func (o OutOfFold) cancelled() (calibrate.HorizonEvents, []int) {
	forecasts := make([]float64, len(o.OnTime))
	for i, p := range o.OnTime {
		forecasts[i] = 1 - p
	}
	return calibrate.HorizonEvents{HorizonMinutes: o.Horizon, Forecast: forecasts, Outcome: o.Late}, o.Fold
}

// CalibrateCancelled fits a calibration of P(cancelled) on forecasts of trees that
// were not trained on the events, by the method that does best on groups (fold) it
// was not fitted on. It is nil, and nothing is to be calibrated, with fewer than ten
// cancelled events or none that ran.
func CalibrateCancelled(events calibrate.HorizonEvents, fold []int) (*calibrate.Horizons, error) {
	lost := 0
	for _, cancelled := range events.Outcome {
		if cancelled {
			lost++
		}
	}
	if lost < minFoldCancelled || lost == len(events.Outcome) {
		return nil, nil
	}
	fitted, err := calibrate.Choose(events, fold, calibrate.Options{PriorEvents: calibratePrior, MinEvents: calibrateEvents, MinIsotonic: isotonicEvents})
	if err != nil {
		return nil, fmt.Errorf("calibrate P(cancelled): %w", err)
	}
	return &fitted, nil
}

// settledOn keeps every settled event of these days, ascending.
func (d Data) settledOn(days []rail.Day) Data {
	d.keep = func(r dataset.Row) bool { return among(days, r.EventDay) }
	return d
}

// lost counts the cancelled rows of some days.
func (s survey) lost(days []rail.Day) (rows int) {
	for _, counts := range s.days {
		if among(days, counts.day) {
			rows += counts.cancelled
		}
	}
	return rows
}
