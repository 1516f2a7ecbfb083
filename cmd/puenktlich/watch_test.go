package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/alert"
	"puenktlich/internal/rail"
	"puenktlich/internal/railsim"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Days of the simulated railway that the watch lives through: two to learn from, one
// that tests, three whose nights are judged, and half a running one.
const (
	watchFirst   = rail.Day("2026-03-02")
	watchTests   = rail.Day("2026-03-04")
	watchRunning = rail.Day("2026-03-08")
)

// ladder is a policy that fires on any night: no forecast has a Brier score of
// nothing. Each rule waits for the action of the one before it.
const ladder = `
version: 3
name: ladder
events: 100
rules:
  - name: a-loss
    why: the forecasts are not perfect
    when: [{signal: brier_ratio, above: 0.01}]
    then: recalibrate
  - name: recalibration-was-not-enough
    why: nor are they after a new calibration
    when: [{signal: brier_ratio, above: 0.01}]
    after: {action: recalibrate, days: 28}
    then: search
  - name: fresh-champion-fails
    why: nor are the new champion's
    when: [{signal: brier_ratio, above: 0.01}]
    after: {action: search, days: 28}
    champion_days: 1
    then: rollback
    severity: critical
  - name: learning-does-not-help
    why: nor are those of the champion before
    when: [{signal: brier_ratio, above: 0.01}]
    nights: 2
    of: 2
    after: {action: rollback, days: 28}
    then: handover
    severity: critical
actions:
  recalibrate: {cool_down: 1}
  search:
    cool_down: 1
    newest_days: 4
    test_days: 1
    candidates: 2
    rungs: 2
    space: {rounds: {values: [12]}, max_depth: {values: [2, 4]}}
  rollback: {cool_down: 1}
  handover: {cool_down: 7}
`

// watched is a system whose nights are judged by the ladder and whose alerts go to
// a webhook.
type watched struct {
	*system
	told *webhook
}

// TestVerdictsAreActedOn lives through nights that lead to a new calibration, to a
// search, to a rollback and to a handover, one after the other, on real servers; then
// the running day is measured as its schedule does it, and runs are missed.
func TestVerdictsAreActedOn(t *testing.T) {
	t.Parallel()
	railway, err := railsim.New(railsim.Options{Seed: 7, Stations: 1})
	require.NoError(t, err)
	gate := filepath.Join(t.TempDir(), "gate.json")
	require.NoError(t, os.WriteFile(gate, []byte(`{"min_events": 50, "min_skill": -1, "champion": "ignore"}`), 0o600))
	now := watchRunning.Start().Add(12 * time.Hour)
	told := newWebhook(t)
	w := watched{told: told, system: startReplay(t, railway, now, "PUENKTLICH_GATE="+gate, "PUENKTLICH_ALERT_WEBHOOK="+told.URL)}
	archives := filepath.Join(w.config.DataDir, "recordings")
	require.NoError(t, railway.WriteArchives(t.Context(), railsim.Archives{Dir: archives, From: watchFirst.Start(), To: now, Every: simulatedPolls}))
	do[schemas.ImportResult](w.system, "import", schemas.WorkflowImportHistory, schemas.ImportInput{Directory: archives})
	first := w.settleAndLearn()

	second := w.recalibrated(first)
	third := w.searched(second)
	w.rolledBackTo(second, third)
	w.handedOver(second)
	w.runningDayIsMeasured(second, now)
	w.runsAreMissed()
}

// morning is the one after a day, when it is judged.
func morning(day rail.Day) time.Time { return day.End().Add(4 * time.Hour) }

func (w watched) settle(at time.Time) {
	do[map[string]any](w.system, "settle", schemas.WorkflowSettleTruth, schemas.SettleInput{AsOf: at})
}

// small is the one candidate that a lifecycle names.
func small() []schemas.Candidate {
	return []schemas.Candidate{{Name: "small", Rounds: 12, MaxDepth: 3, LearningRate: 0.3, MinChild: 15, Subsample: 0.8, ColSample: 0.6, Lambda: 20}}
}

func (w watched) settleAndLearn() schemas.PackageRef {
	at := morning(watchTests)
	w.settle(at)
	life := do[schemas.LifecycleResult](w.system, schemas.LifecycleID(schemas.DefaultModel), schemas.WorkflowRunLifecycle,
		schemas.LifecycleInput{AsOf: at, Actor: "bootstrap", Reason: "first", Candidates: small()})
	require.Equal(w.t, life.Package, w.champion().Package, life.Decision)
	return life.Package
}

func (w watched) champion() schemas.AliasEntry {
	w.t.Helper()
	aliases, _, err := w.registry.Aliases(w.t.Context(), schemas.DefaultModel)
	require.NoError(w.t, err)
	require.NotNil(w.t, aliases.Champion)
	return *aliases.Champion
}

// judge forecasts a day with the champion and lets the ladder judge it; what it
// decided is stored, can be decided again, and has a page.
func (w watched) judge(day rail.Day, at time.Time) schemas.MonitorResult {
	w.t.Helper()
	w.settle(at)
	do[schemas.ScoreBatchResult](w.system, "score", schemas.WorkflowScoreBatch, schemas.ScoreBatchInput{Day: string(day), AsOf: at})
	r := do[schemas.MonitorResult](w.system, "night/"+at.Format(time.RFC3339), schemas.WorkflowMonitorModel,
		schemas.MonitorInput{Day: string(day), AsOf: at, PolicyFile: ladder, Retrain: &schemas.LifecycleInput{Candidates: small()}})
	require.Equal(w.t, schemas.ActStarted, r.Act, "%s: %v", r.Note, r.Verdict.Reasons)
	require.Equal(w.t, "ladder", r.Verdict.Policy.Name)
	require.Greater(w.t, r.Signals.Events, 100)

	rows, err := w.db.FindVerdicts(w.t.Context(), schema.VerdictQuery{Model: schemas.DefaultModel, From: string(day), Until: string(day.Add(1)), Newest: true})
	require.NoError(w.t, err)
	require.Len(w.t, rows, 1)
	require.Equal(w.t, []string{string(r.Verdict.Kind), r.Verdict.Rule, "started", r.Lifecycle, r.Evidence, r.Report},
		[]string{rows[0].Action, rows[0].Rule, rows[0].Act, rows[0].Reference, rows[0].Evidence, rows[0].Report})
	require.True(w.t, rows[0].DecidedAt.Equal(at))
	page, _, err := w.objects.Get(w.t.Context(), r.Report)
	require.NoError(w.t, err)
	require.Contains(w.t, string(page), r.Verdict.Rule)
	code, out := command(w.t, append(os.Environ(), w.config.Environ()...), "verdicts", "explain", string(day))
	require.Zero(w.t, code, out)
	require.Contains(w.t, out, ": "+string(r.Verdict.Kind)+", by rule "+r.Verdict.Rule+"\n")
	require.Contains(w.t, out, "Decided again from what is stored: the same verdict.")
	return r
}

// outcome waits for what a verdict started, whose package is champion then, by the
// verdict, at its moment.
func (w watched) outcome(r schemas.MonitorResult) schemas.LifecycleResult {
	w.t.Helper()
	var life schemas.LifecycleResult
	require.NoError(w.t, w.temporal.GetWorkflow(w.t.Context(), r.Lifecycle, "").Get(w.t.Context(), &life))
	require.NotNil(w.t, life.Switch, life.Decision)
	champion := w.champion()
	require.Equal(w.t, life.Package, champion.Package)
	require.Equal(w.t, "monitor", champion.Actor)
	require.Contains(w.t, champion.Reason, "verdict of "+r.Signals.Day)
	require.True(w.t, champion.Since.Equal(r.Signals.AsOf))
	manifest, _, err := w.objects.Get(w.t.Context(), life.Package.Prefix+"/manifest.json")
	require.NoError(w.t, err)
	require.Equal(w.t, life.Package.Digest, fmt.Sprintf("%x", sha256.Sum256(manifest)))
	require.ElementsMatch(w.t, []string{"registered by lifecycle", "promoted by monitor"}, w.eventsOf(life.Package))
	return life
}

// eventsOf are the changes of the registry that are about a version.
func (w watched) eventsOf(p schemas.PackageRef) []string {
	w.t.Helper()
	all, err := w.db.RegistryEvents(w.t.Context(), schemas.DefaultModel, time.Time{})
	require.NoError(w.t, err)
	var events []string
	for _, e := range all {
		if int(e.Version) == p.Version {
			events = append(events, e.Event+" by "+e.Actor)
		}
	}
	return events
}

func (w watched) recalibrated(was schemas.PackageRef) schemas.PackageRef {
	day := watchTests.Add(1)
	r := w.judge(day, morning(day))
	require.Equal(w.t, schemas.VerdictRecalibrate, r.Verdict.Kind, r.Verdict.Reasons)
	require.Equal(w.t, schemas.RecalibrateID(schemas.DefaultModel), r.Lifecycle)
	life := w.outcome(r)
	require.Equal(w.t, was, life.Trained.Recalibrated.From)
	require.Equal(w.t, schemas.DayRange{From: string(watchTests), To: string(day)}, life.Trained.Recalibrated.Days, "days the trees have not seen")
	run, err := w.db.Run(w.t.Context(), life.Trained.RunID)
	require.NoError(w.t, err)
	require.Equal(w.t, "monitor", run.Actor)
	fired := w.told.of("a-loss")
	require.Len(w.t, fired, 1)
	require.Contains(w.t, fired[0].Summary, "recalibrate: started as "+r.Lifecycle)
	return life.Package
}

func (w watched) searched(was schemas.PackageRef) schemas.PackageRef {
	day := watchTests.Add(2)
	r := w.judge(day, morning(day))
	require.Equal(w.t, schemas.VerdictSearch, r.Verdict.Kind, r.Verdict.Reasons)
	require.Equal(w.t, was.Version, r.Signals.Version)
	require.Equal(w.t, schemas.LifecycleID(schemas.DefaultModel), r.Lifecycle)
	life := w.outcome(r)
	require.Equal(w.t, schemas.DayRange{From: string(day.Add(-3)), To: string(day.Add(1))}, life.Dataset.Days, "the newest four days")
	require.Equal(w.t, string(day), life.Trained.Days.To, "the newest tests")
	depths := w.query(w.t, "SELECT arrayStringConcat(arraySort(groupUniqArray(value)), ' ') FROM run_params WHERE name = 'max_depth' AND run_id IN "+
		"(SELECT run_id FROM runs WHERE dataset_id = '"+life.Dataset.ID+"')")
	require.Equal(w.t, "2 3 4", depths, "two drawn candidates beside the named one")
	return life.Package
}

func (w watched) rolledBackTo(before, failing schemas.PackageRef) {
	day := watchTests.Add(3)
	at := morning(day)
	r := w.judge(day, at)
	require.Equal(w.t, schemas.VerdictRollback, r.Verdict.Kind, r.Verdict.Reasons)
	require.Equal(w.t, failing.Version, r.Signals.Version)
	require.Contains(w.t, r.Note, "punctuality@2 is champion again")
	require.Equal(w.t, before, w.champion().Package)
	require.True(w.t, w.champion().Since.Equal(at))
	require.ElementsMatch(w.t, []string{"registered by lifecycle", "promoted by monitor", "rolled_back by monitor"}, w.eventsOf(before))
	fired := w.told.of("fresh-champion-fails")
	require.Len(w.t, fired, 1)
	require.Equal(w.t, "critical", fired[0].Severity)
	require.Contains(w.t, fired[0].Summary, r.Note)
}

// webhook keeps what it is told.
type webhook struct {
	*httptest.Server
	mu   sync.Mutex
	told []alert.Message
}

func newWebhook(t *testing.T) *webhook {
	h := &webhook{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		var m alert.Message
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			answer.WriteHeader(http.StatusBadRequest)
			return
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.told = append(h.told, m)
	}))
	t.Cleanup(h.Close)
	return h
}

// of are the messages that an alert of a name fires, in their order.
func (h *webhook) of(name string) []alert.Message {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(h.told), func(m alert.Message) bool { return m.Name != name || m.State != "firing" })
}
