package warehouse_test

import (
	"fmt"
	"testing"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/internal/testenv"
	"puenktlich/internal/warehouse"
	schema "puenktlich/schemas/clickhouse"
)

// One station group's day: events, each observed as often as changesEach.
const (
	benchEvents = 20_000
	changesEach = 10
)

func benchDay(b *testing.B) ([]rail.PlannedEvent, []rail.Change) {
	b.Helper()
	var events []rail.PlannedEvent
	var changes []rail.Change
	for i := range benchEvents {
		minute := i % (20 * 60)
		event := planned(b, fmt.Sprint(i*7919), rail.Arrival, fmt.Sprintf("29 %02d:%02d", 2+minute/60, minute%60))
		events = append(events, event)
		for n := range changesEach {
			polledAt := event.Planned.Add(time.Duration(n-changesEach) * 5 * time.Minute)
			changes = append(changes, seen(event, uint64(n*benchEvents+i+1), polledAt, n))
		}
	}
	return events, changes
}

func benchDB(b *testing.B) *warehouse.DB {
	b.Helper()
	db := migrated(b)
	events, changes := benchDay(b)
	insertPlan(b, db, batch("plan"), 1_000_000, events...)
	insertChanges(b, db, batch("changes"), changes...)
	return db
}

func BenchmarkInsertChanges(b *testing.B) {
	db := migrated(b)
	_, changes := benchDay(b)
	round := 0
	meter := testenv.StartMeter(b)
	for b.Loop() {
		round++
		insertChanges(b, db, batch(fmt.Sprint(round)), changes...)
	}
	b.ReportMetric(float64(len(changes)*b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(meter.Stop().CPU.Nanoseconds())/float64(len(changes)*b.N), "cpu-ns/row")
}

func BenchmarkTimelinesOfADay(b *testing.B) {
	db := benchDB(b)
	meter := testenv.StartMeter(b)
	for b.Loop() {
		found := 0
		err := db.Timelines(b.Context(), day29(b), func(_ rail.PlannedEvent, changes []rail.Change) error { found += len(changes); return nil })
		if err != nil || found != benchEvents*changesEach {
			b.Fatalf("found %d changes, %v", found, err)
		}
	}
	b.ReportMetric(float64(benchEvents*changesEach*b.N)/b.Elapsed().Seconds(), "changes/s")
	b.ReportMetric(float64(meter.Stop().ProgramCPU.Nanoseconds())/float64(benchEvents*changesEach*b.N), "program-cpu-ns/change")
}

func BenchmarkTailOfTheNewest(b *testing.B) {
	db := benchDB(b)
	query := schema.TailQuery{Source: "test", Group: "frankfurt-hbf", AfterSeq: benchEvents*changesEach - 100, Limit: 10_000}
	for b.Loop() {
		if changes, err := db.ChangesSince(b.Context(), query); err != nil || len(changes) != 100 {
			b.Fatalf("read %d changes, %v", len(changes), err)
		}
	}
}

// BenchmarkDaily adds up a hundred days of a network in which nearly every
// event is a train of its own, and looks whether they have changed.
func BenchmarkDaily(b *testing.B) {
	const days, keys = 100, 20_000
	db := migrated(b)
	first := rail.Day("2024-06-01")
	for n := range days {
		var counts []schema.Daily
		for key := range keys {
			counts = append(counts, schema.Daily{Source: "test", Day: string(first.Add(n)), KeyKind: "train", Key: fmt.Sprintf("RE %d|8000105|arrival", key*7919),
				Events: 1, DelaySum: int64(key % 7), KnownAt: first.Add(n + 1).Start(), Version: 1})
		}
		if err := db.InsertDaily(b.Context(), fmt.Sprint(n), counts); err != nil {
			b.Fatal(err)
		}
	}
	meter := testenv.StartMeter(b)
	query := schema.DailyQuery{Source: "test", Before: string(first.Add(days)), KnownAt: first.Add(days + 1).Start()}
	for b.Loop() {
		if sums, err := db.Daily(b.Context(), query); err != nil || len(sums) != keys || sums[0].Days != days {
			b.Fatalf("%d sums, %v", len(sums), err)
		}
	}
	used := meter.Stop()
	b.ReportMetric(float64(used.CPU.Nanoseconds())/float64(days*keys*b.N), "cpu-ns/row")
	meter = testenv.StartMeter(b)
	const marks = 10
	for range marks {
		if mark, err := db.DailyMark(b.Context(), query); err != nil || mark.Rows != days*keys {
			b.Fatalf("%+v, %v", mark, err)
		}
	}
	b.ReportMetric(float64(meter.Stop().CPU.Nanoseconds())/(marks*days*keys), "mark-cpu-ns/row")
}
