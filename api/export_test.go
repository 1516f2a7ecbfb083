package api

import (
	"net/http"
	"testing"
	"time"

	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

// ServeThreeTrains is the API that open makes, and its late train's stop.
func ServeThreeTrains(t testing.TB) (http.Handler, rail.StopID) {
	t.Helper()
	return open(t), departure(2, 50).Stop
}

// ServeWithOutcomes is the same, after 45 forecasts of the panel met their outcome, a
// night was scored and an alert was raised.
func ServeWithOutcomes(t testing.TB) http.Handler {
	t.Helper()
	h := open(t)
	called := func(n int) float64 {
		if n < 40 {
			return 0.8
		}
		return 0.2
	}
	h.settle(t, 45, called, func(n int) int { // 30 of the forty are on time, none of the five
		if n < 30 {
			return n % 6
		}
		return 6 + n%9
	})
	score := schema.Score{Model: "punctuality", Version: 7, Role: schema.RoleChampion, Source: schema.FromPanel, DataSource: "test", Evidence: "change_observed",
		FromDay: "2024-10-28", UntilDay: "2024-10-29", HorizonMinutes: 30, Metric: "brier", Value: 0.11, Lower: 0.1, Upper: 0.12,
		Baseline: "db_forecast_calibrated", BaselineValue: 0.13, Events: 812, Days: 1, ScoredAt: begin.Add(-time.Hour)}
	night := score // the longer span is shown, not this night alone
	score.FromDay, score.Days, night.Value = "2024-10-22", 7, 0.2
	if err := h.db.SaveScores(t.Context(), "scores", []schema.Score{score, night}); err != nil {
		t.Fatal(err)
	}
	alert := schema.Alert{AlertID: "a1", Name: "coverage", Severity: "warning", State: schema.AlertFiring, Subject: "main", Summary: "Half of the hours were not polled.", Details: "{}", RaisedAt: begin, Version: 1}
	if err := h.db.SaveAlert(t.Context(), alert); err != nil {
		t.Fatal(err)
	}
	return h
}

// ServeNothing is an API before its live state and its champion are there.
func ServeNothing(t testing.TB) http.Handler {
	t.Helper()
	return build(t)
}
