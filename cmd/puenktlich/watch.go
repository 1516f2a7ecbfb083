package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"

	"puenktlich/internal/rulebook"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Rhythm of the watch, and how long a rollback is news.
const (
	watchEvery   = 30 * time.Second
	rollbackNews = 24 * time.Hour
)

// watch looks at schedules, the last verdict and rollbacks from time to time:
// figures for Prometheus, and alerts on what nobody else notices. It belongs to
// the processes that run workflows.
type watch struct {
	a *adapters

	mu        sync.Mutex
	schedules map[string]*client.ScheduleDescription
	night     *schema.Verdict
	rollbacks []schema.RegistryEvent
}

// run looks until ctx ends. What is away is looked at again.
func (w *watch) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		for _, look := range []func(context.Context) error{w.lookAtSchedules, w.lookAtNight} {
			if err := look(ctx); err != nil && ctx.Err() == nil {
				w.a.logger.Warn("watch", "error", err)
			}
		}
		timer.Reset(watchEvery)
	}
}

func (w *watch) lookAtSchedules(ctx context.Context) error {
	own, err := w.a.ownSchedules(ctx)
	if err != nil {
		return err
	}
	w.mu.Lock()
	before := w.schedules
	w.schedules = own
	w.mu.Unlock()
	for id, now := range own {
		was := before[id]
		if was == nil {
			continue
		}
		if alert, news := missedRuns(id, was.Info, now.Info, w.a.clock.Now()); news {
			if err := w.a.alerts.RaiseAlert(ctx, alert); err != nil {
				return err
			}
		}
	}
	return nil
}

// missedRuns tells of runs that were missed between two looks, and that it is over
// once one was started without a further miss.
func missedRuns(id string, was, now client.ScheduleInfo, at time.Time) (schemas.Alert, bool) {
	alert := schemas.Alert{Name: "schedule-missed", Subject: id, Severity: schemas.AlertWarning, Since: at, Workflow: scheduledPrefix + id}
	switch missed := now.NumActionsMissedCatchupWindow - was.NumActionsMissedCatchupWindow; {
	case missed > 0:
		alert.Summary = fmt.Sprintf("%d runs of schedule %s were missed and are too late to be caught up: the Temporal server was away.", missed, id)
		alert.Details = map[string]string{"missed_in_all": fmt.Sprint(now.NumActionsMissedCatchupWindow), "skipped_in_all": fmt.Sprint(now.NumActionsSkippedOverlap)}
		return alert, true
	case now.NumActions > was.NumActions:
		alert.Resolved, alert.Summary = true, fmt.Sprintf("Schedule %s starts runs again.", id)
		return alert, true
	}
	return alert, false
}

func (w *watch) lookAtNight(ctx context.Context) error {
	nights, err := w.a.db.FindVerdicts(ctx, schema.VerdictQuery{Model: schemas.DefaultModel, DataSource: sourceName(w.a.config), Newest: true, Limit: 1})
	if err != nil {
		return err
	}
	now := w.a.clock.Now()
	events, err := w.a.db.RegistryEvents(ctx, schemas.DefaultModel, now)
	if err != nil {
		return err
	}
	var back []schema.RegistryEvent
	for _, e := range events {
		if e.Event == "rolled_back" && e.HappenedAt.After(now.Add(-rollbackNews)) {
			back = append(back, e)
		}
	}
	w.mu.Lock()
	w.rollbacks, w.night = back, nil
	if len(nights) > 0 {
		w.night = &nights[0]
	}
	w.mu.Unlock()
	return w.a.alerts.RaiseAlert(ctx, rolledBack(back, now))
}

// rolledBack is about the last rollback, or that there was none lately.
func rolledBack(back []schema.RegistryEvent, now time.Time) schemas.Alert {
	alert := schemas.Alert{Name: "rolled-back", Subject: schemas.DefaultModel, Severity: schemas.AlertCritical, Since: now, Resolved: len(back) == 0,
		Summary: "No rollback in the last day."}
	if len(back) == 0 {
		return alert
	}
	last := back[len(back)-1]
	alert.Since, alert.Workflow = last.HappenedAt, last.WorkflowID
	alert.Summary = fmt.Sprintf("%s@%d was taken back for version %d by %s: %s", last.Model, last.PreviousVersion, last.Version, last.Actor, last.Reason)
	alert.Details = map[string]string{"digest": last.Digest, "in_a_day": fmt.Sprint(len(back))}
	return alert
}

// Describe leaves the descriptions to Collect: which there are depends on what was
// seen.
func (w *watch) Describe(chan<- *prometheus.Desc) {}

// Collect tells what was seen last.
func (w *watch) Collect(to chan<- prometheus.Metric) {
	w.mu.Lock()
	defer w.mu.Unlock()
	tell := func(name, help string, kind prometheus.ValueType, value float64, labels ...string) {
		var names, values []string
		for i := 0; i+1 < len(labels); i += 2 {
			names, values = append(names, labels[i]), append(values, labels[i+1])
		}
		to <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, names, nil), kind, value, values...)
	}
	for id, d := range w.schedules {
		tell("puenktlich_schedule_runs_total", "Runs that a schedule started.", prometheus.CounterValue, float64(d.Info.NumActions), "schedule", id)
		tell("puenktlich_schedule_missed_total", "Runs that came too late to be caught up.", prometheus.CounterValue, float64(d.Info.NumActionsMissedCatchupWindow), "schedule", id)
		tell("puenktlich_schedule_skipped_total", "Runs left out because the one before had not ended.", prometheus.CounterValue, float64(d.Info.NumActionsSkippedOverlap), "schedule", id)
		tell("puenktlich_schedule_paused", "1 while a schedule is paused.", prometheus.GaugeValue, truth(d.Schedule.State.Paused), "schedule", id)
		if last := lastRun(d.Info); !last.IsZero() {
			tell("puenktlich_schedule_last_run_timestamp_seconds", "When a schedule last started a run.", prometheus.GaugeValue, float64(last.Unix()), "schedule", id)
		}
	}
	tell("puenktlich_rollbacks_recent", "Rollbacks of the last 24 hours of domain time.", prometheus.GaugeValue, float64(len(w.rollbacks)), "model", schemas.DefaultModel)
	if w.night != nil {
		w.tellNight(tell)
	}
}

func (w *watch) tellNight(tell func(name, help string, kind prometheus.ValueType, value float64, labels ...string)) {
	n := w.night
	tell("puenktlich_night_age_seconds", "Domain time since the last verdict.", prometheus.GaugeValue, w.a.clock.Now().Sub(n.DecidedAt).Seconds(), "model", n.Model)
	tell("puenktlich_night_verdict", "1 for what the last night came to.", prometheus.GaugeValue, 1, "model", n.Model, "verdict", n.Action)
	if s, err := rulebook.Night(*n); err == nil {
		for _, signal := range s.Signals {
			if signal.Value != nil {
				tell("puenktlich_night_signal", "The last night's signals by name.", prometheus.GaugeValue, *signal.Value, "model", n.Model, "signal", string(signal.Name))
			}
		}
	}
	if v, err := rulebook.Stored(*n); err == nil {
		for _, rule := range v.Rules {
			tell("puenktlich_night_rule_fires", "1 where a rule of the policy fired.", prometheus.GaugeValue, truth(rule.State == schemas.RuleFires),
				"model", n.Model, "rule", rule.Rule, "severity", string(rule.Severity))
		}
	}
}

func truth(v bool) float64 {
	if v {
		return 1
	}
	return 0
}

// spoolAlertBytes of waiting forecasts are worth an alert: some hours of a busy
// instance, an eighth of what the spool holds.
const spoolAlertBytes = 256 << 20

// watchSpool tells when the prediction log grows because the store takes nothing,
// and when it has shrunk again.
func (i *instance) watchSpool(ctx context.Context) error {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for fires := true; ; { // an earlier process may have raised it
		waiting := i.log.Stats()
		if full := waiting.Bytes > spoolAlertBytes; full || fires {
			fires = full
			if err := i.alerts.RaiseAlert(ctx, spoolAlert(i.config.Instance, waiting.Records, waiting.Bytes, i.clock.Now())); err != nil && ctx.Err() == nil {
				i.logger.Warn("alert", "error", err)
				fires = true // or that it is over
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func spoolAlert(instance string, records int, waiting int64, at time.Time) schemas.Alert {
	return schemas.Alert{Name: "spool", Subject: instance, Severity: schemas.AlertWarning, Since: at, Resolved: waiting <= spoolAlertBytes,
		Summary: fmt.Sprintf("%d forecasts, %d MiB, wait on %s for ClickHouse; at 2 GiB no forecast is answered any more.", records, waiting>>20, instance)}
}
