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
	"puenktlich/internal/policy"
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
	FindVerdicts(ctx context.Context, q schema.VerdictQuery) ([]schema.Verdict, error)
	Scores(ctx context.Context, q schema.MonitorQuery) ([]schema.Score, error)
	Drift(ctx context.Context, q schema.MonitorQuery) ([]schema.Drift, error)
}

// Champions loads the package in use.
type Champions interface {
	Champion(ctx context.Context, model string) (*modelpkg.Package, schemas.PackageRef, error)
}

// Objects keeps policies, evidence and reports.
type Objects interface {
	Put(ctx context.Context, key string, body []byte) error
	Get(ctx context.Context, key string) (body []byte, etag string, err error)
}

// Registry knows which package is champion, and since when.
type Registry interface {
	Aliases(ctx context.Context, model string) (schemas.Aliases, string, error)
}

// Promoter asks the workflow of a model for a switch.
type Promoter interface {
	Rollback(ctx context.Context, updateID, model string, request schemas.RollbackRequest) (schemas.SwitchResult, error)
}

// Alerts are told once, and again when they worsen or end.
type Alerts interface {
	RaiseAlert(ctx context.Context, a schemas.Alert) error
}

// Activities are the steps of monitoring. All fields are required.
type Activities struct {
	Store     Store
	Champions Champions
	Registry  Registry
	Promoter  Promoter
	Objects   Objects
	Alerts    Alerts
	Clock     Clock
	Name      string // of the source
	// Policy is the configured one.
	Policy policy.Book
}

// Measure reads one day of the champion's forecasts once and computes every
// signal the policy knows.
func (a *Activities) Measure(ctx context.Context, in schemas.MonitorInput) (schemas.Signals, error) {
	signals := schemas.Signals{Model: in.Model, Day: in.Day, AsOf: in.AsOf}
	if signals.AsOf.IsZero() {
		signals.AsOf = a.Clock.Now()
	}
	signals.AsOf = signals.AsOf.UTC().Truncate(time.Millisecond) // as it is stored
	if err := a.lineage(ctx, &signals); err != nil {
		return signals, err
	}
	var err error
	if signals.Day, err = a.day(ctx, in); err != nil {
		return signals, err
	}
	loaded, ref, err := a.Champions.Champion(ctx, in.Model)
	if errors.Is(err, champion.ErrNone) {
		return signals, failure.NothingToDo("monitor: %v", err)
	}
	signals.Version, signals.Digest = ref.Version, ref.Digest
	var broken *modelpkg.IntegrityError
	if errors.Is(err, schemas.ErrObjectMissing) || errors.As(err, &broken) {
		signals.Fault = fmt.Sprintf("the package of %s@%d cannot be read: %v", ref.Model, ref.Version, err)
		return signals, nil // a verdict says so
	}
	if err != nil {
		return signals, fmt.Errorf("monitor: %w", err)
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

// lineage fills in what the registry knows of the champion.
func (a *Activities) lineage(ctx context.Context, s *schemas.Signals) error {
	aliases, _, err := a.Registry.Aliases(ctx, s.Model)
	if err != nil {
		return fmt.Errorf("monitor: champion of %s: %w", s.Model, err)
	}
	if aliases.Champion != nil {
		s.ChampionSince = aliases.Champion.Since
	}
	if len(aliases.History) > 0 {
		s.PreviousVersion = aliases.History[0].Package.Version
	}
	return nil
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
