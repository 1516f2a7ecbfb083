package monitor

import (
	"context"
	"math"
	"time"

	"puenktlich/internal/metric"
	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

// Scores that are estimated before truth, in the order of expectedScores.
func estimated() []string { return []string{"brier", "log_loss", "auc", "accuracy"} }

// expectedScores are what forecasts promise of themselves.
func expectedScores(p []float64) []float64 {
	return []float64{metric.Sharpness(p), metric.ExpectedLogLoss(p), metric.ExpectedAUC(p), metric.ExpectedAccuracy(p)}
}

// realizedScores are the same on truth.
func realizedScores(p []float64, late []bool) []float64 {
	loss, exists := metric.LogLoss(p, late)
	if !exists {
		loss = math.NaN()
	}
	return []float64{metric.Brier(p, late), loss, metric.AUC(p, late), metric.Accuracy(p, late)}
}

// promise stores the scores expected of the champion's forecasts that have no
// truth yet: of the measured day, which with Light is the running one.
func (n *measuring) promise(ctx context.Context) error {
	var rows []schema.Estimate
	for _, horizon := range append([]int{0}, rail.Horizons()...) {
		p, _ := n.pick(func(m made) bool {
			return m.settled.IsZero() && (horizon == 0 || m.horizon == int32(horizon))
		})
		if len(p) == 0 {
			continue
		}
		for i, value := range expectedScores(p) {
			rows = append(rows, schema.Estimate{Model: n.s.Model, Version: uint32(n.ref.Version), Digest: n.ref.Digest, Role: schema.RoleChampion,
				Source: schema.PredictionSource(n.s.Source), DataSource: n.a.Name, Day: string(n.day), HorizonMinutes: int32(horizon), Metric: estimated()[i],
				Estimate: value, Forecasts: uint64(len(p)), MadeAt: n.asOf, Expected: math.NaN(), Realized: math.NaN()})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return n.a.Store.SaveEstimates(ctx, n.token("estimates", rows), rows)
}

// pick are forecasts and outcomes of the champion.
func (n *measuring) pick(keep func(made) bool) (p []float64, late []bool) {
	for _, m := range n.forecasts {
		if keep(m) {
			p, late = append(p, m.p), append(late, m.late)
		}
	}
	return p, late
}

// grade holds the estimates of the day against truth: of each, on the forecasts
// that had no truth when it was made and have one now. Those that settled early
// are another sample, and left out.
func (n *measuring) grade(ctx context.Context) error {
	open, err := n.a.Store.Estimates(ctx, schema.MonitorQuery{Model: n.s.Model, From: string(n.day), Until: string(n.day.Add(1)), AsOf: n.asOf})
	if err != nil {
		return err
	}
	var graded []schema.Estimate
	for _, e := range open {
		if e.Digest != n.ref.Digest || e.DataSource != n.a.Name || string(e.Source) != n.s.Source || !e.MadeAt.Before(n.asOf) {
			continue
		}
		expected, realized, rows := n.held(e)
		if rows == 0 || e.Graded == uint64(rows) && e.Realized == realized {
			continue
		}
		e.Expected, e.Realized, e.Graded, e.GradedAt = expected, realized, uint64(rows), n.asOf
		graded = append(graded, e)
	}
	if len(graded) == 0 {
		return nil
	}
	return n.a.Store.SaveEstimates(ctx, n.token("grades", graded), graded)
}

func (n *measuring) held(e schema.Estimate) (expected, realized float64, rows int) {
	p, late := n.pick(func(m made) bool {
		return m.scored && (e.HorizonMinutes == 0 || m.horizon == e.HorizonMinutes) && openAt(m, e.MadeAt)
	})
	if len(p) == 0 {
		return math.NaN(), math.NaN(), 0
	}
	for i, name := range estimated() {
		if name == e.Metric {
			return expectedScores(p)[i], realizedScores(p, late)[i], len(p)
		}
	}
	return math.NaN(), math.NaN(), 0
}

// openAt says that a forecast had been made and had no truth at a moment.
func openAt(m made, at time.Time) bool { return !m.predicted.After(at) && m.settled.After(at) }
