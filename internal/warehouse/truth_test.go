package warehouse_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

func settled(event rail.PlannedEvent, delay int) rail.Truth {
	actual := event.Planned.Add(time.Duration(delay) * time.Minute)
	return rail.Truth{
		EVA: event.EVA, Stop: event.Stop, Kind: event.Kind, Planned: event.Planned, Actual: actual,
		Evidence: rail.ChangeObserved, LastSeen: actual.Add(-30 * time.Second),
	}
}

func TestTruthIsTheLatestRevisionKnown(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	ctx := t.Context()
	first, second := settled(planned(t, "1", rail.Arrival, "29 10:00"), 4), settled(planned(t, "2", rail.Departure, "29 11:00"), 0)
	second.Evidence, second.Cancelled = rail.PolledWithoutChange, true
	revised := first
	revised.Actual = first.Planned.Add(12 * time.Minute)
	midnight := settled(planned(t, "3", rail.Arrival, "29 23:00"), -2) // 30 October in Germany
	for i, write := range [][]rail.Truth{{first, second, midnight}, {revised}} {
		settledAt := at(t, "30 02:00").Add(time.Duration(i) * time.Hour)
		for range 2 {
			if err := db.InsertTruth(ctx, batch(settledAt.String()), settledAt, write); err != nil {
				t.Fatal(err)
			}
		}
	}
	days29 := schema.TruthQuery{Source: "test", From: "2024-10-29", Until: "2024-10-30"}
	cases := map[string]struct {
		edit func(*schema.TruthQuery)
		want []rail.Truth
	}{
		"latest":             {func(*schema.TruthQuery) {}, []rail.Truth{revised, second}},
		"before the first":   {func(q *schema.TruthQuery) { q.SettledUntil = at(t, "30 01:59") }, nil},
		"at the first":       {func(q *schema.TruthQuery) { q.SettledUntil = at(t, "30 02:00") }, []rail.Truth{first, second}},
		"before the second":  {func(q *schema.TruthQuery) { q.SettledUntil = at(t, "30 02:59") }, []rail.Truth{first, second}},
		"at the second":      {func(q *schema.TruthQuery) { q.SettledUntil = at(t, "30 03:00") }, []rail.Truth{revised, second}},
		"German next day":    {func(q *schema.TruthQuery) { q.From, q.Until = "2024-10-30", "2024-10-31" }, []rail.Truth{midnight}},
		"another source":     {func(q *schema.TruthQuery) { q.Source = "live" }, nil},
		"until is exclusive": {func(q *schema.TruthQuery) { q.Until = q.From }, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			query := days29
			c.edit(&query)
			var got []rail.Truth
			if err := db.Truth(ctx, query, func(truth rail.Truth) error { got = append(got, truth); return nil }); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got\n %+v\nwant\n %+v", got, c.want)
			}
		})
	}
}

func TestTruthWithoutEvidenceIsRefused(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	for _, evidence := range []rail.Evidence{"", "unknown"} {
		truth := settled(planned(t, "1", rail.Arrival, "29 10:00"), 4)
		truth.Evidence = evidence
		if err := db.InsertTruth(t.Context(), batch("t"), at(t, "30 02:00"), []rail.Truth{truth}); err == nil {
			t.Errorf("evidence %q: accepted", evidence)
		}
	}
}

func TestDailyCountsWhatWasKnown(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	ctx := t.Context()
	count := func(day, key string, events, late uint32, delaySum int64, version uint64, knownAt string) schema.Daily {
		return schema.Daily{
			Source: "test", Day: day, KeyKind: "line", Key: key, Events: events, Late: late, Cancelled: 1,
			DelaySum: delaySum, Version: version, KnownAt: at(t, knownAt),
		}
	}
	counts := []schema.Daily{
		count("2024-10-28", "RE 4", 10, 2, 30, 1, "29 02:00"),
		count("2024-10-29", "RE 4", 20, 4, -5, 1, "30 02:00"),
		count("2024-10-29", "S 1", 7, 0, 0, 1, "30 02:00"),
		count("2024-10-28", "RE 4", 11, 3, 40, 2, "30 03:00"), // a revision
		count("2024-10-28", "none", 0, 0, 0, 1, "29 02:00"),
	}
	for _, token := range []string{"a", "b"} { // sent again under another token: still once
		if err := db.InsertDaily(ctx, token, counts); err != nil {
			t.Fatal(err)
		}
	}
	sum := func(key string, days, events, late, cancelled uint64, delaySum int64) schema.DailySum {
		return schema.DailySum{KeyKind: "line", Key: key, Days: days, Events: events, Late: late, Cancelled: cancelled, DelaySum: delaySum}
	}
	cases := map[string]struct {
		from, before, knownAt string
		want                  []schema.DailySum
	}{
		"nothing known yet":       {"", "2024-10-30", "29 01:59", nil},
		"one day known":           {"", "2024-10-30", "29 12:00", []schema.DailySum{sum("RE 4", 1, 10, 2, 1, 30)}},
		"two days":                {"", "2024-10-30", "30 02:00", []schema.DailySum{sum("RE 4", 2, 30, 6, 2, 25), sum("S 1", 1, 7, 0, 1, 0)}},
		"with the revision":       {"", "2024-10-30", "30 03:00", []schema.DailySum{sum("RE 4", 2, 31, 7, 2, 35), sum("S 1", 1, 7, 0, 1, 0)}},
		"before is exclusive":     {"", "2024-10-29", "31 00:00", []schema.DailySum{sum("RE 4", 1, 11, 3, 1, 40)}},
		"from is inclusive":       {"2024-10-29", "2024-10-30", "31 00:00", []schema.DailySum{sum("RE 4", 1, 20, 4, 1, -5), sum("S 1", 1, 7, 0, 1, 0)}},
		"before the first of all": {"", "2024-10-28", "31 00:00", nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := db.Daily(ctx, schema.DailyQuery{Source: "test", From: c.from, Before: c.before, KnownAt: at(t, c.knownAt)})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n %+v\nwant\n %+v", got, c.want)
			}
		})
	}
}
