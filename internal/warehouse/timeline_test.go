package warehouse_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

func day29(t testing.TB) schema.TimelineQuery {
	return schema.TimelineQuery{Source: "test", From: at(t, "29 00:00"), Until: at(t, "30 00:00")}
}

func TestTimelineGivesBackEveryAttribute(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	event := planned(t, "-77", rail.Arrival, "29 10:30")
	event.Line, event.Wings, event.NextTrip = "11", "88-2410290900-2", "99-2410291100"
	event.PolledAt = event.PolledAt.Add(123 * time.Millisecond)
	full := rail.Change{
		EVA: event.EVA, Stop: event.Stop, Kind: event.Kind, Seq: 12, PolledAt: at(t, "29 10:01").Add(5 * time.Millisecond),
		Planned: event.Planned, Changed: event.Planned.Add(7 * time.Minute), Platform: "8", Status: rail.StatusCancelled,
		CancelTime: at(t, "29 09:59"), Path: "Mannheim Hbf|Mainz Hbf", Line: "RE 4",
		Train: rail.Train{Category: "RE", Number: "4711", Operator: "R1", Class: rail.Regional},
		Messages: []rail.Message{
			{ID: "r1", Type: "d", Code: 43, Time: at(t, "29 09:58"), Deleted: true},
			{ID: "r2", Type: "h"},
		},
	}
	sparse := rail.Change{EVA: event.EVA, Stop: event.Stop, Kind: event.Kind, Seq: 13, PolledAt: at(t, "29 10:02"), Platform: "9"}
	insertPlan(t, db, batch("plan"), 1, event)
	insertChanges(t, db, batch("changes"), full, sparse)

	got := timelines(t, db, day29(t))
	want := []timeline{{event, []rail.Change{full, sparse}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n %+v\nwant\n %+v", got, want)
	}
}

func TestTimelineOfAnEventWithoutChanges(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	bare := rail.PlannedEvent{
		EVA: 8000105, Stop: "1-2410290930-1", Kind: rail.Departure, Trip: "1-2410290930", ServiceDay: "2024-10-29",
		Index: 1, Planned: at(t, "29 08:30"), PolledAt: at(t, "29 06:00"),
	}
	insertPlan(t, db, batch("plan"), 1, bare)
	got := timelines(t, db, day29(t))
	if want := []timeline{{event: bare}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got\n %+v\nwant\n %+v", got, want)
	}
}

// A stop that straddles the hour stands in two plan files: it is one event,
// known from the first.
func TestEventInTwoPlanFilesIsVisitedOnce(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	event := planned(t, "5", rail.Departure, "29 10:01")
	again := event
	again.PolledAt = event.PolledAt.Add(time.Hour)
	insertPlan(t, db, batch("hour 10"), 7, again) // arrives first, yet was polled later
	insertPlan(t, db, batch("hour 11"), 3, event)
	got := timelines(t, db, day29(t))
	if len(got) != 1 || !got[0].event.PolledAt.Equal(event.PolledAt) {
		t.Errorf("got %+v, want the event once, polled at %s", got, event.PolledAt)
	}
}

func TestTimelineJoinsByEventInOrderOfSeq(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	// The same hash on two days, both events of one stop, and hashes whose
	// order as text is not that of their numbers.
	events := []rail.PlannedEvent{
		planned(t, "9", rail.Arrival, "29 10:30"), planned(t, "9", rail.Departure, "29 10:30"),
		planned(t, "10", rail.Arrival, "29 10:31"), planned(t, "-9", rail.Arrival, "29 10:32"),
		planned(t, "9", rail.Arrival, "30 10:30"), planned(t, "7", rail.Arrival, "29 22:45"),
	}
	insertPlan(t, db, batch("plan"), 1, events...)
	seqs := map[rail.EventKey][]uint64{}
	var changes []rail.Change
	for seq := uint64(100); seq < 160; seq++ {
		event := events[int(seq)%len(events)]
		changes = append(changes, seen(event, seq, at(t, "29 09:00").Add(time.Duration(seq)*time.Second), 1))
		seqs[event.Key()] = append(seqs[event.Key()], seq)
	}
	slices.Reverse(changes)
	insertChanges(t, db, batch("late"), changes[:25]...)
	insertChanges(t, db, batch("early"), changes[25:]...)
	orphan := planned(t, "31", rail.Arrival, "29 10:33")
	insertChanges(t, db, batch("orphan"), seen(orphan, 200, at(t, "29 10:00"), 3))

	query := day29(t)
	query.Until = at(t, "31 00:00")
	got := map[rail.EventKey][]uint64{}
	for _, line := range timelines(t, db, query) {
		for _, change := range line.changes {
			got[line.event.Key()] = append(got[line.event.Key()], change.Seq)
		}
	}
	if !reflect.DeepEqual(got, seqs) {
		t.Errorf("got  %v\nwant %v", got, seqs)
	}
}

func TestTimelineSelects(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	first, other := planned(t, "1", rail.Arrival, "29 10:00"), planned(t, "2", rail.Arrival, "29 11:00")
	other.EVA = 8000002
	late, tomorrow := planned(t, "3", rail.Arrival, "29 12:00"), planned(t, "4", rail.Arrival, "30 00:00")
	late.PolledAt = at(t, "29 11:59")
	insertPlan(t, db, batch("plan"), 1, first, other, late, tomorrow)
	insertChanges(t, db, batch("changes"),
		seen(first, 10, at(t, "29 09:00"), 1), seen(first, 11, at(t, "29 09:30"), 2), seen(first, 12, at(t, "29 09:30").Add(time.Millisecond), 3))
	elsewhere := batch("other source")
	elsewhere.Source = "simulated"
	insertPlan(t, db, elsewhere, 1, first)
	insertChanges(t, db, elsewhere, seen(first, 10, at(t, "29 09:00"), 40))

	type found map[string][]uint64 // trip hash to the seqs of its changes
	cases := map[string]struct {
		edit func(*schema.TimelineQuery)
		want found
	}{
		"a day":              {func(*schema.TimelineQuery) {}, found{"1": {10, 11, 12}, "2": nil, "3": nil}},
		"until is exclusive": {func(q *schema.TimelineQuery) { q.Until = at(t, "29 11:00") }, found{"1": {10, 11, 12}}},
		"from is inclusive":  {func(q *schema.TimelineQuery) { q.From = at(t, "29 11:00") }, found{"2": nil, "3": nil}},
		"two windows":        {func(q *schema.TimelineQuery) { q.Until = at(t, "31 00:00") }, found{"1": {10, 11, 12}, "2": nil, "3": nil, "4": nil}},
		"one station":        {func(q *schema.TimelineQuery) { q.Stations = []int64{8000002, 1} }, found{"2": nil}},
		"polled up to then":  {func(q *schema.TimelineQuery) { q.PolledUntil = at(t, "29 09:30") }, found{"1": {10, 11}, "2": nil}},
		"nothing polled yet": {func(q *schema.TimelineQuery) { q.PolledUntil = at(t, "28 09:30") }, found{}},
		"another source":     {func(q *schema.TimelineQuery) { q.Source = "simulated" }, found{"1": {10}}},
		"empty range":        {func(q *schema.TimelineQuery) { q.Until = q.From }, found{}},
	}
	var inWindows []func()
	for name, c := range cases {
		query := day29(t)
		c.edit(&query)
		timelinesGive := func(t *testing.T) {
			got := found{}
			for _, line := range timelines(t, db, query) {
				ref, err := line.event.Stop.Parse()
				if err != nil {
					t.Fatal(err)
				}
				got[ref.TripHash] = nil
				for _, change := range line.changes {
					got[ref.TripHash] = append(got[ref.TripHash], change.Seq)
				}
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		}
		t.Run(name, timelinesGive)
		inWindows = append(inWindows, func() { t.Run(name+", a window of 24 hours at a time", timelinesGive) })
	}
	db.ReadTogether(0)
	for _, again := range inWindows {
		again()
	}
}

func TestTimelineEndsWithTheVisitorsError(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	insertPlan(t, db, batch("plan"), 1, planned(t, "1", rail.Arrival, "29 10:00"), planned(t, "2", rail.Arrival, "29 10:00"))
	enough := errors.New("enough")
	visits := 0
	err := db.Timelines(t.Context(), day29(t), func(rail.PlannedEvent, []rail.Change) error { visits++; return enough })
	if !errors.Is(err, enough) || visits != 1 {
		t.Errorf("got %v after %d visits, want the visitor's error after 1", err, visits)
	}
}
