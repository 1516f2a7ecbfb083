package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// scheduling changes the agenda on a running server: what is applied twice is the
// same, what is configured no more goes, what is not ours stays.
func scheduling(t *testing.T, a *adapters) {
	t.Helper()
	ctx := t.Context()
	foreign, err := a.temporal.ScheduleClient().Create(ctx, client.ScheduleOptions{ID: "foreign", Spec: client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: 24 * time.Hour}}},
		Action: &client.ScheduleWorkflowAction{ID: "somebody-elses", Workflow: schemas.WorkflowMonitorModel, TaskQueue: "nobody"}})
	require.NoError(t, err)
	made, removed, err := a.applySchedules(ctx, []string{"main"})
	require.NoError(t, err)
	require.Len(t, made, 4)
	require.Empty(t, removed)
	require.NoError(t, a.onSchedule(ctx, "settle", func(ctx context.Context, h client.ScheduleHandle) error {
		return h.Pause(ctx, client.SchedulePauseOptions{Note: "paused by hand: test"})
	}))
	file := filepath.Join(t.TempDir(), "schedules.yaml")
	require.NoError(t, os.WriteFile(file, []byte("schedules:\n- {id: settle, workflow: SettleTruth, at: ['*:40'], catch_up: 2h, why: later}\n- {id: night, workflow: MonitorModel, at: ['23:59'], pause_on_failure: true, jitter: 1m, input: {dry_run: true}, why: test}\n"), 0o600))
	before := a.config.Schedules
	a.config.Schedules = file
	defer func() { a.config.Schedules = before }()
	_, removed, err = a.applySchedules(ctx, []string{"main"})
	require.NoError(t, err)
	require.Equal(t, []string{"collect-main", "measure", "monitor"}, removed)
	own, err := a.ownSchedules(ctx)
	require.NoError(t, err)
	require.Len(t, own, 2, "the foreign one is not ours")
	require.True(t, own["settle"].Schedule.State.Paused, "an update leaves it paused")
	require.Equal(t, 2*time.Hour, own["settle"].Schedule.Policy.CatchupWindow)
	require.True(t, own["night"].Schedule.Policy.PauseOnFailure)
	require.Equal(t, time.Minute, own["night"].Schedule.Spec.Jitter)
	require.Equal(t, 40, own["settle"].Schedule.Spec.Calendars[0].Minute[0].Start)
	require.NoError(t, a.onSchedule(ctx, "settle", func(ctx context.Context, h client.ScheduleHandle) error {
		return h.Unpause(ctx, client.ScheduleUnpauseOptions{})
	}))
	require.NoError(t, a.onSchedule(ctx, "night", func(ctx context.Context, h client.ScheduleHandle) error {
		return h.Trigger(ctx, client.ScheduleTriggerOptions{})
	}))
	require.Eventually(t, func() bool {
		d, err := a.ownSchedule(ctx, "night")
		return err == nil && d != nil && d.Info.NumActions == 1
	}, 20*time.Second, 200*time.Millisecond)
	require.ErrorContains(t, a.onSchedule(ctx, "foreign", nil), "no schedule foreign of ours")
	var out bytes.Buffer
	require.NoError(t, a.listSchedules(ctx, &out))
	require.Regexp(t, `night +MonitorModel +on +20\d\d-.* +20\d\d-.* +1 +0 +0`, out.String())
	_, err = foreign.Describe(ctx)
	require.NoError(t, err)
}

// nightOf checks what the first verdict left: a page at the API, and a verdict
// that is decided again as the same.
func nightOf(t *testing.T, a *adapters, listen string) {
	t.Helper()
	verdicts, err := a.db.FindVerdicts(t.Context(), schema.VerdictQuery{Model: schemas.DefaultModel, Newest: true})
	require.NoError(t, err)
	require.NotEmpty(t, verdicts)
	day := verdicts[len(verdicts)-1].Day
	var out bytes.Buffer
	require.NoError(t, a.explain(t.Context(), &out, schemas.DefaultModel, rail.Day(day)))
	require.Contains(t, out.String(), "Decided again from what is stored: the same verdict.")
	t.Log(out.String())
	require.Contains(t, body(t, "http://"+listen+"/reports/"+day), "puenktlich verdicts explain "+day)
}

// body is what an address answers.
func body(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode, url)
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(text)
}

// workerTells waits until a worker's metrics tell of schedules, of the night and of
// the Temporal client.
func workerTells(t *testing.T, listen string) {
	t.Helper()
	require.Eventually(t, func() bool {
		response, err := http.Get("http://" + listen + "/metrics")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		return err == nil && bytes.Contains(text, []byte(`puenktlich_schedule_runs_total{schedule="settle"}`)) && bytes.Contains(text, []byte(`puenktlich_night_verdict{`)) &&
			bytes.Contains(text, []byte("temporal_activity_execution_latency_seconds_count")) && bytes.Contains(text, []byte("go_goroutines"))
	}, 60*time.Second, time.Second)
}

func TestMissedRunsAreToldOnceAndEnd(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 11, 2, 4, 0, 0, 0, time.UTC)
	was := client.ScheduleInfo{NumActions: 5, NumActionsMissedCatchupWindow: 1}
	_, news := missedRuns("monitor", was, was, at)
	require.False(t, news)
	alert, news := missedRuns("monitor", was, client.ScheduleInfo{NumActions: 6, NumActionsMissedCatchupWindow: 3}, at)
	require.True(t, news)
	require.False(t, alert.Resolved)
	require.Contains(t, alert.Summary, "2 runs of schedule monitor were missed")
	alert, news = missedRuns("monitor", was, client.ScheduleInfo{NumActions: 6, NumActionsMissedCatchupWindow: 1}, at)
	require.True(t, news && alert.Resolved)
}

func TestInputsOfSchedulesFit(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "schedules.yaml")
	require.NoError(t, os.WriteFile(file, []byte("schedules:\n- {id: night, workflow: MonitorModel, at: ['04:00'], input: {dry_rum: true}, why: test}\n"), 0o600))
	_, err := configured(file, nil)
	require.ErrorContains(t, err, `schedule night: input of MonitorModel: json: unknown field "dry_rum"`)
	all, err := configured("", []string{"berlin", "main"})
	require.NoError(t, err)
	var ids []string
	for _, s := range all {
		ids = append(ids, s.id)
	}
	require.Equal(t, []string{"collect-berlin", "collect-main", "settle", "measure", "monitor"}, ids)
	require.Equal(t, "berlin", all[0].input.(*schemas.CollectInput).Group)
}

func TestTheSpoolsAlertSaysWhetherItIsOver(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 11, 2, 4, 0, 0, 0, time.UTC)
	full := spoolAlert("api-1", 700_000, 300<<20, at)
	require.False(t, full.Resolved)
	require.Contains(t, full.Summary, "700000 forecasts, 300 MiB, wait on api-1")
	require.True(t, spoolAlert("api-1", 0, 256<<20, at).Resolved)
}
