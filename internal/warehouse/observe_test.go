package warehouse_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

func TestPollTimesAreThoseOfAnsweredPollsForChanges(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	ctx := t.Context()
	poll := func(clock string, eva int64, kind schema.PollKind, status schema.PollStatus) schema.Poll {
		return schema.Poll{
			Source: "test", Group: "frankfurt-hbf", EVA: eva, Kind: kind, PolledAt: at(t, clock), Status: status,
			Error: "e", Stops: 1, Changes: 2, Quarantined: 3, RawKey: "raw/x", RawSHA256: "00",
		}
	}
	polls := []schema.Poll{
		poll("29 10:00", 1, schema.PollRecent, schema.PollOK), poll("29 10:01", 1, schema.PollChanges, schema.PollOK),
		poll("29 10:02", 1, schema.PollRecent, schema.PollFailed), poll("29 10:03", 1, schema.PollPlan, schema.PollOK),
		poll("29 10:04", 2, schema.PollRecent, schema.PollOK), poll("29 10:05", 1, schema.PollRecent, schema.PollOK),
		poll("29 10:06", 1, schema.PollRecent, schema.PollMissing),
	}
	polls[3].Hour = at(t, "29 16:00")
	for _, token := range []string{"a", "b"} {
		if err := db.InsertPolls(ctx, token, polls); err != nil {
			t.Fatal(err)
		}
	}
	query := schema.PollQuery{Source: "test", Stations: []int64{1, 3}, From: at(t, "29 10:00"), Until: at(t, "29 10:05")}
	got, err := db.PollTimes(ctx, query)
	if want := map[int64][]time.Time{1: {at(t, "29 10:00"), at(t, "29 10:01")}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if some, err := db.Polls(ctx, query); err != nil || !slices.Equal(some, polls[:4]) {
		t.Errorf("got %+v, %v, want %+v", some, err, polls[:4])
	}
	query.Stations = nil
	if got, err := db.PollTimes(ctx, query); err != nil || len(got) != 2 || !slices.Equal(got[2], []time.Time{at(t, "29 10:04")}) {
		t.Errorf("got %v, %v, want two stations", got, err)
	}
	all, err := db.Polls(ctx, query)
	if err != nil || !slices.Equal(all, polls[:5]) {
		t.Errorf("got %+v, %v, want %+v", all, err, polls[:5])
	}
}

func TestCoverageIsTheLatestVersion(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	ctx := t.Context()
	hour := schema.Coverage{Source: "test", EVA: 8000105, Hour: at(t, "29 10:00"), PlanKnown: true, Polls: 90, LongestGapSeconds: 61, Quarantined: 2, Version: 2}
	older, next := hour, hour
	older.Version, older.Polls, older.PlanKnown = 1, 40, false
	next.Hour = at(t, "29 11:00")
	for token, rows := range map[string][]schema.Coverage{"new": {hour, next}, "old": {older}} {
		if err := db.InsertCoverage(ctx, token, rows); err != nil {
			t.Fatal(err)
		}
	}
	got, err := db.Coverage(ctx, schema.CoverageQuery{Source: "test", From: at(t, "29 10:00"), Until: at(t, "29 11:00")})
	if err != nil || !slices.Equal(got, []schema.Coverage{hour}) {
		t.Errorf("got %+v, %v, want %+v", got, err, hour)
	}
}

func TestQuarantineKeepsWhatWasRefused(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	refused := schema.Quarantine{
		Source: "test", EVA: 1, PolledAt: at(t, "29 10:00"), RawKey: "raw/x", File: "rchg/1", Element: "timetable/s[3]/ar/@ct",
		Value: "2403310230\t'\\", Reason: "does not exist in German local time",
	}
	if err := db.InsertQuarantine(t.Context(), "q", []schema.Quarantine{refused}); err != nil {
		t.Fatal(err)
	}
	got, err := db.Quarantined(t.Context(), "test", 10)
	if err != nil || !slices.Equal(got, []schema.Quarantine{refused}) {
		t.Errorf("got %+v, %v, want %+v", got, err, refused)
	}
}

func TestDaysSpanPlanAndTruth(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	got, err := db.Days(t.Context(), "test")
	if err != nil || !reflect.DeepEqual(got, schema.DaySpan{}) {
		t.Errorf("empty: got %+v, %v, want nothing", got, err)
	}
	first, last := planned(t, "1", rail.Arrival, "28 10:00"), planned(t, "2", rail.Arrival, "29 23:30") // 30 October in Germany
	insertPlan(t, db, batch("plan"), 1, first, last)
	if err := db.InsertTruth(t.Context(), batch("truth"), at(t, "29 02:00"), []rail.Truth{settled(first, 1)}); err != nil {
		t.Fatal(err)
	}
	got, err = db.Days(t.Context(), "test")
	want := schema.DaySpan{FirstPlanned: "2024-10-28", LastPlanned: "2024-10-30", FirstSettled: "2024-10-28", LastSettled: "2024-10-28", Settled: []string{"2024-10-28"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}
