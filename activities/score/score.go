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
	Planned(ctx context.Context, q schema.TimelineQuery) (int, error)
	InsertPredictions(ctx context.Context, token string, predictions []schema.Prediction) error
}

// Champions loads the package in use.
type Champions interface {
	Champion(ctx context.Context, model string) (*modelpkg.Package, schemas.PackageRef, error)
	// Challenger answers nil where there is none.
	Challenger(ctx context.Context, model string) (*modelpkg.Package, schemas.PackageRef, error)
	// Package loads the one that a plan names.
	Package(ctx context.Context, ref schemas.PackageRef) (*modelpkg.Package, error)
}

// Activities are the steps of scoring. All fields but Lag are required; Objects
// and Dir, where files to score are kept for a while, are of files alone.
type Activities struct {
	Store     Store
	Champions Champions
	Clock     Clock
	Name      string // of the source
	Group     string
	Lag       time.Duration
	Objects   Objects
	Dir       string
}

// ScoreWindow forecasts every planned event of one window of a plan at every
// grid horizon whose cut-off lies at or before its AsOf. Identifiers derive from
// package, event and horizon, so that a repeated run writes the same rows.
func (a *Activities) ScoreWindow(ctx context.Context, in schemas.ScorePartInput) (schemas.ScorePartResult, error) {
	plan, window := in.Plan, in.Plan.Windows[in.Part]
	loaded, err := a.Champions.Package(ctx, plan.Package)
	if err != nil {
		return schemas.ScorePartResult{}, fmt.Errorf("score: %w", err)
	}
	voices := []voice{{loaded: loaded, ref: plan.Package, role: schema.RoleChampion}}
	token := fmt.Sprintf("batch/%s/%s", plan.Package.Digest, plan.Day)
	if plan.Challenger != nil {
		challenger, err := a.Champions.Package(ctx, *plan.Challenger)
		if err != nil {
			return schemas.ScorePartResult{}, fmt.Errorf("score: %w", err)
		}
		voices = append(voices, voice{loaded: challenger, ref: *plan.Challenger, role: schema.RoleShadow})
		token += "/" + plan.Challenger.Digest
	}
	rows, events, err := a.forecasts(ctx, voices, window, plan.AsOf)
	if err != nil || len(rows) == 0 {
		return schemas.ScorePartResult{Events: events}, err
	}
	token += fmt.Sprintf("/%d-%d/%d", window.From.Unix(), window.To.Unix(), len(rows))
	if err := a.Store.InsertPredictions(ctx, token, rows); err != nil {
		return schemas.ScorePartResult{}, fmt.Errorf("store forecasts of %s: %w", plan.Day, err)
	}
	return schemas.ScorePartResult{Events: events, Predictions: len(rows)}, nil
}

// ScoreDay forecasts a whole day at once, for runs that began before days were
// cut into windows.
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
	voices := []voice{{loaded: loaded, ref: ref, role: schema.RoleChampion}}
	challenger, challengerRef, err := a.Champions.Challenger(ctx, in.Model)
	if err != nil {
		return result, fmt.Errorf("score: %w", err)
	}
	if challenger != nil && challengerRef.Digest != ref.Digest {
		voices = append(voices, voice{loaded: challenger, ref: challengerRef, role: schema.RoleShadow})
		result.Challenger = &challengerRef
	}
	rows, events, err := a.forecasts(ctx, voices, schemas.Window{From: day.Start(), To: day.End()}, asOf)
	if err != nil {
		return result, err
	}
	result.Events, result.Predictions = events, len(rows)
	if len(rows) == 0 {
		result.Note = fmt.Sprintf("no event is planned on %s whose forecast was due by %s", day, asOf.Format(time.RFC3339))
		return result, nil
	}
	token := fmt.Sprintf("batch/%s/%s/%d", ref.Digest, day, len(rows))
	if result.Challenger != nil {
		token += "/" + result.Challenger.Digest
	}
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

func (a *Activities) forecasts(ctx context.Context, voices []voice, in schemas.Window, asOf time.Time) ([]schema.Prediction, int, error) {
	planned := &plansOf{Store: a.Store, window: in}
	state, err := livestate.Fill(ctx, planned, livestate.Span{Source: a.Name, From: in.From, Until: in.To}, a.Lag)
	if err != nil {
		return nil, 0, err
	}
	plans := planned.plans
	s := scorer{a: a, voices: voices, state: state, histories: &livestate.Histories{Store: a.Store, Source: a.Name}}
	for i, v := range voices {
		if err := json.Unmarshal(v.loaded.Baselines, &voices[i].baselines); err != nil {
			return nil, 0, failure.Integrity(err, "baselines of %s", v.loaded.Manifest)
		}
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
			made, err := s.forecast(ctx, plan.Key(), cutoff, horizon)
			if err != nil {
				return nil, 0, err
			}
			rows = append(rows, made...)
		}
	}
	return rows, len(plans), nil
}

// plansOf notes the events of a window while the state is filled with them and those
// around them.
type plansOf struct {
	Store
	window schemas.Window
	plans  []rail.PlannedEvent
}

// Timelines is the store's.
func (p *plansOf) Timelines(ctx context.Context, q schema.TimelineQuery, visit func(rail.PlannedEvent, []rail.Change) error) error {
	return p.Store.Timelines(ctx, q, func(plan rail.PlannedEvent, changes []rail.Change) error {
		if !plan.Planned.Before(p.window.From) && plan.Planned.Before(p.window.To) {
			p.plans = append(p.plans, plan)
		}
		return visit(plan, changes)
	})
}

// voice is a package that forecasts the day, in its role.
type voice struct {
	loaded    *modelpkg.Package
	ref       schemas.PackageRef
	role      schema.Role
	baselines learn.Baselines
}

// scorer forecasts by all voices from the same features.
type scorer struct {
	a         *Activities
	voices    []voice
	state     *feature.State
	histories *livestate.Histories
}

// forecast answers one row a voice, none where nothing was known at the cut-off.
func (s *scorer) forecast(ctx context.Context, key rail.EventKey, cutoff time.Time, horizon int) ([]schema.Prediction, error) {
	known, found := s.state.At(key, cutoff)
	if !found {
		return nil, nil
	}
	history, err := s.histories.At(ctx, cutoff)
	if err != nil {
		return nil, err
	}
	vector := make([]float32, feature.Width())
	feature.Vector(vector, &known, history)
	rows := make([]schema.Prediction, 0, len(s.voices))
	for _, v := range s.voices {
		d, err := v.loaded.Model.Forecast(vector, float64(horizon))
		if err != nil {
			return nil, fmt.Errorf("forecast %s at %d min by %s@%d: %w", key, horizon, v.ref.Model, v.ref.Version, err)
		}
		id := identify(v.ref.Digest, key, horizon)
		rows = append(rows, schema.Prediction{RequestID: id, PredictionID: id, Source: schema.FromBatch, DataSource: s.a.Name, Group: s.a.Group,
			Model: v.ref.Model, Version: uint32(v.ref.Version), Digest: v.ref.Digest, Role: v.role, Instance: "batch",
			EVA: known.Plan.EVA, StopID: string(key.Stop), Kind: string(key.Kind), EventDay: string(rail.DayOf(known.Plan.Planned)), Planned: known.Plan.Planned,
			PredictedAt: cutoff, HorizonMinutes: int32(horizon), Features: vector, Cumulative: d.Cumulative,
			POnTime: d.OnTime(), PCancelled: d.Cancelled, PBaseline: v.baseline(&known, horizon)})
	}
	return rows, nil
}

// baseline is the railway's calibrated forecast, as P(on time).
func (v voice) baseline(k *feature.Knowledge, horizon int) float64 {
	row := dataset.Row{Kind: k.Plan.Kind, Category: k.Plan.Train.Category, Horizon: horizon}
	if delay, known := k.Own.DelayMinutes(); known {
		row.DBDelay = delay
	}
	return 1 - v.baselines.LateByCalibratedForecast(row)
}

// identify makes the same UUID of the same forecast.
func identify(digest string, key rail.EventKey, horizon int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "batch|%s|%s|%d", digest, key, horizon))
	return uuid.Must(uuid.FromBytes(sum[:16])).String()
}
