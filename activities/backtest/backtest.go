// Package backtest holds the activities of a backtest that no night of
// production has: waiting for what a night started, and grading all contenders
// on the same events.
package backtest

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"puenktlich/activities/beat"
	"puenktlich/activities/failure"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Store is what grading reads.
type Store interface {
	Truth(ctx context.Context, q schema.TruthQuery, visit func(rail.Truth) error) error
	PredictionsWithTruth(ctx context.Context, q schema.PredictionQuery, visit func(schema.Prediction, schema.Outcome) error) error
}

// Objects keeps nights and reports by their content.
type Objects interface {
	PutContent(ctx context.Context, prefix, suffix string, body []byte) (schemas.ObjectRef, error)
	GetContent(ctx context.Context, ref schemas.ObjectRef) ([]byte, error)
}

// Registry says which versions a model has.
type Registry interface {
	Aliases(ctx context.Context, model string) (schemas.Aliases, string, error)
}

// Runs watches workflows.
type Runs interface {
	// Lifecycle waits until a lifecycle or a recalibration has ended. failed is
	// the sentence it failed with.
	Lifecycle(ctx context.Context, id string) (result schemas.LifecycleResult, failed string, err error)
	// Rollout answers how far the rollout of a model is; running is false where
	// none is under way.
	Rollout(ctx context.Context, model string) (status schemas.RolloutStatus, running bool, err error)
	// Pause lets a moment pass between two questions.
	Pause(ctx context.Context) error
}

// Activities are the steps of a backtest. All fields are required.
type Activities struct {
	Store    Store
	Objects  Objects
	Registry Registry
	Runs     Runs
	Name     string // of the source
}

// MaxContenders bounds the payloads of a night.
const MaxContenders = 12

// CheckBacktest refuses what would fail or mislead after hours, all problems
// together.
func (a *Activities) CheckBacktest(_ context.Context, in schemas.BacktestInput) error {
	var problems []string
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	word := regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,60}$`)
	if !word.MatchString(in.Name) {
		wrong("name %q: want small letters, digits and hyphens, since models are called after it", in.Name)
	}
	for _, r := range []struct {
		name string
		days schemas.DayRange
	}{{"first.train", in.First.Train}, {"first.test", in.First.Test}, {"nights", in.Nights}} {
		if _, _, err := parse(r.days); err != nil {
			wrong("%s %q: want from and to as YYYY-MM-DD, to after from", r.name, r.days)
		}
	}
	if in.First.Test.From < in.First.Train.To || in.Nights.From < in.First.Test.To {
		wrong("train %s, test %s, nights %s: want each after the one before", in.First.Train, in.First.Test, in.Nights)
	}
	if n := len(in.Contenders); n == 0 || n > MaxContenders {
		wrong("%d contenders: want 1 to %d", n, MaxContenders)
	}
	seen := map[string]bool{schemas.OracleName: true}
	for _, c := range in.Contenders {
		if !word.MatchString(c.Name) || seen[c.Name] {
			wrong("contender %q: want small letters, digits and hyphens, each name once, and not %q", c.Name, schemas.OracleName)
		}
		seen[c.Name] = true
	}
	if g := in.Grading; g != nil {
		if changed, err := rail.ParseDay(g.Changed); err != nil || string(changed) < in.Nights.From {
			wrong("grading.changed %q: want a day not before the nights", g.Changed)
		}
		if g.MinEvents < 1 || g.From < 0 || g.To < g.From || g.OracleDays < 1 || g.OracleTestDays < 1 {
			wrong("grading %+v: want at least one event, graded days in order, and days for the oracle", *g)
		}
	}
	if len(problems) > 0 {
		return failure.InvalidInput("backtest: %s", strings.Join(problems, "; "))
	}
	return nil
}

func parse(r schemas.DayRange) (from, to rail.Day, err error) {
	if from, err = rail.ParseDay(r.From); err != nil {
		return "", "", err
	}
	if to, err = rail.ParseDay(r.To); err != nil {
		return "", "", err
	}
	if from >= to {
		return "", "", fmt.Errorf("days %s are none", r)
	}
	return from, to, nil
}

// CloseNight waits for the lifecycle that a verdict started, and until the
// rollout under way has judged as of the night, since the next night's moment
// comes at once.
func (a *Activities) CloseNight(ctx context.Context, in schemas.CloseNightInput) (schemas.BacktestNight, error) {
	defer beat.While(ctx)()
	night := in.Night
	if night.Started != "" {
		id, _, _ := strings.Cut(night.Started, " ") // what it joined is said after the name
		life, failed, err := a.Runs.Lifecycle(ctx, id)
		if err != nil {
			return night, fmt.Errorf("wait for %s: %w", id, err)
		}
		if night.Decision, night.Trained = life.Decision, life.Package.Version; failed != "" {
			night.Decision = "failed: " + failed
		}
		night.Decision = night.Decision[:min(len(night.Decision), maxDecisionBytes)]
	}
	stage, err := a.rolledOut(ctx, in)
	if err != nil {
		return night, err
	}
	night.Rollout = stage
	aliases, _, err := a.Registry.Aliases(ctx, in.Model)
	if err != nil {
		return night, fmt.Errorf("champion of %s: %w", in.Model, err)
	}
	if aliases.Champion != nil {
		night.Champion = aliases.Champion.Package.Version
	}
	return night, nil
}

const maxDecisionBytes = 300

// rolledOut answers the stage that waits for a later night or for a person;
// empty where no rollout is under way.
func (a *Activities) rolledOut(ctx context.Context, in schemas.CloseNightInput) (schemas.Stage, error) {
	for {
		status, running, err := a.Runs.Rollout(ctx, in.Model)
		switch {
		case err != nil:
			return "", fmt.Errorf("rollout of %s: %w", in.Model, err)
		case !running:
			return "", nil
		case status.Waiting && (status.Stage == schemas.StageApproval || !status.Through.Before(in.AsOf)):
			return status.Stage, nil
		}
		if err := a.Runs.Pause(ctx); err != nil {
			return "", err
		}
	}
}

// KeepNights puts nights into the object store.
func (a *Activities) KeepNights(ctx context.Context, name string, nights []schemas.BacktestNight) (schemas.ObjectRef, error) {
	body, err := json.Marshal(nights)
	if err != nil {
		return schemas.ObjectRef{}, fmt.Errorf("nights of %s: %w", name, err)
	}
	ref, err := a.Objects.PutContent(ctx, prefix(name)+"nights-", ".json", body)
	if err != nil {
		return ref, fmt.Errorf("nights of %s: %w", name, err)
	}
	return ref, nil
}

func prefix(name string) string { return "backtests/" + name + "/" }

// FindGradedDays finds the first day by whose end the changed world has given
// enough events with a truth, and counts the other days from there.
func (a *Activities) FindGradedDays(ctx context.Context, in schemas.BacktestInput, asOf time.Time) (schemas.GradedDays, error) {
	var g schemas.GradedDays
	events := 0
	for _, day := range rail.Days(rail.Day(in.Grading.Changed), rail.Day(in.Nights.To)) {
		query := schema.TruthQuery{Source: a.Name, From: string(day), Until: string(day.Add(1)), SettledUntil: asOf}
		err := a.Store.Truth(ctx, query, func(t rail.Truth) error {
			if t.Evidence == rail.ChangeObserved && !t.Cancelled {
				events++
			}
			return nil
		})
		if err != nil {
			return g, fmt.Errorf("truth of %s: %w", day, err)
		}
		if events < in.Grading.MinEvents {
			continue
		}
		end := day.Add(in.Grading.To + 1)
		if string(end) > in.Nights.To {
			return g, failure.InvalidInput("backtest: %d events of the changed world are there after %s, and day %d after it lies beyond the nights %s: take more nights", events, day, in.Grading.To, in.Nights)
		}
		split := end.Add(in.Grading.OracleDays)
		return schemas.GradedDays{Enough: string(day), Events: events, Graded: schemas.DayRange{From: string(day.Add(in.Grading.From)), To: string(end)},
			Train: schemas.DayRange{From: string(end), To: string(split)}, Test: schemas.DayRange{From: string(split), To: string(split.Add(in.Grading.OracleTestDays))}}, nil
	}
	return g, failure.InvalidInput("backtest: the nights %s from %s on have %d events with a truth, fewer than %d: take more nights or fewer events", in.Nights, in.Grading.Changed, events, in.Grading.MinEvents)
}
