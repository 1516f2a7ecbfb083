package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"puenktlich/internal/localstack"
)

// often is the shortest period and catch-up window that a schedule may have.
const often = 10 * time.Second

// runsAreMissed lets runs be skipped, for ClickHouse stands still and the one before
// does not end, and then missed, for the Temporal server is away for longer than its
// catch-up window. The metrics say which, and an alert is told of the missed.
func (w watched) runsAreMissed() {
	t, ctx := w.t, w.t.Context()
	w.config.Schedules = filepath.Join(t.TempDir(), "schedules.yaml")
	agenda := fmt.Sprintf("schedules: [{id: often, workflow: MonitorModel, every: %s, catch_up: %s, input: {light: true}, why: test}]", often, often)
	require.NoError(t, os.WriteFile(w.config.Schedules, []byte(agenda), 0o600))
	_, removed, err := w.applySchedules(ctx, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"measure"}, removed)
	seen := &watch{a: w.adapters}
	figures := prometheus.NewRegistry()
	figures.MustRegister(seen)

	goOn := w.standStill(localstack.ChildClickHouse)
	require.NoError(t, w.onSchedule(ctx, "often", func(ctx context.Context, h client.ScheduleHandle) error {
		return h.Trigger(ctx, client.ScheduleTriggerOptions{})
	}))
	require.Eventually(t, func() bool { return w.schedule("often").NumActionsSkippedOverlap > 0 }, time.Minute, 50*time.Millisecond)
	goOn()
	require.NoError(t, seen.lookAtSchedules(ctx))
	require.Positive(t, metric(w, figures, "puenktlich_schedule_skipped_total"))
	require.Positive(t, metric(w, figures, "puenktlich_schedule_runs_total"))
	before := metric(w, figures, "puenktlich_schedule_missed_total")

	pid := w.stack.Pid(localstack.ChildTemporal)
	w.standStill(localstack.ChildTemporal)
	next := time.Now().Truncate(often).Add(often)
	require.Eventually(t, func() bool { return time.Now().After(next.Add(often + time.Second)) }, time.Minute, 50*time.Millisecond)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	require.Eventually(t, func() bool {
		d, err := w.ownSchedule(ctx, "often")
		return err == nil && d != nil && float64(d.Info.NumActionsMissedCatchupWindow) > before
	}, time.Minute, 50*time.Millisecond, "the supervisor starts the server again, and the run of %s is missed", next)
	require.NotEqual(t, pid, w.stack.Pid(localstack.ChildTemporal))
	require.Eventually(t, func() bool { return seen.lookAtSchedules(ctx) == nil }, 30*time.Second, 50*time.Millisecond)
	require.Greater(t, metric(w, figures, "puenktlich_schedule_missed_total"), before)
	require.Eventually(t, func() bool { return len(w.told.of("schedule-missed")) > 0 }, 30*time.Second, 50*time.Millisecond)
	require.Contains(t, w.told.of("schedule-missed")[0].Summary, "runs of schedule often were missed and are too late to be caught up")
}

// standStill stops a server without ending it, until it is told to go on.
func (w watched) standStill(name string) (goOn func()) {
	pid := w.stack.Pid(name)
	require.NoError(w.t, syscall.Kill(pid, syscall.SIGSTOP))
	goOn = func() { _ = syscall.Kill(pid, syscall.SIGCONT) } // it may be gone
	w.t.Cleanup(goOn)
	return goOn
}

func (w watched) schedule(id string) client.ScheduleInfo {
	w.t.Helper()
	d, err := w.ownSchedule(w.t.Context(), id)
	require.NoError(w.t, err)
	require.NotNil(w.t, d)
	return d.Info
}

// metric is the value of a schedule's metric.
func metric(w watched, figures prometheus.Gatherer, name string) float64 {
	w.t.Helper()
	families, err := figures.Gather()
	require.NoError(w.t, err)
	for _, family := range families {
		if family.GetName() == name {
			require.Len(w.t, family.GetMetric(), 1)
			return family.GetMetric()[0].GetCounter().GetValue()
		}
	}
	require.Fail(w.t, "no metric "+name)
	return 0
}
