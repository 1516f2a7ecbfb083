package warehouse_test

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

func judged(t *testing.T, q schema.JudgedQuery, visit func(func(*schema.Judged) error) error) []string {
	t.Helper()
	var got []string
	err := visit(func(j *schema.Judged) error {
		text := fmt.Sprintf("%s %s by `%s` own %g", j.PredictionID, j.Category, j.Neighbour, j.OwnDelay)
		if j.Outcome.Settled {
			text += fmt.Sprintf(" late %d since %s", j.Outcome.DelayMinutes, j.SettledAt.Format("02 15:04"))
		} else if !j.SettledAt.IsZero() {
			t.Errorf("%s: no truth, and yet settled at %s", j.PredictionID, j.SettledAt)
		}
		got = append(got, text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// A truth that was revised counts in its newest revision, once, and keeps the
// moment it was first known; a plan named twice is one plan.
func TestJudgedReadsEachForecastOnce(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	late, open := planned(t, "1", rail.Arrival, "29 10:00"), planned(t, "2", rail.Arrival, "29 11:00")
	shadow := forecast(late, "shadow", 30)
	shadow.Role, shadow.Version = schema.RoleShadow, 8
	again := forecast(late, "again", 30)
	again.PredictedAt = again.PredictedAt.Add(time.Second)
	if err := db.InsertPredictions(t.Context(), "t", []schema.Prediction{forecast(open, "open", 5), forecast(late, "late", 30), again, shadow}); err != nil {
		t.Fatal(err)
	}
	insertPlan(t, db, batch("plan"), 1, late)
	insertPlan(t, db, batch("plan again"), 9, late)
	for moment, minutes := range map[string]int{"29 13:00": 9, "30 04:00": 11} {
		if err := db.InsertTruth(t.Context(), batch("truth "+moment), at(t, moment), []rail.Truth{settled(late, minutes)}); err != nil {
			t.Fatal(err)
		}
	}
	q := schema.JudgedQuery{Model: "punctuality", Source: schema.FromPanel, DataSource: "test", From: "2024-10-29", Until: "2024-10-30", AsOf: at(t, "31 00:00"), OwnDelayAt: 1}
	read := func(visit func(*schema.Judged) error) error { return db.Judged(t.Context(), q, visit) }
	want := []string{"late ICE by `Köln Hbf` own 1.5 late 11 since 29 13:00", "shadow ICE by `Köln Hbf` own 1.5 late 11 since 29 13:00", "open  by `` own 1.5"}
	if got := judged(t, q, read); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	q.AsOf, q.OwnDelayAt = at(t, "29 14:00"), 0
	want = []string{"late ICE by `Köln Hbf` own NaN late 9 since 29 13:00", "shadow ICE by `Köln Hbf` own NaN late 9 since 29 13:00", "open  by `` own NaN"}
	if got := judged(t, q, read); !slices.Equal(got, want) {
		t.Errorf("before the revision: got %q, want %q", got, want)
	}
	q.OwnDelayAt = 99 // no such feature
	if got := judged(t, q, read); got[0] != want[0] {
		t.Errorf("got %q, want %q", got[0], want[0])
	}
	marks, err := db.TruthMarks(t.Context(), schema.TruthQuery{Source: "test", From: "2024-10-29", Until: "2024-10-30", SettledUntil: at(t, "31 00:00")})
	if want := []schema.TruthMark{{Day: "2024-10-29", Settled: at(t, "30 04:00"), Events: 1}}; err != nil || !reflect.DeepEqual(marks, want) {
		t.Errorf("marks %+v, %v", marks, err)
	}
	counts, err := db.DelayCounts(t.Context(), schema.TruthQuery{Source: "test", From: "2024-10-29", Until: "2024-10-30"})
	if want := []schema.DelayCount{{Day: "2024-10-29", Minutes: 11, Events: 1}}; err != nil || !reflect.DeepEqual(counts, want) {
		t.Errorf("delays %+v, %v", counts, err)
	}
}

func TestEstimatesAreGradedOnce(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	open := schema.Estimate{Model: "m", Version: 2, Digest: "d", Role: schema.RoleChampion, Source: schema.FromPanel, DataSource: "test", Day: "2024-10-29", Metric: "brier",
		Estimate: 0.12, Forecasts: 40, MadeAt: at(t, "29 10:00"), Expected: math.NaN(), Realized: math.NaN()}
	graded := open
	graded.Expected, graded.Realized, graded.Graded, graded.GradedAt = 0.11, 0.14, 30, at(t, "30 04:00")
	for token, e := range map[string]schema.Estimate{"made": open, "graded": graded} {
		if err := db.SaveEstimates(t.Context(), token, []schema.Estimate{e}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := db.Estimates(t.Context(), schema.MonitorQuery{Model: "m", From: "2024-10-29", Until: "2024-10-30", AsOf: at(t, "30 05:00")})
	if err != nil || !reflect.DeepEqual(got, []schema.Estimate{graded}) {
		t.Errorf("got %+v, %v, want the graded one", got, err)
	}
}

func TestCountsAddUpByHour(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	early, noon := planned(t, "1", rail.Arrival, "29 10:20"), planned(t, "2", rail.Departure, "29 11:00")
	insertPlan(t, db, batch("plan"), 1, early, noon)
	insertPlan(t, db, batch("plan again"), 9, early)
	categories, err := db.CategoryCounts(t.Context(), schema.TruthQuery{Source: "test", From: "2024-10-29", Until: "2024-10-30"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range categories {
		got = append(got, fmt.Sprintf("%s %s=%s %d", c.Hour.Format("15:04"), c.Column, c.Value, c.Events))
	}
	want := []string{"10:00 category=ICE 1", "10:00 kind=arrival 1", "10:00 line= 1", "10:00 operator=80 1", "10:00 station=8000105 1",
		"11:00 category=ICE 1", "11:00 kind=departure 1", "11:00 line= 1", "11:00 operator=80 1", "11:00 station=8000105 1"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if err := db.InsertPredictions(t.Context(), "t", []schema.Prediction{forecast(early, "a", 5), forecast(early, "b", 30), forecast(noon, "c", 5)}); err != nil {
		t.Fatal(err)
	}
	q := schema.VectorQuery{Model: "punctuality", Digest: "00ff", Source: schema.FromPanel, DataSource: "test", Day: "2024-10-29", AsOf: at(t, "30 00:00")}
	hours, err := db.VectorHours(t.Context(), q)
	if err != nil || len(hours) != 2 || hours[at(t, "29 10:00")] != 2 || hours[at(t, "29 11:00")] != 1 {
		t.Errorf("hours %v, %v", hours, err)
	}
	for _, c := range []struct {
		edit func(*schema.VectorQuery)
		rows int
	}{{func(*schema.VectorQuery) {}, 3}, {func(q *schema.VectorQuery) { q.Hours = []time.Time{at(t, "29 11:00")} }, 1}, {func(q *schema.VectorQuery) { q.Sample = 2 }, 2}} {
		one, rows := q, 0
		c.edit(&one)
		if err := db.Vectors(t.Context(), one, func(v *schema.Vector) error { rows += len(v.Features) / 2; return nil }); err != nil || rows != c.rows {
			t.Errorf("%+v: %d rows, %v, want %d", one, rows, err, c.rows)
		}
	}
	counts := schema.DriftCounts{Model: "punctuality", Version: 7, Digest: "00ff", DataSource: "test", Source: schema.FromPanel, Day: "2024-10-29", Hour: at(t, "29 10:00"),
		Subject: "feature", Name: "a", Bins: []uint64{1, 0, 1}, Total: 2, CountedAt: at(t, "29 12:00")}
	again := counts
	again.Bins, again.Total, again.CountedAt = []uint64{2, 0, 1}, 3, at(t, "29 13:00")
	for token, c := range map[string]schema.DriftCounts{"first": counts, "second": again} {
		if err := db.SaveDriftCounts(t.Context(), token, []schema.DriftCounts{c}); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := db.DriftCounts(t.Context(), schema.CountsQuery{Model: "punctuality", Digest: "00ff", DataSource: "test", Source: schema.FromPanel, From: "2024-10-29", Until: "2024-10-30"})
	if err != nil || len(stored) != 1 || !slices.Equal(stored[0].Bins, again.Bins) || stored[0].Total != 3 {
		t.Errorf("stored %+v, %v", stored, err)
	}
}

// Of three hours one was polled with a longer pause than the week's usual one.
func TestDayHealth(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	var hours []schema.Coverage
	for i, gap := range []uint32{30, 40, 1200} {
		hours = append(hours, schema.Coverage{Source: "test", EVA: 1, Hour: at(t, "29 08:00").Add(time.Duration(i) * time.Hour), PlanKnown: true, Polls: 5, LongestGapSeconds: gap, Version: 1})
	}
	if err := db.InsertCoverage(t.Context(), "c", hours); err != nil {
		t.Fatal(err)
	}
	if err := db.InsertPolls(t.Context(), "p", []schema.Poll{
		{Source: "test", Group: "g", EVA: 1, Kind: schema.PollRecent, PolledAt: at(t, "29 08:00"), Status: schema.PollOK, Quarantined: 2},
		{Source: "test", Group: "g", EVA: 1, Kind: schema.PollRecent, PolledAt: at(t, "29 08:01"), Status: schema.PollFailed}}); err != nil {
		t.Fatal(err)
	}
	event := planned(t, "1", rail.Arrival, "29 10:00")
	insertPlan(t, db, batch("plan"), 1, event, planned(t, "2", rail.Arrival, "29 11:00"))
	insertChanges(t, db, batch("changes"), seen(event, 3, at(t, "29 10:02"), 4))
	if err := db.InsertTruth(t.Context(), batch("truth"), at(t, "29 13:00"), []rail.Truth{settled(event, 4)}); err != nil {
		t.Fatal(err)
	}
	q := schema.DayHealthQuery{Source: "test", Day: "2024-10-29", Start: rail.Day("2024-10-29").Start(), End: rail.Day("2024-10-29").End(), AsOf: at(t, "30 04:00")}
	got, err := db.DayHealth(t.Context(), q)
	want := schema.DayHealth{Stations: 1, StationHours: 3, Unbroken: 2, UsualSeconds: 300, Responses: 1, Failures: 1, Quarantined: 2, LastObserved: at(t, "29 10:02"), Planned: 2, Settled: 1, Observed: 1}
	if err != nil || got != want {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
	q.Source = "nothing"
	if got, err := db.DayHealth(t.Context(), q); err != nil || got != (schema.DayHealth{UsualSeconds: got.UsualSeconds}) {
		t.Errorf("of nothing: %+v, %v", got, err)
	}
}
