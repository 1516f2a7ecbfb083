package collect_test

import (
	"context"
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/parquet/compress"

	"puenktlich/activities/collect"
	"puenktlich/internal/history/historytest"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// benchRows of a release: 2 events a row, 3 of 4 with a change.
const benchRows = 200_000

func benchRelease() historytest.File {
	f := historytest.File{Columns: historytest.Columns(), GroupOf: 100_000, Compress: compress.Codecs.Snappy}
	start := time.Date(2024, 10, 1, 4, 0, 0, 0, time.UTC)
	for i := range benchRows {
		at := start.Add(time.Duration(i/5) * time.Minute)
		row := historytest.Row{"id": fmt.Sprintf("%d-%s-%d", i*7919, at.Format("0601021504"), 2+i%12), "eva": fmt.Sprint(8000000 + i%133), "train_type": "RE",
			"train_number": fmt.Sprint(4000 + i%900), "line_number": fmt.Sprint(i % 70), "is_canceled": fmt.Sprint(i%40 == 0),
			"arrival_planned_time": at.Add(10 * time.Minute).Format(time.DateTime), "departure_planned_time": at.Add(12 * time.Minute).Format(time.DateTime),
			"departure_change_time": at.Add(time.Duration(12+i%9) * time.Minute).Format(time.DateTime)}
		if i%2 == 0 {
			row["arrival_change_time"] = at.Add(time.Duration(10+i%9) * time.Minute).Format(time.DateTime)
		}
		f.Rows = append(f.Rows, row)
	}
	return f
}

// timed adds up what its store takes, and sees how much is held meanwhile.
type timed struct {
	collect.Store
	spent time.Duration
	held  uint64 // bytes
}

func (s *timed) InsertPlan(ctx context.Context, batch schema.Batch, events []rail.PlannedEvent, firstSeq uint64) error {
	defer s.since(time.Now())
	return s.Store.InsertPlan(ctx, batch, events, firstSeq)
}

func (s *timed) InsertChanges(ctx context.Context, batch schema.Batch, changes []rail.Change) error {
	defer s.since(time.Now())
	return s.Store.InsertChanges(ctx, batch, changes)
}

func (s *timed) since(t time.Time) {
	s.spent += time.Since(t)
	s.held = max(s.held, heap())
}

func heap() uint64 {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return memory.HeapAlloc
}

// used is the time processors worked for this process, ClickHouse left out.
func used() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkImportRelease imports a month of 200,000 rows, hashed, kept, surveyed
// and written; clickhouse-% is the share of the time in which the store was waited
// for, heap-MB the most it held, garbage too; rows/cpu-s leaves out the store and
// whoever else uses the machine.
func BenchmarkImportRelease(b *testing.B) {
	h := newHouse(b, morning())
	path := historytest.Write(b, "data-2024-10.parquet", benchRelease())
	store := &timed{Store: h.Store}
	h.Store = store
	runtime.GC()
	before, worked := heap(), used()
	b.ResetTimer()
	for i := range b.N {
		h.Name = fmt.Sprintf("bench-%d", i) // else the rows are there already
		result, err := h.ImportArchive(b.Context(), schemas.ImportArchiveInput{Group: group, Path: path})
		must(b, err)
		if result.Rows != benchRows || result.Counts.Planned != 2*benchRows {
			b.Fatalf("%+v", result)
		}
	}
	b.StopTimer()
	rows := float64(benchRows * b.N)
	b.ReportMetric(rows/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(rows/(used()-worked).Seconds(), "rows/cpu-s")
	b.ReportMetric(100*store.spent.Seconds()/b.Elapsed().Seconds(), "clickhouse-%")
	b.ReportMetric(float64(store.held-before)/1e6, "heap-MB")
}
