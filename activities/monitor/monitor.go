// Package monitor holds the activities of the nightly watch: forecasts scored
// on truth, features held against training, and the verdict of the policy.
package monitor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"puenktlich/activities/failure"
	"puenktlich/internal/champion"
	"puenktlich/internal/modelpkg"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Clock tells domain time.
type Clock interface{ Now() time.Time }

// Store is what monitoring reads and writes.
type Store interface {
	Days(ctx context.Context, source string) (schema.DaySpan, error)
	PredictionsWithTruth(ctx context.Context, q schema.PredictionQuery, visit func(schema.Prediction, schema.Outcome) error) error
	SaveScores(ctx context.Context, token string, scores []schema.Score) error
	SaveDrift(ctx context.Context, token string, drifts []schema.Drift) error
	SaveVerdict(ctx context.Context, verdict schema.Verdict) error
}

// Champions loads the package in use.
type Champions interface {
	Champion(ctx context.Context, model string) (*modelpkg.Package, schemas.PackageRef, error)
}

// Activities are the steps of monitoring. All fields are required.
type Activities struct {
	Store     Store
	Champions Champions
	Clock     Clock
	Name      string // of the source
}

// Measure reads one day of the champion's forecasts once and computes every
// signal the policy knows.
func (a *Activities) Measure(ctx context.Context, in schemas.MonitorInput) (schemas.Signals, error) {
	signals := schemas.Signals{Model: in.Model, Day: in.Day, AsOf: in.AsOf}
	if signals.AsOf.IsZero() {
		signals.AsOf = a.Clock.Now()
	}
	loaded, ref, err := a.Champions.Champion(ctx, in.Model)
	if errors.Is(err, champion.ErrNone) {
		return signals, failure.NothingToDo("monitor: %v", err)
	}
	if err != nil {
		return signals, fmt.Errorf("monitor: %w", err)
	}
	signals.Version, signals.Digest = ref.Version, ref.Digest
	if signals.Day, err = a.day(ctx, in); err != nil {
		return signals, err
	}
	day := newDay(loaded)
	if err := a.read(ctx, signals, in.AsOf, day); err != nil {
		return signals, err
	}
	if err := day.fill(&signals); err != nil {
		return signals, err
	}
	signals.Signals = day.signals(signals)
	return signals, nil
}

// day is the one asked for, or the last whole day before AsOf that has truth.
func (a *Activities) day(ctx context.Context, in schemas.MonitorInput) (string, error) {
	if in.Day != "" {
		if _, err := rail.ParseDay(in.Day); err != nil {
			return "", failure.InvalidInput("monitor: %v", err)
		}
		return in.Day, nil
	}
	asOf := in.AsOf
	if asOf.IsZero() {
		asOf = a.Clock.Now()
	}
	span, err := a.Store.Days(ctx, a.Name)
	if err != nil {
		return "", fmt.Errorf("days of %s: %w", a.Name, err)
	}
	if span.LastSettled == "" {
		return "", failure.NothingToDo("monitor: no truth of the %s is settled yet: run SettleTruth first", a.Name)
	}
	return string(min(rail.Day(span.LastSettled), rail.DayOf(asOf).Add(-1))), nil
}

// read visits the day's panel forecasts of the champion; where the panel has
// none of this version, those of a batch.
func (a *Activities) read(ctx context.Context, s schemas.Signals, asOf time.Time, day *day) error {
	for _, source := range []schema.PredictionSource{schema.FromPanel, schema.FromBatch} {
		query := schema.PredictionQuery{Model: s.Model, Source: source, DataSource: a.Name, From: s.Day,
			Until: string(rail.Day(s.Day).Add(1)), SettledUntil: asOf, WithFeatures: true}
		err := a.Store.PredictionsWithTruth(ctx, query, func(p schema.Prediction, o schema.Outcome) error {
			if p.Digest != s.Digest {
				return nil
			}
			if day.predictions%1000 == 0 && activity.IsActivity(ctx) {
				activity.RecordHeartbeat(ctx, day.predictions)
			}
			return day.add(p, o)
		})
		if err != nil {
			return fmt.Errorf("forecasts of %s: %w", s.Day, err)
		}
		if day.predictions > 0 {
			day.source = source
			return nil
		}
	}
	return nil
}
