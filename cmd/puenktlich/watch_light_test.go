package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"puenktlich/schemas"
)

// runningDayIsMeasured starts what the schedule "measure" of the default agenda starts
// each hour, on a day that is half over: scores of what has settled, estimates of the
// rest, counts of features, and nothing else happens.
func (w watched) runningDayIsMeasured(champion schemas.PackageRef, now time.Time) {
	t, ctx := w.t, w.t.Context()
	w.settle(now)
	scored := do[schemas.ScoreBatchResult](w.system, "score", schemas.WorkflowScoreBatch, schemas.ScoreBatchInput{Day: string(watchRunning), AsOf: now})
	require.Positive(t, scored.Predictions)
	all, err := configured("", []string{schemas.DefaultGroup})
	require.NoError(t, err)
	measure := all[slices.IndexFunc(all, func(t timetable) bool { return t.id == "measure" })]
	require.NoError(t, w.applySchedule(ctx, measure))
	before := w.state()
	require.NoError(t, w.onSchedule(ctx, measure.id, func(ctx context.Context, h client.ScheduleHandle) error {
		return h.Trigger(ctx, client.ScheduleTriggerOptions{})
	}))
	var run *client.ScheduleWorkflowExecution
	require.Eventually(t, func() bool {
		d, err := w.ownSchedule(ctx, measure.id)
		if err != nil || len(d.Info.RecentActions) == 0 {
			return false
		}
		run = d.Info.RecentActions[0].StartWorkflowResult
		return true
	}, 30*time.Second, 50*time.Millisecond)
	var r schemas.MonitorResult
	require.NoError(t, w.temporal.GetWorkflow(ctx, run.WorkflowID, run.FirstExecutionRunID).Get(ctx, &r))

	require.Equal(t, string(watchRunning), r.Signals.Day)
	require.True(t, r.Signals.AsOf.Equal(now), "as of the clock's present")
	require.Equal(t, champion.Digest, r.Signals.Digest)
	require.Equal(t, schemas.VerdictNothing, r.Verdict.Kind)
	require.Equal(t, []string{"the running day was measured, not judged"}, r.Verdict.Reasons)
	require.Empty(t, string(r.Act)+r.Lifecycle+r.Report+r.Evidence)
	measured := map[schemas.SignalName]bool{}
	for _, s := range r.Signals.Signals {
		if s.Value != nil {
			measured[s.Name] = true
			continue
		}
		require.Equal(t, "not measured", s.Note, s.Name)
	}
	require.Equal(t, map[schemas.SignalName]bool{"brier_ratio": true, "relative_brier": true, "skill": true, "ece": true, "bias": true, "estimate_gap": true, "events": true}, measured)
	w.settledPartIsScored(r)
	require.Equal(t, before, w.state(), "it changes nothing and starts nothing")
	require.Equal(t, "0", w.query(t, "SELECT count() FROM alerts WHERE workflow_id = '"+run.WorkflowID+"'"), "and tells nothing")
}

// settledPartIsScored counts, past everything of ours, the champion's forecasts of the
// running day with and without a truth, and what was stored of them.
func (w watched) settledPartIsScored(r schemas.MonitorResult) {
	t := w.t
	of := func(what, where string) string {
		return w.query(t, fmt.Sprintf("SELECT uniqExact(%s) FROM predictions WHERE event_day = '%s' AND digest = '%s' AND (stop_id, kind) %s (SELECT stop_id, kind FROM ground_truth WHERE event_day = '%s'%s)",
			what, watchRunning, r.Signals.Digest, map[bool]string{true: "IN", false: "NOT IN"}[where != ""], watchRunning, where))
	}
	const changed = " AND evidence = 'change_observed' AND cancelled = 0"
	settled, open := of("prediction_id", changed), of("prediction_id", "")
	require.NotEqual(t, "0", settled)
	require.NotEqual(t, "0", open)
	require.Equal(t, settled, fmt.Sprint(r.Signals.Events))
	require.Equal(t, of("(stop_id, kind)", changed), w.query(t, fmt.Sprintf("SELECT toString(max(events)) FROM model_scores WHERE from_day = '%s' AND metric = 'brier' AND horizon_minutes = 0 AND slice_kind = '' AND evidence = 'change_observed' AND version = %d",
		watchRunning, r.Signals.Version)))
	require.Equal(t, open, w.query(t, fmt.Sprintf("SELECT toString(max(forecasts)) FROM estimates WHERE day = '%s' AND metric = 'brier' AND horizon_minutes = 0", watchRunning)))
	require.Equal(t, fmt.Sprint(r.Signals.Predictions), w.query(t, fmt.Sprintf("SELECT toString(sum(total)) FROM drift_counts FINAL WHERE day = '%s' AND digest = '%s' AND subject = 'feature' AND name = 'forecast_delay'",
		watchRunning, r.Signals.Digest)))
	require.Equal(t, "0", w.query(t, fmt.Sprintf("SELECT count() FROM drift WHERE day = '%s'", watchRunning)), "a day is held against others once it is over")
}

// state is what a measurement must leave alone: aliases, history, verdicts, and the
// runs of what changes a model.
func (w watched) state() map[string]string {
	t := w.t
	_, etag, err := w.registry.Aliases(t.Context(), schemas.DefaultModel)
	require.NoError(t, err)
	state := map[string]string{"aliases": etag}
	for _, table := range []string{"verdicts", "registry_events", "runs"} {
		state[table] = w.query(t, "SELECT count() FROM "+table+" FINAL")
	}
	for _, id := range []string{schemas.LifecycleID(schemas.DefaultModel), schemas.RecalibrateID(schemas.DefaultModel), schemas.PromoteID(schemas.DefaultModel)} {
		if d, err := w.temporal.DescribeWorkflowExecution(t.Context(), id, ""); err == nil {
			state[id] = d.GetWorkflowExecutionInfo().GetExecution().GetRunId()
		}
	}
	return state
}
