package warehouse_test

import (
	"fmt"
	"testing"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/internal/warehouse"
	schema "puenktlich/schemas/clickhouse"
)

// at is a moment of 29 October 2024 and later days, UTC, as "29 10:30".
func at(t testing.TB, clock string) time.Time {
	t.Helper()
	moment, err := time.Parse("2006-01 02 15:04:05", "2024-10 "+clock+":00")
	if err != nil {
		t.Fatal(err)
	}
	return moment
}

// planned is the second stop of a trip that began an hour before, German time
// being an hour ahead of UTC.
func planned(t testing.TB, hash string, kind rail.EventKind, clock string) rail.PlannedEvent {
	t.Helper()
	moment := at(t, clock)
	stop := rail.StopID(fmt.Sprintf("%s-%s-2", hash, rail.FormatTime(moment.Add(-time.Hour))))
	ref, err := stop.Parse()
	if err != nil {
		t.Fatal(err)
	}
	serviceDay, err := ref.ServiceDay()
	if err != nil {
		t.Fatal(err)
	}
	return rail.PlannedEvent{
		EVA: 8000105, Stop: stop, Kind: kind, Trip: ref.Trip(), ServiceDay: serviceDay, Index: ref.Index,
		Train:   rail.Train{Category: "ICE", Number: "2", Operator: "80", Class: rail.LongDistance},
		Planned: moment, Platform: "7", Path: []string{"Mannheim Hbf", "Köln Hbf"}, PolledAt: moment.Add(-2 * time.Hour),
	}
}

// seen is an observation of an event: a changed time, delay minutes late.
func seen(event rail.PlannedEvent, seq uint64, polledAt time.Time, delay int) rail.Change {
	return rail.Change{
		EVA: event.EVA, Stop: event.Stop, Kind: event.Kind, Seq: seq, PolledAt: polledAt,
		Changed: event.Planned.Add(time.Duration(delay) * time.Minute),
	}
}

func batch(token string) schema.Batch {
	return schema.Batch{Token: token, Source: "test", Group: "frankfurt-hbf"}
}

func insertPlan(t testing.TB, db *warehouse.DB, b schema.Batch, firstSeq uint64, events ...rail.PlannedEvent) {
	t.Helper()
	if err := db.InsertPlan(t.Context(), b, events, firstSeq); err != nil {
		t.Fatal(err)
	}
}

func insertChanges(t testing.TB, db *warehouse.DB, b schema.Batch, changes ...rail.Change) {
	t.Helper()
	if err := db.InsertChanges(t.Context(), b, changes); err != nil {
		t.Fatal(err)
	}
}

// timeline is what Timelines visits.
type timeline struct {
	event   rail.PlannedEvent
	changes []rail.Change
}

func timelines(t testing.TB, db *warehouse.DB, q schema.TimelineQuery) []timeline {
	t.Helper()
	var all []timeline
	err := db.Timelines(t.Context(), q, func(event rail.PlannedEvent, changes []rail.Change) error {
		all = append(all, timeline{event, changes})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
