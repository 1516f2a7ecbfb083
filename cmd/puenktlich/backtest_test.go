package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"puenktlich/internal/backtest"
	"puenktlich/internal/clock"
	"puenktlich/internal/config"
	"puenktlich/internal/rail"
	"puenktlich/internal/railsim"
	"puenktlich/internal/testenv"
	"puenktlich/internal/timetables"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// tiny is a week of one station whose forecasts stop being kept up: two quiet
// nights, then a change that no one can miss. The rule is one of drifted
// features, so that the test does not hang on how a day's trains ran.
const tiny = `
title: tiny
stations: 1
first_day: "2026-01-12"
train_days: 3
test_days: 1
quiet_nights: 2
quiet_weeks: 1
min_events: 300
enough_days: 1
graded_from: 1
graded_to: 2
oracle_days: 2
oracle_test_days: 1
min_recovered: 0
max_false_retrains: 1
min_loss: 0
judging_seeds: [7]
scenarios: [{name: feature_break, what: forecasts stay as first published}]
candidates: [{name: small, rounds: 20, max_depth: 3, learning_rate: 0.3, min_child_weight: 15, subsample: 0.8, colsample_bytree: 0.6, lambda: 20}]
gate: {min_events: 50, min_skill: -1}
contenders:
  - {name: frozen, frozen: true}
  - name: loop
    policy: {min_events: 100, max_brier_loss: 9, min_skill: -9, max_psi: 0.25, alert_drifted: 0.15, max_drifted: 0.2}
    retrain:
      newest_days: 4
      test_days: 1
      rollout: {watch_days: 1, min_events: 50, max_loss: 0.05, patience_days: 1}
      candidates: [{name: small, rounds: 20, max_depth: 3, learning_rate: 0.3, min_child_weight: 15, subsample: 0.8, colsample_bytree: 0.6, lambda: 20}]
`

// TestDriftIsAnswered lives through the tiny week on real servers: quiet nights
// do nothing, the change is found, a lifecycle trains on the newest settled
// days, is held against the champion on the same days, and serves. The process
// that trains is killed while it does, and so is the database in a night:
// nothing is lost and nothing is there twice.
func TestDriftIsAnswered(t *testing.T) {
	t.Parallel()
	experiment, err := backtest.Parse([]byte(tiny))
	require.NoError(t, err)
	plan := experiment.Plan(experiment.Scenarios[0], "tiny")
	railway, err := railsim.New(railsim.Options{Seed: 7, Stations: 1, Scenario: railsim.ScenarioFeatureBreak, ScenarioFrom: plan.Change})
	require.NoError(t, err)
	s := startReplay(t, railway, plan.Until.Start())
	archives := filepath.Join(s.config.DataDir, "recordings")
	require.NoError(t, railway.WriteArchives(t.Context(), railsim.Archives{Dir: archives, From: plan.From.Start(), To: plan.Until.Start(), Every: simulatedPolls}))

	model := "tiny-loop"
	lifeTime, over := context.WithCancel(t.Context())
	trainer := s.killOnce(lifeTime, trainWorker, schemas.StepID(schemas.LifecycleID(model), "train"))
	database := s.killOnce(lifeTime, "clickhouse", schemas.StepID(schemas.BacktestID("tiny"), "score/loop/"+string(plan.Change)))
	report, err := program{environ: os.Environ(), out: s.out, err: os.Stderr}.livedThrough(t.Context(), s.embedded, archives, plan.Input, plan.Change)
	require.NoError(t, err, s.out.String())
	over()
	require.True(t, <-trainer, "the process that trains was killed while it trained")
	require.True(t, <-database, "the database was killed in the night of the change")

	run := backtest.Run{Scenario: "feature_break", Seed: 7, Change: plan.Change, Report: report}
	o := run.Outcomes()[0]
	require.Zero(t, o.FalseRetrains, "quiet nights train nothing")
	require.Equal(t, 2, o.QuietNights)
	require.Equal(t, 1, o.RetrainAfter, "the change is found in the first night: %s", o.Alarm)
	require.True(t, o.Graded)
	s.lifecycleWasRight(model, report)
	s.nothingIsThereTwice(report)
	s.backtestHistory()
}

// backtestHistory holds what a backtest puts into Temporal below the bound, and
// captures it for the replay test.
func (s *system) backtestHistory() {
	all := s.history(schemas.BacktestID("tiny"))
	for _, event := range all.Events {
		body, err := protojson.Marshal(event)
		require.NoError(s.t, err)
		require.Less(s.t, len(body), maxEventBytes, "event %d (%s)", event.EventId, event.EventType)
	}
	if *updateHistories {
		body, err := protojson.Marshal(all)
		require.NoError(s.t, err)
		require.NoError(s.t, os.WriteFile(filepath.Join("workflows", "testdata", "history", "backtest.json"), append(body, '\n'), 0o644))
	}
}

func TestTheNightOfTheLastDayIsRecorded(t *testing.T) {
	t.Parallel()
	day := rail.Day("2024-11-01")
	require.Equal(t, day.Add(-1), judgedLast(day.End().Add(-time.Second)), "polled through the evening")
	require.Equal(t, day, judgedLast(day.End().Add(3*time.Hour)), "and through the night")
}

// BenchmarkQuietNight lives through a quiet week: what a night of one contender costs
// in real time, its median, and in processor time of the program and all servers from
// the second night on.
func BenchmarkQuietNight(b *testing.B) {
	b.Chdir("../..")
	experiment, err := backtest.Parse([]byte(tiny))
	require.NoError(b, err)
	plan := experiment.Plan(backtest.Scenario{Name: backtest.Quiet}, "quiet")
	plan.Input.Contenders = plan.Input.Contenders[1:]
	plan.Input.Contenders[0].Policy.MaxDrifted = 1 // nothing is started
	railway, err := railsim.New(railsim.Options{Seed: 7, Stations: 1})
	require.NoError(b, err)
	p := program{environ: os.Environ(), out: io.Discard, err: io.Discard}
	for b.Loop() {
		err := p.withReplay(b.Context(), replay{dir: b.TempDir(), network: railway, at: plan.Until.Start(), source: config.SourceSimulation}, func(e *embedded) error {
			archives := filepath.Join(e.config.DataDir, "recordings")
			if err := railway.WriteArchives(b.Context(), railsim.Archives{Dir: archives, From: plan.From.Start(), To: plan.Until.Start(), Every: simulatedPolls}); err != nil {
				return err
			}
			begun := metered(b, e, plan.Input.Name)
			report, err := p.livedThrough(b.Context(), e, archives, plan.Input, "")
			if err != nil {
				return err
			}
			from := <-begun
			used, nights := from.meter.Stop(), float64(len(report.Nights)-from.nights)
			run := backtest.Run{Report: report}
			b.ReportMetric(run.Outcomes()[0].NightSeconds, "s/night")
			b.ReportMetric(used.CPU.Seconds()/nights, "cpu-s/night")
			b.ReportMetric(used.ProgramCPU.Seconds()/nights, "program-cpu-s/night")
			b.ReportMetric(float64(report.Nights[0].Forecasts), "forecasts/night")
			return nil
		})
		require.NoError(b, err)
	}
}

// meterFrom is a meter that was started after so many nights.
type meterFrom struct {
	meter  *testenv.Meter
	nights int
}

// metered starts a meter once a backtest has its first night behind it.
func metered(b *testing.B, e *embedded, name string) <-chan meterFrom {
	begun := make(chan meterFrom, 1)
	go func() {
		look := time.NewTicker(50 * time.Millisecond)
		defer look.Stop()
		for range look.C {
			var nights []schemas.BacktestNight
			value, err := e.temporal.QueryWorkflow(b.Context(), schemas.BacktestID(name), "", schemas.QueryNights)
			if b.Context().Err() != nil {
				return
			}
			if err == nil && value.Get(&nights) == nil && len(nights) > 0 {
				begun <- meterFrom{testenv.StartMeter(b), len(nights)}
				return
			}
		}
	}()
	return begun
}

// startReplay starts a system at the end of a replay, with further settings.
func startReplay(t *testing.T, n timetables.Network, at time.Time, environ ...string) *system {
	t.Helper()
	s := &system{t: t, out: &bytes.Buffer{}, asOf: at}
	c, err := config.Load(environ, map[string]string{"SOURCE": "simulation", "DATA_DIR": t.TempDir(),
		"TEMPORAL_PORT": "0", "TEMPORAL_UI_PORT": "0", "S3_PORT": "0", "CLICKHOUSE_PORT": "0", "SHADOW_DAYS": "0", "CANARY_DAYS": "0", "WATCH_DAYS": "0"})
	require.NoError(t, err)
	s.embedded, err = program{environ: os.Environ(), out: s.out, err: os.Stderr}.embedNetwork(t.Context(), c, n, func(timetables.Network) (clock.Clock, error) {
		return clock.Replay(time.Now, at, at, 1)
	})
	require.NoError(t, err, s.out.String())
	t.Cleanup(s.stop)
	return s
}

// killOnce kills -9 a process when an activity of a workflow is under way.
func (s *system) killOnce(ctx context.Context, process, workflow string) <-chan bool {
	done := make(chan bool, 1)
	go func() {
		look := time.NewTicker(10 * time.Millisecond)
		defer look.Stop()
		for !s.working(ctx, workflow) {
			select {
			case <-ctx.Done():
				done <- false
				return
			case <-look.C:
			}
		}
		done <- syscall.Kill(s.stack.Pid(process), syscall.SIGKILL) == nil
	}()
	return done
}

// working says that an activity of a workflow was started and has not ended.
func (s *system) working(ctx context.Context, workflow string) bool {
	description, err := s.temporal.DescribeWorkflowExecution(ctx, workflow, "")
	if err != nil {
		return false // not started yet
	}
	for _, pending := range description.GetPendingActivities() {
		if pending.GetState() == enums.PENDING_ACTIVITY_STATE_STARTED {
			return true
		}
	}
	return false
}

// lifecycleWasRight holds the last lifecycle against what it was to do: the
// newest settled day tests it and the champion, the days before train it, and
// what won serves.
func (s *system) lifecycleWasRight(model string, report schemas.BacktestReport) {
	var last schemas.BacktestNight
	var trained []int
	for _, n := range report.Nights {
		if n.Contender == "loop" && n.Trained > 0 {
			last, trained = n, append(trained, n.Trained)
		}
		if n.Contender == "frozen" {
			require.Equal(s.t, 1, n.Champion, "the frozen one stays on %s", n.Day)
		}
	}
	require.NotEmpty(s.t, trained)
	var life schemas.LifecycleResult
	require.NoError(s.t, s.temporal.GetWorkflow(s.t.Context(), schemas.LifecycleID(model), "").Get(s.t.Context(), &life))
	require.Equal(s.t, last.Trained, life.Package.Version)
	require.Equal(s.t, schemas.DayRange{From: string(rail.Day(last.Day).Add(-3)), To: string(rail.Day(last.Day).Add(1))}, life.Dataset.Days, "the newest settled days")
	require.Equal(s.t, last.Day, life.Trained.Days.To, "trained through the day before the newest, which tests")
	require.NotNil(s.t, life.Evaluate.Comparison, "held against the champion")
	require.Equal(s.t, model, life.Evaluate.Comparison.Champion.Model)
	require.Less(s.t, life.Evaluate.Comparison.Champion.Version, life.Package.Version)
	aliases, _, err := s.registry.Aliases(s.t.Context(), model)
	require.NoError(s.t, err)
	require.Greater(s.t, aliases.Champion.Package.Version, 1, "a model of the changed days serves")
	final := report.Nights[len(report.Nights)-1]
	require.Equal(s.t, final.Champion, aliases.Champion.Package.Version)
}

// nothingIsThereTwice counts what the killed processes could have doubled.
func (s *system) nothingIsThereTwice(report schemas.BacktestReport) {
	trained := map[int]bool{}
	for _, n := range report.Nights {
		if n.Trained > 0 {
			trained[n.Trained] = true
		}
	}
	versions, err := s.registry.Versions(s.t.Context(), "tiny-loop")
	require.NoError(s.t, err)
	require.Len(s.t, versions, 1+len(trained), "the first, and one a lifecycle")
	verdicts, err := s.db.Verdicts(s.t.Context(), "tiny-loop", 100)
	require.NoError(s.t, err)
	nights := rail.Days(rail.Day(report.Days.From), rail.Day(report.Days.To))
	require.Len(s.t, verdicts, len(nights), "one a night")
	seen, rows := map[string]bool{}, 0
	query := schema.PredictionQuery{Model: "tiny-loop", Source: schema.FromBatch, DataSource: "simulation", From: report.Days.From, Until: report.Days.To}
	require.NoError(s.t, s.db.PredictionsWithTruth(s.t.Context(), query, func(p schema.Prediction, _ schema.Outcome) error {
		rows++
		seen[p.PredictionID] = true
		return nil
	}))
	require.NotZero(s.t, rows)
	require.Len(s.t, seen, rows, "every forecast once")
}
