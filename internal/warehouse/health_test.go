package warehouse_test

import (
	"reflect"
	"testing"
	"time"

	schema "puenktlich/schemas/clickhouse"
)

// Each station's polls as text: minutes after 10:00, r or f for the call, and a !
// where it had no answer. Asked at 11:00 of a source that forgets after two
// minutes; expected by hand.
func TestStationHealth(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	minute := func(m int) time.Time { return at(t, "29 10:00").Add(time.Duration(m) * time.Minute) }
	type poll struct {
		minute int
		kind   schema.PollKind
		fails  bool
	}
	const r, f = schema.PollRecent, schema.PollChanges
	all := map[int64][]poll{
		1: {{57, f, false}, {58, r, false}, {59, r, false}, {60, r, false}},                                 // well
		2: {{50, f, false}, {52, r, false}, {55, r, false}, {57, r, false}, {59, r, false}},                 // a gap from 52 that rchg does not heal
		3: {{50, f, false}, {52, r, false}, {55, f, false}, {57, r, false}, {59, r, false}},                 // healed at its end
		4: {{50, f, false}, {53, r, false}, {54, r, false}, {56, f, true}, {58, r, true}, {60, r, true}},    // gaps from 50 and from 54
		5: {{50, f, false}, {53, r, false}, {55, f, false}, {56, r, false}, {59, r, false}, {60, f, false}}, // both healed
		6: {{57, f, true}, {57, r, false}, {58, r, false}, {60, r, false}},                                  // no fchg was ever answered
		7: {{58, f, true}, {59, r, true}},                                                                   // nothing was
		8: {{-30, f, false}, {-29, r, false}},                                                               // not asked for long
	}
	var polls []schema.Poll
	for eva, said := range all {
		for _, p := range said {
			row := schema.Poll{Source: "test", Group: "main", EVA: eva, Kind: p.kind, PolledAt: minute(p.minute), Status: schema.PollOK}
			if p.fails {
				row.Status, row.Error = schema.PollFailed, "status 500 at "+row.PolledAt.Format("15:04")
			}
			polls = append(polls, row)
		}
		polls = append(polls, schema.Poll{Source: "test", Group: "main", EVA: eva, Kind: schema.PollPlan, Hour: minute(60), PolledAt: minute(60), Status: schema.PollFailed})
	}
	if err := db.InsertPolls(t.Context(), "polls", polls); err != nil {
		t.Fatal(err)
	}
	query := schema.HealthQuery{Source: "test", Now: minute(60), Reach: 2 * time.Hour, Forgets: 2 * time.Minute}
	got, err := db.StationHealth(t.Context(), query)
	want := []schema.StationHealth{
		{EVA: 1, LastOK: minute(60), Asked: 4, Answered: 4},
		{EVA: 2, LastOK: minute(59), Asked: 5, Answered: 5, GapSince: minute(52)},
		{EVA: 3, LastOK: minute(59), Asked: 5, Answered: 5},
		{EVA: 4, LastOK: minute(54), Failures: 3, Asked: 6, Answered: 3, GapSince: minute(50), Error: "status 500 at 11:00"},
		{EVA: 5, LastOK: minute(60), Asked: 6, Answered: 6},
		{EVA: 6, LastOK: minute(60), Asked: 4, Answered: 3, GapSince: minute(57)},
		{EVA: 7, Failures: 2, Asked: 2, GapSince: minute(58), Error: "status 500 at 10:59"},
		{EVA: 8, LastOK: minute(-29), GapSince: minute(-29)},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v: got\n%+v\nwant\n%+v", err, got, want)
	}
	query.Forgets = 0
	got, err = db.StationHealth(t.Context(), query)
	for i := range want {
		want[i].GapSince = time.Time{}
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("a source that forgets nothing, %v: got\n%+v\nwant\n%+v", err, got, want)
	}
	query.Group = "another"
	if got, err = db.StationHealth(t.Context(), query); err != nil || len(got) > 0 {
		t.Errorf("another group: %+v, %v", got, err)
	}
}

func TestUnknownNames(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	row := func(clock, element, name, example string, count uint64) schema.Unknown {
		return schema.Unknown{Source: "test", Group: "main", Element: element, Name: name, PolledAt: at(t, clock), EVA: 1, Count: count,
			Example: example, File: "rchg/1/" + clock, RawKey: "raw/" + clock}
	}
	for token, rows := range map[string][]schema.Unknown{
		"a": {row("29 10:00", "ar", "@occ", "low", 7), row("29 10:00", "s", "aura", "", 1)},
		"b": {row("29 11:00", "ar", "@occ", "high", 3), row("29 11:00", "dp", "@occ", "high", 2)},
	} {
		for range 2 { // the same token again changes nothing
			if err := db.InsertUnknown(t.Context(), token, rows); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := db.UnknownNames(t.Context(), "test")
	want := []schema.UnknownName{
		{Element: "dp", Name: "@occ", Count: 2, FirstSeen: at(t, "29 11:00"), LastSeen: at(t, "29 11:00"), Example: "high", File: "rchg/1/29 11:00", RawKey: "raw/29 11:00"},
		{Element: "ar", Name: "@occ", Count: 10, FirstSeen: at(t, "29 10:00"), LastSeen: at(t, "29 11:00"), Example: "low", File: "rchg/1/29 10:00", RawKey: "raw/29 10:00"},
		{Element: "s", Name: "aura", Count: 1, FirstSeen: at(t, "29 10:00"), LastSeen: at(t, "29 10:00"), File: "rchg/1/29 10:00", RawKey: "raw/29 10:00"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v: got\n%+v\nwant\n%+v", err, got, want)
	}
}
