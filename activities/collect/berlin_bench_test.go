package collect_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/internal/testenv"
	"puenktlich/internal/timetables"
	"puenktlich/internal/timetables/archive"
	"puenktlich/schemas"
)

const (
	berlin    = "../../../shared/data/recordings/berlin/"
	berlinDay = "2025-09-03" // the first that is recorded whole
)

// berlinCounts are those of another program with another XML library over the
// same archive: Python's ElementTree.
var berlinCounts = map[string]int{
	"responses": 15_960, "bytes": 46_529_701, "stops": 95_792, "events": 165_881,
	"planned stops": 49_384, "planned events": 93_222, "cancelled events": 2_683, "quarantined": 0,
}

// BenchmarkBerlinDay collects a recorded day of 133 stations through HTTP from
// the project's own replay server into the real ClickHouse engine and S3
// server, and compares that with only reading the archive and parsing its
// responses, in this run.
func BenchmarkBerlinDay(b *testing.B) {
	dir := oneDay(b)
	for b.Loop() {
		meter := testenv.StartMeter(b)
		parsed := readAndParse(b, filepath.Join(dir, berlinDay+".tar.zst"))
		read := meter.Stop()
		day := collectBerlin(b, dir)
		day.check(b, parsed)
		b.ReportMetric(day.Wall.Seconds(), "wall-s")
		b.ReportMetric(day.CPU.Seconds(), "cpu-s")
		b.ReportMetric(day.ProgramCPU.Seconds(), "program-cpu-s")
		b.ReportMetric(read.Wall.Seconds(), "parse-wall-s")
		b.ReportMetric(day.Wall.Seconds()/read.Wall.Seconds(), "wall/parse")
		b.ReportMetric(day.CPU.Seconds()/read.CPU.Seconds(), "cpu/parse")
		b.ReportMetric(float64(day.PeakBytes)/1e6, "peak-MB")
		testenv.Record(b, "Berlin day", day.table(read, parsed))
	}
}

// oneDay is a directory with the archive of one day alone.
func oneDay(b *testing.B) string {
	b.Helper()
	path, err := filepath.Abs(berlin + berlinDay + ".tar.zst")
	must(b, err)
	if _, err := os.Stat(path); err != nil {
		b.Skip("THE RECORDINGS ARE ABSENT: they are looked for in ../shared/data/recordings beside the project; this benchmark measures nothing here")
	}
	dir := b.TempDir()
	must(b, os.Symlink(path, filepath.Join(dir, filepath.Base(path))))
	return dir
}

// readAndParse is the least any collection of these responses has to do.
func readAndParse(b *testing.B, path string) map[string]int {
	b.Helper()
	counts := map[string]int{}
	_, err := archive.Walk(path, func(entry archive.Entry) error {
		result := timetables.Parse(entry.Body, timetables.Origin{Call: entry.Call, PolledAt: entry.PolledAt, File: entry.Name})
		counts["responses"]++
		counts["bytes"] += len(entry.Body)
		counts["stops"] += result.Stops
		counts["events"] += result.Events
		return nil
	})
	must(b, err)
	return counts
}

// collected is a day in the store.
type collected struct {
	testenv.Usage
	activities int
	counts     schemas.CollectCounts
	rows       map[string]uint64
	stored     map[string]int // under the names of berlinCounts
}

// collectBerlin is what Collect does: it plans windows, and makes one activity
// of each.
func collectBerlin(b *testing.B, dir string) collected {
	b.Helper()
	recording, err := archive.OpenRecording(dir)
	must(b, err)
	h := newHouse(b, recording)
	from, to := recording.Span()
	h.Name, h.Begin, h.Every = "berlin", from, 15*time.Minute
	h.Stations = func(context.Context, string) ([]rail.Station, error) { return recording.Stations(), nil }
	var day collected
	meter := testenv.StartMeter(b)
	plan, err := h.PlanCollection(b.Context(), schemas.CollectInput{Group: group, AsOf: to})
	must(b, err)
	for _, window := range plan.Windows {
		part, err := h.CollectWindow(b.Context(), schemas.CollectWindowInput{Group: group, Window: window})
		must(b, err)
		day.activities++
		day.counts.Add(part.Counts)
	}
	day.Usage = meter.Stop()
	day.rows = h.rows(b)
	day.stored = h.berlinCounts(b)
	return day
}

// berlinCounts reads back what is in the store. The answer to fchg is put
// together by the replay from polls it has, and counts for itself.
func (h *house) berlinCounts(b *testing.B) map[string]int {
	b.Helper()
	counts := map[string]int{}
	for name, query := range map[string]string{
		"responses":        "SELECT count() FROM poll FINAL WHERE status = 'ok' AND kind != 'fchg'",
		"full changes":     "SELECT count() FROM poll FINAL WHERE status = 'ok' AND kind = 'fchg'",
		"planned stops":    "SELECT uniqExact(stop_id) FROM stop_plan",
		"planned events":   "SELECT uniqExact(stop_id, kind) FROM stop_plan",
		"cancelled events": "SELECT uniqExact(stop_id, kind) FROM stop_change WHERE status = 'c' AND (stop_id, kind) IN (SELECT stop_id, kind FROM stop_plan)",
		"quarantined":      "SELECT count() FROM quarantine",
	} {
		var n uint64
		must(b, h.conn.QueryRow(b.Context(), query).Scan(&n))
		counts[name] = int(n)
	}
	return counts
}

// check holds the store against the other program, and the two ways through
// the archive against each other.
func (c collected) check(b *testing.B, parsed map[string]int) {
	b.Helper()
	var wrong []error
	for name, want := range berlinCounts {
		got, stored := c.stored[name]
		if !stored {
			got = parsed[name]
		}
		if got != want {
			wrong = append(wrong, fmt.Errorf("%s: %d, want %d", name, got, want))
		}
	}
	if c.counts.Responses != parsed["responses"]+c.stored["full changes"] || c.counts.Failed != 0 {
		wrong = append(wrong, fmt.Errorf("collected %+v, parsed %v", c.counts, parsed))
	}
	must(b, errors.Join(wrong...))
}

// table is the row of the documentation.
func (c collected) table(read testenv.Usage, parsed map[string]int) string {
	return fmt.Sprintf(`| | wall | processor, all processes | ratio, wall | ratio, processor |
|---|--:|--:|--:|--:|
| read the archive and parse, one goroutine | %.1f s | %.1f s | 1 | 1 |
| collect through HTTP into ClickHouse and S3 | %.1f s | %.1f s | %.1f | %.1f |

| activities | responses recorded | put together (fchg) | asked in vain | MB | stop elements | event elements | quarantined |
|--:|--:|--:|--:|--:|--:|--:|--:|
| %d | %d | %d | %d | %.1f | %d | %d | %d |

| different planned stops | planned events | of these cancelled |
|--:|--:|--:|
| %d | %d | %d |

Rows written: stop_plan %d, stop_change %d, poll %d, coverage %d. Peak memory: %d MB in this program (collector and replay server), %d MB in ClickHouse and the S3 server.
`, read.Wall.Seconds(), read.CPU.Seconds(), c.Wall.Seconds(), c.CPU.Seconds(), c.Wall.Seconds()/read.Wall.Seconds(), c.CPU.Seconds()/read.CPU.Seconds(),
		c.activities, parsed["responses"], c.stored["full changes"], c.counts.Missing, float64(parsed["bytes"])/1e6,
		parsed["stops"], parsed["events"], c.stored["quarantined"], c.stored["planned stops"], c.stored["planned events"], c.stored["cancelled events"],
		c.rows["stop_plan"], c.rows["stop_change"], c.rows["poll"], c.rows["coverage"], c.PeakBytes>>20, c.ServersPeakBytes>>20)
}
