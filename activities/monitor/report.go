package monitor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"go.temporal.io/sdk/activity"

	"puenktlich/internal/drift"
	"puenktlich/internal/metric"
	"puenktlich/internal/rail"
	"puenktlich/internal/report"
	"puenktlich/internal/rulebook"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Sizes of a report.
const (
	reportNights    = 56
	reportBins      = 12 // of the reliability curve
	reportFeatures  = 12
	reportBeatEvery = 2000 // forecasts
)

// Report writes the page of a night to the store, under the key that the result
// names.
func (a *Activities) Report(ctx context.Context, in schemas.MonitorInput, r schemas.MonitorResult) error {
	s := r.Signals
	night := report.Night{Result: r, Source: a.Name}
	var err error
	if night.Before, err = a.before(ctx, s); err != nil {
		return err
	}
	if night.Scores, err = a.Store.Scores(ctx, schema.MonitorQuery{Model: s.Model, From: s.Day, Until: string(rail.Day(s.Day).Add(1)), AsOf: s.AsOf}); err != nil {
		return fmt.Errorf("scores of %s: %w", s.Day, err)
	}
	if s.Fault == "" && s.Predictions > 0 {
		if err := a.look(ctx, in, s, &night); err != nil {
			return err
		}
	}
	page, err := report.Page(night)
	if err != nil {
		return err
	}
	if err := a.Objects.Put(ctx, r.Report, page); err != nil {
		return fmt.Errorf("report of %s: %w", s.Day, err)
	}
	return nil
}

// before are the nights before, oldest first.
func (a *Activities) before(ctx context.Context, s schemas.Signals) ([]report.Past, error) {
	rows, err := a.Store.FindVerdicts(ctx, schema.VerdictQuery{Model: s.Model, DataSource: a.Name, Until: s.Day, DecidedUntil: s.AsOf, Newest: true, Limit: reportNights})
	if err != nil {
		return nil, fmt.Errorf("nights before %s: %w", s.Day, err)
	}
	var all []report.Past
	for _, row := range slices.Backward(rows) {
		night, err := rulebook.Night(row)
		if err != nil {
			return nil, err
		}
		night.Drift, night.Signals = nil, nil // the curve needs neither
		all = append(all, report.Past{Signals: night, Kind: schemas.VerdictKind(row.Action), Act: schemas.Act(row.Act)})
	}
	return all, nil
}

// look gathers what only a drawing needs: forecasts beside truth, and the counts of
// the features that moved furthest. The champion may be another by now: distributions
// are then left out.
func (a *Activities) look(ctx context.Context, in schemas.MonitorInput, s schemas.Signals, night *report.Night) error {
	loaded, ref, err := a.Champions.Champion(ctx, s.Model)
	if err != nil {
		return fmt.Errorf("report of %s: %w", s.Day, err)
	}
	if ref.Digest == s.Digest {
		if night.Shapes, err = a.shapes(ctx, s, loaded.References); err != nil {
			return fmt.Errorf("distributions of %s: %w", s.Day, err)
		}
	}
	var p []float64
	var late []bool
	until := s.AsOf
	if in.AsOf.IsZero() {
		until = time.Time{} // as it was measured
	}
	n := 0
	query := schema.PredictionQuery{Model: s.Model, Source: schema.PredictionSource(s.Source), DataSource: a.Name, From: s.Day, Until: string(rail.Day(s.Day).Add(1)),
		SettledUntil: until}
	err = a.Store.PredictionsWithTruth(ctx, query, func(f schema.Prediction, o schema.Outcome) error {
		if f.Digest != s.Digest {
			return nil
		}
		if n++; n%reportBeatEvery == 0 && activity.IsActivity(ctx) {
			activity.RecordHeartbeat(ctx, n)
		}
		if o.Settled && !o.Cancelled && o.Evidence == string(rail.ChangeObserved) {
			p, late = append(p, 1-f.POnTime), append(late, !rail.OnTime(int(o.DelayMinutes)))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("forecasts of %s: %w", s.Day, err)
	}
	night.Reliability = metric.Reliability(p, late, reportBins)
	return nil
}

// shapes are the features that moved furthest, as the night counted them.
func (a *Activities) shapes(ctx context.Context, s schemas.Signals, references []drift.Reference) ([]report.Shape, error) {
	stored, err := a.countsOf(ctx, s)
	if err != nil {
		return nil, err
	}
	now, err := merged(stored)
	if err != nil {
		return nil, err
	}
	moved := slices.Clone(s.Drift)
	slices.SortStableFunc(moved, func(a, b schemas.FeatureDrift) int { return cmp.Compare(b.PSI, a.PSI) })
	var all []report.Shape
	for _, f := range moved[:min(reportFeatures, len(moved))] {
		i := slices.IndexFunc(references, func(r drift.Reference) bool { return r.Feature == f.Feature })
		if counts, found := now[f.Feature]; i >= 0 && found && len(counts.Bins) == len(references[i].Bins) {
			all = append(all, shape(references[i], counts))
		}
	}
	return all, nil
}

// shape names the bins of a reference.
func shape(r drift.Reference, counts drift.Counts) report.Shape {
	shape := report.Shape{Feature: r.Feature, Reference: shares(r.Counts), Night: shares(counts)}
	for i := range counts.Bins {
		switch {
		case i == 0:
			shape.Labels = append(shape.Labels, "up to "+short(r.Edges[0]))
		case i < len(r.Edges):
			shape.Labels = append(shape.Labels, short(r.Edges[i-1])+" to "+short(r.Edges[i]))
		default:
			shape.Labels = append(shape.Labels, "above "+short(r.Edges[len(r.Edges)-1]))
		}
	}
	return shape
}

func short(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }

func shares(c drift.Counts) []float64 {
	known := c.Known()
	all := make([]float64, len(c.Bins))
	for i, n := range c.Bins {
		if known > 0 {
			all[i] = float64(n) / float64(known)
		}
	}
	return all
}
