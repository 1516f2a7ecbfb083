// Package score holds the activity that forecasts whole days with the champion,
// from the same state, features and model as serving.
package score

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/activity"

	"puenktlich/activities/failure"
	"puenktlich/internal/champion"
	"puenktlich/internal/dataset"
	"puenktlich/internal/feature"
	"puenktlich/internal/learn"
	"puenktlich/internal/livestate"
	"puenktlich/internal/modelpkg"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Clock tells domain time.
type Clock interface{ Now() time.Time }

// Store is what scoring reads and writes.
type Store interface {
	livestate.Store
	Days(ctx context.Context, source string) (schema.DaySpan, error)
	InsertPredictions(ctx context.Context, token string, predictions []schema.Prediction) error
}

// Champions loads the package in use.
type Champions interface {
	Champion(ctx context.Context, model string) (*modelpkg.Package, schemas.PackageRef, error)
}

// Activities are the steps of scoring. All fields but Lag are required.
type Activities struct {
	Store     Store
	Champions Champions
	Clock     Clock
	Name      string // of the source
	Group     string
	Lag       time.Duration
}

// ScoreDay forecasts every planned event of a day at every grid horizon whose
// cut-off lies at or before AsOf. Identifiers derive from package, event and
// horizon, so that a repeated run writes the same rows.
func (a *Activities) ScoreDay(ctx context.Context, in schemas.ScoreBatchInput) (schemas.ScoreBatchResult, error) {
	result := schemas.ScoreBatchResult{Day: in.Day}
	loaded, ref, err := a.Champions.Champion(ctx, in.Model)
	if errors.Is(err, champion.ErrNone) {
		return result, failure.NothingToDo("score: %v", err)
	}
	if err != nil {
		return result, fmt.Errorf("score: %w", err)
	}
	result.Package = ref
	day, asOf, err := a.day(ctx, in)
	if err != nil {
		return result, err
	}
	result.Day = string(day)
	rows, events, err := a.forecasts(ctx, loaded, ref, day, asOf)
	if err != nil {
		return result, err
	}
	result.Events, result.Predictions = events, len(rows)
	if len(rows) == 0 {
		result.Note = fmt.Sprintf("no event is planned on %s whose forecast was due by %s", day, asOf.Format(time.RFC3339))
		return result, nil
	}
	token := fmt.Sprintf("batch/%s/%s/%d", ref.Digest, day, len(rows))
	if err := a.Store.InsertPredictions(ctx, token, rows); err != nil {
		return result, fmt.Errorf("store forecasts of %s: %w", day, err)
	}
	return result, nil
}

// day is the one asked for, or the newest that began before AsOf.
func (a *Activities) day(ctx context.Context, in schemas.ScoreBatchInput) (rail.Day, time.Time, error) {
	asOf := in.AsOf
	if asOf.IsZero() {
		asOf = a.Clock.Now()
	}
	if in.Day != "" {
		day, err := rail.ParseDay(in.Day)
		if err != nil {
			return "", asOf, failure.InvalidInput("score: %v", err)
		}
		return day, asOf, nil
	}
	span, err := a.Store.Days(ctx, a.Name)
	if err != nil {
		return "", asOf, fmt.Errorf("days of %s: %w", a.Name, err)
	}
	if span.LastPlanned == "" {
		return "", asOf, failure.NothingToDo("score: nothing of the %s was collected yet: run Collect or ImportHistory first", a.Name)
	}
	return min(rail.Day(span.LastPlanned), rail.DayOf(asOf)), asOf, nil
}

func (a *Activities) forecasts(ctx context.Context, loaded *modelpkg.Package, ref schemas.PackageRef, day rail.Day, asOf time.Time) ([]schema.Prediction, int, error) {
	var plans []rail.PlannedEvent
	query := schema.TimelineQuery{Source: a.Name, From: day.Start(), Until: day.End()}
	err := a.Store.Timelines(ctx, query, func(plan rail.PlannedEvent, _ []rail.Change) error { plans = append(plans, plan); return nil })
	if err != nil {
		return nil, 0, fmt.Errorf("plan of %s: %w", day, err)
	}
	state, err := livestate.Fill(ctx, a.Store, livestate.Span{Source: a.Name, From: day.Start(), Until: day.End()}, a.Lag)
	if err != nil {
		return nil, 0, err
	}
	s := scorer{a: a, loaded: loaded, ref: ref, state: state, histories: &livestate.Histories{Store: a.Store, Source: a.Name}}
	if err := json.Unmarshal(loaded.Baselines, &s.baselines); err != nil {
		return nil, 0, failure.Integrity(err, "baselines of %s", loaded.Manifest)
	}
	var rows []schema.Prediction
	for i, plan := range plans {
		if i%500 == 0 && activity.IsActivity(ctx) {
			activity.RecordHeartbeat(ctx, i)
		}
		for _, horizon := range rail.Horizons() {
			cutoff := plan.Planned.Add(-time.Duration(horizon) * time.Minute)
			if cutoff.After(asOf) {
				continue
			}
			row, found, err := s.forecast(ctx, plan.Key(), cutoff, horizon)
			if err != nil {
				return nil, 0, err
			}
			if found {
				rows = append(rows, row)
			}
		}
	}
	return rows, len(plans), nil
}

// scorer forecasts single events of a day.
type scorer struct {
	a         *Activities
	loaded    *modelpkg.Package
	baselines learn.Baselines
	ref       schemas.PackageRef
	state     *feature.State
	histories *livestate.Histories
}

func (s *scorer) forecast(ctx context.Context, key rail.EventKey, cutoff time.Time, horizon int) (schema.Prediction, bool, error) {
	known, found := s.state.At(key, cutoff)
	if !found {
		return schema.Prediction{}, false, nil
	}
	history, err := s.histories.At(ctx, cutoff)
	if err != nil {
		return schema.Prediction{}, false, err
	}
	vector := make([]float32, feature.Width())
	feature.Vector(vector, &known, history)
	d, err := s.loaded.Model.Forecast(vector, float64(horizon))
	if err != nil {
		return schema.Prediction{}, false, fmt.Errorf("forecast %s at %d min: %w", key, horizon, err)
	}
	id := identify(s.ref.Digest, key, horizon)
	return schema.Prediction{RequestID: id, PredictionID: id, Source: schema.FromBatch, DataSource: s.a.Name, Group: s.a.Group,
		Model: s.ref.Model, Version: uint32(s.ref.Version), Digest: s.ref.Digest, Role: schema.RoleChampion, Instance: "batch",
		EVA: known.Plan.EVA, StopID: string(key.Stop), Kind: string(key.Kind), EventDay: string(rail.DayOf(known.Plan.Planned)), Planned: known.Plan.Planned,
		PredictedAt: cutoff, HorizonMinutes: int32(horizon), Features: vector, Cumulative: d.Cumulative,
		POnTime: d.OnTime(), PCancelled: d.Cancelled, PBaseline: s.baseline(&known, horizon)}, true, nil
}

// baseline is P(on time) of the railway's calibrated forecast, as serving logs
// it.
func (s *scorer) baseline(k *feature.Knowledge, horizon int) float64 {
	row := dataset.Row{Kind: k.Plan.Kind, Category: k.Plan.Train.Category, Horizon: horizon}
	if delay, known := k.Own.DelayMinutes(); known {
		row.DBDelay = delay
	}
	return 1 - s.baselines.LateByCalibratedForecast(row)
}

// identify makes the same UUID of the same forecast.
func identify(digest string, key rail.EventKey, horizon int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "batch|%s|%s|%d", digest, key, horizon))
	return uuid.Must(uuid.FromBytes(sum[:16])).String()
}
