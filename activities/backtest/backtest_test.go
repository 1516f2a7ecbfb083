package backtest

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"puenktlich/internal/objstore"
	"puenktlich/internal/rail"
	"puenktlich/internal/testenv"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const (
	first  = "2026-02-02"
	second = "2026-02-03"
)

func input() schemas.BacktestInput {
	return schemas.BacktestInput{Name: "works-1", Contenders: []schemas.Contender{{Name: "frozen", Frozen: true}, {Name: "loop"}},
		First:  schemas.LifecycleInput{Train: schemas.DayRange{From: "2026-01-12", To: "2026-01-26"}, Test: schemas.DayRange{From: "2026-01-26", To: "2026-01-29"}},
		Nights: schemas.DayRange{From: "2026-01-29", To: "2026-02-15"}}
}

func TestWhatABacktestRefuses(t *testing.T) {
	t.Parallel()
	a := &Activities{}
	must(t, a.CheckBacktest(t.Context(), input()))
	for name, tt := range map[string]struct {
		change func(*schemas.BacktestInput)
		want   string
	}{
		"no name":                      {func(in *schemas.BacktestInput) { in.Name = "Works 1" }, `name "Works 1"`},
		"no contender":                 {func(in *schemas.BacktestInput) { in.Contenders = nil }, "0 contenders"},
		"twice the same":               {func(in *schemas.BacktestInput) { in.Contenders[1].Name = "frozen" }, `contender "frozen"`},
		"a contender called oracle":    {func(in *schemas.BacktestInput) { in.Contenders[1].Name = "oracle" }, `contender "oracle"`},
		"nights that were trained on":  {func(in *schemas.BacktestInput) { in.Nights.From = "2026-01-20" }, "want each after the one before"},
		"no such day":                  {func(in *schemas.BacktestInput) { in.Nights.To = "2026-02-30" }, `nights "2026-01-29/2026-02-30"`},
		"a change before the nights":   {func(in *schemas.BacktestInput) { in.Grading = &schemas.Grading{Changed: "2026-01-20"} }, `grading.changed "2026-01-20"`},
		"nothing that would be enough": {func(in *schemas.BacktestInput) { in.Grading = &schemas.Grading{Changed: "2026-02-01", To: 3} }, "want at least one event"},
	} {
		in := input()
		tt.change(&in)
		var said *temporal.ApplicationError
		if err := a.CheckBacktest(t.Context(), in); !errors.As(err, &said) || !said.NonRetryable() || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// script is a store of forecasts by model, and of events a day.
type script struct {
	forecasts map[string][]forecast
	perDay    int
}

type forecast struct {
	stop    string
	horizon int32
	pLate   float64
	delay   int32
	change  func(*schema.Prediction, *schema.Outcome)
}

func (s script) PredictionsWithTruth(_ context.Context, q schema.PredictionQuery, visit func(schema.Prediction, schema.Outcome) error) error {
	for _, f := range s.forecasts[q.Model+" "+q.From] {
		p := schema.Prediction{StopID: f.stop, Kind: "arrival", HorizonMinutes: f.horizon, POnTime: 1 - f.pLate, PBaseline: 0.5, Role: schema.RoleChampion}
		o := schema.Outcome{Settled: true, DelayMinutes: f.delay, Evidence: string(rail.ChangeObserved)}
		if f.change != nil {
			f.change(&p, &o)
		}
		if err := visit(p, o); err != nil {
			return err
		}
	}
	return nil
}

func (s script) Truth(_ context.Context, q schema.TruthQuery, visit func(rail.Truth) error) error {
	for range s.perDay {
		for _, truth := range []rail.Truth{{Evidence: rail.ChangeObserved}, {Evidence: rail.PolledWithoutChange}, {Evidence: rail.ChangeObserved, Cancelled: true}} {
			if err := visit(truth); err != nil {
				return err
			}
		}
	}
	return nil
}

// Grading is computed by hand: two events that all forecast, and what must not
// count because one of them did not, or because there is no truth.
func TestGradeOnTheSameForecasts(t *testing.T) {
	t.Parallel()
	objects, err := objstore.Open(t.Context(), objstore.Options(testenv.S3(t)))
	must(t, err)
	shadow := func(p *schema.Prediction, _ *schema.Outcome) { p.Role = schema.RoleShadow }
	unsettled := func(_ *schema.Prediction, o *schema.Outcome) { o.Settled = false }
	cancelled := func(_ *schema.Prediction, o *schema.Outcome) { o.Cancelled = true }
	store := script{forecasts: map[string][]forecast{
		"b-frozen " + first:  {{"1", 60, 0.2, 10, nil}, {"2", 60, 0.4, 5, nil}, {"3", 60, 0.9, 0, nil}, {"4", 5, 0.9, 0, unsettled}, {"5", 5, 0.9, 0, cancelled}},
		"b-loop " + first:    {{"1", 60, 0.6, 10, nil}, {"2", 60, 0.2, 5, nil}, {"1", 60, 0.0, 10, shadow}, {"2", 5, 0.9, 5, nil}},
		"b-frozen " + second: {{"6", 60, 0.5, 6, nil}},
		"b-loop " + second:   {{"6", 60, 0.7, 6, nil}},
		"b-oracle " + second: {{"6", 60, 0.9, 6, nil}},
	}}
	a := &Activities{Store: store, Objects: objects, Name: "simulation"}
	in := input()
	in.Name, in.Nights = "b", schemas.DayRange{From: first, To: "2026-02-04"}
	early := []schemas.BacktestNight{{Contender: "loop", Day: first, Trained: 2}}
	kept, err := a.KeepNights(t.Context(), "b", early)
	must(t, err)
	result, err := a.Grade(t.Context(), schemas.GradeInput{Input: in, Kept: []schemas.ObjectRef{kept}, Seconds: 12,
		Nights: []schemas.BacktestNight{{Contender: "loop", Day: second, Trained: 2}, {Contender: "frozen", Day: second}},
		Graded: &schemas.GradedDays{Graded: schemas.DayRange{From: second, To: "2026-02-04"}}})
	must(t, err)
	if result.Nights != 3 || len(result.Retrained) != 2 || result.Retrained[0] != 0 || result.Retrained[1] != 1 {
		t.Errorf("%+v, want 3 nights and one version of the loop, though two nights name it", result)
	}
	body, err := objects.GetContent(t.Context(), result.Report)
	must(t, err)
	var report schemas.BacktestReport
	must(t, json.Unmarshal(body, &report))
	for i, want := range []schemas.BacktestDay{
		{Day: first, Events: 2, Forecasts: 2, LateRate: 0.5, Baseline: 0.25, Brier: map[string]float64{"frozen": (0.64 + 0.16) / 2, "loop": (0.16 + 0.04) / 2}},
		{Day: second, Events: 1, Forecasts: 1, LateRate: 1, Baseline: 0.25, Brier: map[string]float64{"frozen": 0.25, "loop": 0.09, "oracle": 0.01}},
	} {
		got := report.Scores[i]
		if got.Day != want.Day || got.Events != want.Events || got.Forecasts != want.Forecasts || got.LateRate != want.LateRate || got.Baseline != want.Baseline || len(got.Brier) != len(want.Brier) {
			t.Errorf("%+v, want %+v", got, want)
		}
		for name, brier := range want.Brier {
			if math.Abs(got.Brier[name]-brier) > 1e-9 {
				t.Errorf("%s on %s: %v, want %v", name, want.Day, got.Brier[name], brier)
			}
		}
	}
}

func TestGradedDaysCountFromEnoughNewData(t *testing.T) {
	t.Parallel()
	a := &Activities{Store: script{perDay: 600}, Name: "simulation"}
	in := input()
	in.Grading = &schemas.Grading{Changed: "2026-02-01", MinEvents: 1500, From: 4, To: 10, OracleDays: 14, OracleTestDays: 1}
	got, err := a.FindGradedDays(t.Context(), in, time.Time{})
	must(t, err)
	// 600 a day that ran with a change observed: 1,800 by the end of the third.
	want := schemas.GradedDays{Enough: "2026-02-03", Events: 1800, Graded: schemas.DayRange{From: "2026-02-07", To: "2026-02-14"},
		Train: schemas.DayRange{From: "2026-02-14", To: "2026-02-28"}, Test: schemas.DayRange{From: "2026-02-28", To: "2026-03-01"}}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	in.Grading.MinEvents = 2500 // the fifth day; its tenth lies beyond
	if _, err := a.FindGradedDays(t.Context(), in, time.Time{}); err == nil || !strings.Contains(err.Error(), "lies beyond the nights") {
		t.Errorf("too few nights: %v", err)
	}
	in.Grading.MinEvents = 1e6
	if _, err := a.FindGradedDays(t.Context(), in, time.Time{}); err == nil || !strings.Contains(err.Error(), "8400 events with a truth, fewer than 1000000") {
		t.Errorf("too few events: %v", err)
	}
}

// followed is what the workflows of a model come to, one answer a question.
type followed struct {
	failed   string
	rollouts []schemas.RolloutStatus
	asked    int
}

func (f *followed) Lifecycle(_ context.Context, id string) (schemas.LifecycleResult, string, error) {
	if id != "lifecycle/works-1-loop" {
		return schemas.LifecycleResult{}, "", errors.New("asked for " + id)
	}
	return schemas.LifecycleResult{Decision: "promoted: the gate holds", Package: schemas.PackageRef{Version: 2}}, f.failed, nil
}

func (f *followed) Rollout(context.Context, string) (schemas.RolloutStatus, bool, error) {
	if f.asked == len(f.rollouts) {
		return schemas.RolloutStatus{}, false, nil
	}
	f.asked++
	return f.rollouts[f.asked-1], true, nil
}

func (f *followed) Pause(context.Context) error { return nil }

type aliases struct{ version int }

func (a aliases) Aliases(context.Context, string) (schemas.Aliases, string, error) {
	return schemas.Aliases{Champion: &schemas.AliasEntry{Package: schemas.PackageRef{Version: a.version}}}, "", nil
}

// A night ends when nothing it started is under way: a rollout that judged as
// of an earlier night is still to judge as of this one.
func TestNightEndsWithWhatItStarted(t *testing.T) {
	t.Parallel()
	night := time.Date(2026, 2, 3, 2, 0, 0, 0, time.UTC)
	before := night.AddDate(0, 0, -1)
	for name, tt := range map[string]struct {
		runs  followed
		asks  int
		stage schemas.Stage
	}{
		"no rollout": {followed{}, 0, ""},
		"the rollout judges this night": {followed{rollouts: []schemas.RolloutStatus{{Stage: schemas.StageShadow, Through: before, Waiting: true},
			{Stage: schemas.StageShadow, Through: before}, {Stage: schemas.StageShadow, Through: night, Waiting: true}}}, 3, schemas.StageShadow},
		"a person is waited for": {followed{rollouts: []schemas.RolloutStatus{{Stage: schemas.StageApproval, Through: before, Waiting: true}}}, 1, schemas.StageApproval},
		"the rollout ends":       {followed{rollouts: []schemas.RolloutStatus{{Stage: schemas.StageCanary, Through: before}}}, 1, ""},
	} {
		a := &Activities{Registry: aliases{7}, Runs: &tt.runs}
		got, err := a.CloseNight(t.Context(), schemas.CloseNightInput{Model: "works-1-loop", AsOf: night,
			Night: schemas.BacktestNight{Started: "lifecycle/works-1-loop (joined: it was running)"}})
		must(t, err)
		if got.Rollout != tt.stage || tt.runs.asked != tt.asks || got.Champion != 7 || got.Trained != 2 || got.Decision != "promoted: the gate holds" {
			t.Errorf("%s: %+v after %d questions", name, got, tt.runs.asked)
		}
	}
	a := &Activities{Registry: aliases{1}, Runs: &followed{failed: "data set is invalid"}}
	got, err := a.CloseNight(t.Context(), schemas.CloseNightInput{Model: "works-1-loop", Night: schemas.BacktestNight{Started: "lifecycle/works-1-loop"}})
	must(t, err)
	if got.Decision != "failed: data set is invalid" || got.Champion != 1 {
		t.Errorf("a lifecycle that fails: %+v", got)
	}
}
