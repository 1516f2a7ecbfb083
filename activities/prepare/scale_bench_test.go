package prepare

import (
	"errors"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"puenktlich/internal/rail"
	"puenktlich/internal/testenv"
	"puenktlich/schemas"
)

// scaleEvents are the sizes of BenchmarkScale. A million takes over ten minutes of
// processor time.
var scaleEvents = flag.String("events", "100000", "planned events of BenchmarkScale, `N,N,...`: each at least so many, in whole days")

const (
	networkSeeds  = 2 // different railways
	networkCopies = 8 // districts of each: 16 of 7 stations, together 112
	firstDay      = rail.Day("2026-02-02")
	atOnce        = 2 // days under way at once, one a core
)

// BenchmarkScale settles and prepares simulated days of a network as big as a
// city's, at the five horizons, and says what an event costs at each size. The
// rows are written into the warehouse directly: collection is measured by
// itself.
func BenchmarkScale(b *testing.B) {
	var table strings.Builder
	for _, size := range strings.Split(*scaleEvents, ",") {
		events, err := strconv.Atoi(size)
		must(b, err)
		b.Run("events="+size, func(b *testing.B) {
			for b.Loop() {
				s := measureScale(b, events)
				s.report(b)
				table.WriteString(s.row())
			}
		})
	}
	testenv.Record(b, "Scale", scaleHead+table.String())
}

// scale is what one size took.
type scale struct {
	days, events, written, settled, prepared int
	write, settle, prepare                   testenv.Usage
}

func measureScale(b *testing.B, atLeast int) scale {
	b.Helper()
	h := newHouse(b)
	h.Name = benchSource
	defer func() { must(b, h.conn.Exec(b.Context(), "DROP DATABASE "+h.database)) }()
	var s scale
	s.write = measure(b, func() error { return s.fill(b, h, atLeast) })
	days := rail.Days(firstDay, firstDay.Add(s.days))
	asOf := days[len(days)-1].End().Add(rail.HistoryDelay)
	s.settle = measure(b, func() error {
		return each(days, func(day rail.Day) (int, error) {
			counts, err := h.SettleDay(b.Context(), schemas.SettleDayInput{Day: string(day), AsOf: asOf})
			return counts.Observed + counts.Cancelled + counts.NoChange, err
		}, &s.settled)
	})
	s.prepare = measure(b, func() error {
		return each(days, func(day rail.Day) (int, error) {
			part, err := h.PreparePart(b.Context(), schemas.PreparePartInput{Day: string(day), Horizons: rail.Horizons(), AsOf: asOf})
			return int(part.Object.Rows), err
		}, &s.prepared)
	})
	return s
}

// fill writes whole days until there are enough events.
func (s *scale) fill(b *testing.B, h *house, atLeast int) error {
	n := newNetwork(b, networkSeeds, networkCopies)
	for ; s.events < atLeast; s.days++ {
		events, rows, err := n.write(b.Context(), h.db, firstDay.Add(s.days))
		if err != nil {
			return err
		}
		s.events += events
		s.written += rows
	}
	return nil
}

func measure(b *testing.B, work func() error) testenv.Usage {
	b.Helper()
	meter := testenv.StartMeter(b)
	must(b, work())
	return meter.Stop()
}

// each runs a step for every day, atOnce of them at a time, and adds up what
// they answer.
func each(days []rail.Day, step func(rail.Day) (int, error), sum *int) error {
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, day := range days {
		group.Go(func() error {
			n, err := step(day)
			mu.Lock()
			defer mu.Unlock()
			*sum += n
			if err == nil && n == 0 {
				err = errors.New("nothing came of it")
			}
			if err != nil {
				return fmt.Errorf("%s: %w", day, err)
			}
			return nil
		})
	}
	return group.Wait()
}

func (s scale) perEvent(u testenv.Usage) float64 {
	return float64(u.CPU.Microseconds()) / float64(s.events)
}

func (s scale) report(b *testing.B) {
	b.ReportMetric(float64(s.written)/s.write.Wall.Seconds(), "rows-written/s")
	b.ReportMetric(s.perEvent(s.settle), "settle-cpu-us/event")
	b.ReportMetric(s.perEvent(s.prepare), "prepare-cpu-us/event")
	b.ReportMetric(float64(s.events)/s.prepare.Wall.Seconds(), "events/s")
	b.ReportMetric(float64(s.prepare.PeakBytes)/1e6, "peak-MB")
	b.ReportMetric(float64(s.prepare.ServersPeakBytes)/1e6, "servers-peak-MB")
}

const scaleHead = `| events | days | rows in the warehouse | of the data set | settling: wall | µs of processor an event | preparing: wall | µs of processor an event | events/s | peak memory: program | servers |
|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
`

func (s scale) row() string {
	return fmt.Sprintf("| %d | %d | %d | %d | %s | %.0f | %s | %.0f | %.0f | %d MB | %d MB |\n", s.events, s.days, s.written, s.prepared,
		s.settle.Wall.Round(time.Second), s.perEvent(s.settle), s.prepare.Wall.Round(time.Second), s.perEvent(s.prepare),
		float64(s.events)/s.prepare.Wall.Seconds(), s.prepare.PeakBytes>>20, s.prepare.ServersPeakBytes>>20)
}
