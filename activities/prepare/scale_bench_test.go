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

// scaleEvents are the sizes of BenchmarkScale. A million takes five minutes of
// processor time.
var scaleEvents = flag.String("events", "100000", "planned events of BenchmarkScale, `N,N,...` ascending: a row of the table each")

const (
	networkSeeds  = 2 // different railways
	networkCopies = 8 // districts of each: 16 of 7 stations, together 112
	firstDay      = rail.Day("2026-02-02")
	atOnce        = 2 // days under way at once, one a core
	daysAStep     = 4 // written, settled and prepared in turn
)

// BenchmarkScale settles and prepares simulated days of a network as big as a
// city's, at the five horizons, in one warehouse that grows, and says what an
// event costs from each size to the next. The table is written after every few
// days, so that a run that is ended says how far it came. The rows are written
// into the warehouse directly: collection is measured by itself.
func BenchmarkScale(b *testing.B) {
	var sizes []int
	for _, size := range strings.Split(*scaleEvents, ",") {
		events, err := strconv.Atoi(size)
		must(b, err)
		sizes = append(sizes, events)
	}
	for b.Loop() {
		h := newHouse(b)
		h.Name = benchSource
		measureScale(b, h, sizes).report(b)
		must(b, h.conn.Exec(b.Context(), "DROP DATABASE "+h.database))
	}
}

// scale is what the days so far took, and those since the row before alone.
type scale struct {
	network network
	house   *house
	all     stretch
	part    stretch
}

// stretch is what some days took.
type stretch struct {
	days, events, written, settled, prepared int
	write, settle, prepare                   testenv.Usage
}

func measureScale(b *testing.B, h *house, sizes []int) *scale {
	b.Helper()
	s := &scale{network: newNetwork(b, networkSeeds, networkCopies), house: h}
	table := scaleHead
	for _, size := range sizes {
		for s.part = (stretch{}); s.all.events < size; {
			s.step(b)
			testenv.Record(b, "Scale", table+s.row())
		}
		table += s.row()
	}
	return s
}

// step writes some days and settles them, and prepares all days but the newest:
// its last trains go on in a day that is not written yet.
func (s *scale) step(b *testing.B) {
	b.Helper()
	var now stretch
	from := firstDay.Add(s.all.days)
	now.days = daysAStep
	days := rail.Days(from, from.Add(daysAStep))
	now.write = measure(b, func() error {
		for _, day := range days {
			events, rows, err := s.network.write(b.Context(), s.house.db, day)
			if err != nil {
				return err
			}
			now.events += events
			now.written += rows
		}
		return nil
	})
	now.settle = measure(b, func() error {
		return each(days, func(day rail.Day) (int, error) {
			counts, err := s.house.SettleDay(b.Context(), schemas.SettleDayInput{Day: string(day), AsOf: settledAt(day)})
			return counts.Observed + counts.Cancelled + counts.NoChange, err
		}, &now.settled)
	})
	due := rail.Days(from.Add(-min(1, s.all.days)), from.Add(daysAStep-1))
	now.prepare = measure(b, func() error {
		return each(due, func(day rail.Day) (int, error) {
			part, err := s.house.PreparePart(b.Context(), schemas.PreparePartInput{Day: string(day), Horizons: rail.Horizons(), AsOf: settledAt(day)})
			return int(part.Object.Rows), err
		}, &now.prepared)
	})
	s.all.add(now)
	s.part.add(now)
}

// settledAt is a moment at which a day has settled and entered the history.
func settledAt(day rail.Day) time.Time { return day.End().Add(12 * time.Hour) }

func (s *stretch) add(o stretch) {
	s.days += o.days
	s.events += o.events
	s.written += o.written
	s.settled += o.settled
	s.prepared += o.prepared
	for _, u := range []struct{ to, more *testenv.Usage }{{&s.write, &o.write}, {&s.settle, &o.settle}, {&s.prepare, &o.prepare}} {
		u.to.Wall += u.more.Wall
		u.to.CPU += u.more.CPU
		u.to.PeakBytes = max(u.to.PeakBytes, u.more.PeakBytes)
		u.to.ServersPeakBytes = max(u.to.ServersPeakBytes, u.more.ServersPeakBytes)
	}
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

// perEvent is microseconds of processor for each of n.
func perEvent(u testenv.Usage, n int) float64 {
	return float64(u.CPU.Microseconds()) / float64(n)
}

// preparedEvents is the events of the rows prepared: fewer than those written
// while the newest day waits.
func (s stretch) preparedEvents() int { return max(1, s.prepared/len(rail.Horizons())) }

func (s *scale) report(b *testing.B) {
	b.ReportMetric(float64(s.all.written)/s.all.write.Wall.Seconds(), "rows-written/s")
	b.ReportMetric(perEvent(s.all.settle, s.all.events), "settle-cpu-us/event")
	b.ReportMetric(perEvent(s.all.prepare, s.all.preparedEvents()), "prepare-cpu-us/event")
	b.ReportMetric(float64(s.all.preparedEvents())/s.all.prepare.Wall.Seconds(), "events/s")
	b.ReportMetric(float64(s.all.prepare.PeakBytes)/1e6, "peak-MB")
	b.ReportMetric(float64(s.all.prepare.ServersPeakBytes)/1e6, "servers-peak-MB")
}

const scaleHead = `| events | days | rows in the warehouse | of the data set | settling: wall | µs of processor an event | preparing: wall | µs of processor an event | events/s | peak memory: program | servers | load |
|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
`

// row gives totals so far; microseconds, events a second and memory are those of
// the days since the row before.
func (s *scale) row() string {
	return fmt.Sprintf("| %d | %d | %d | %d | %s | %.0f | %s | %.0f | %.0f | %d MB | %d MB | %s |\n", s.all.events, s.all.days, s.all.written, s.all.prepared,
		s.all.settle.Wall.Round(time.Second), perEvent(s.part.settle, s.part.events),
		s.all.prepare.Wall.Round(time.Second), perEvent(s.part.prepare, s.part.preparedEvents()),
		float64(s.part.preparedEvents())/s.part.prepare.Wall.Seconds(), s.part.prepare.PeakBytes>>20, s.part.prepare.ServersPeakBytes>>20, testenv.Load())
}
