package railsim

import (
	"math"
	"testing"

	"puenktlich/internal/rail"
)

// Deutsche Bahn's figures for 2024 and 2025: long distance 37 to 40 % late,
// regional 8 to 11 %; the Frankfurt
// recordings have 37 % and 18 %. A band covers what weather and works do
// to some weeks.
func TestLateRatesByClass(t *testing.T) {
	t.Parallel()
	bands := map[rail.TrainClass][2]float64{
		rail.LongDistance: {0.33, 0.43}, rail.Regional: {0.09, 0.16}, rail.Suburban: {0.03, 0.07},
	}
	for seed := range uint64(2) {
		events := allEvents(newRailway(t, Options{Seed: seed}), rail.Days("2026-02-02", "2026-03-16"))
		cancelled := 0
		for _, e := range events {
			if e.cancelled {
				cancelled++
			}
		}
		if rate := float64(cancelled) / float64(len(events)); rate < 0.018 || rate > 0.04 {
			t.Errorf("seed %d: %.3f cancelled", seed, rate)
		}
		for class, band := range bands {
			if rate := lateRate(events, ofClass(class)); rate < band[0] || rate > band[1] {
				t.Errorf("seed %d, class %s: %.3f late, want %v", seed, class, rate, band)
			}
		}
	}
}

func TestRushHoursAreWorse(t *testing.T) {
	t.Parallel()
	events := allEvents(newRailway(t, Options{Seed: 1}), rail.Days("2026-02-02", "2026-03-16"))
	between := func(from, to int) func(*event) bool {
		return func(e *event) bool {
			hour := e.plan.Planned.In(rail.Berlin).Hour()
			return hour >= from && hour < to && e.plan.Train.Class != rail.LongDistance && !isWeekend(e.plan.ServiceDay)
		}
	}
	quiet, rush := lateRate(events, between(11, 14)), lateRate(events, between(16, 19))
	if rush < 1.2*quiet {
		t.Errorf("late %.3f at rush hour, %.3f at noon", rush, quiet)
	}
}

// pairs collects two delays each for a correlation.
type pairs struct{ x, y []float64 }

func (p *pairs) add(x, y float64) { p.x, p.y = append(p.x, x), append(p.y, y) }

func (p *pairs) correlation() float64 {
	n := float64(len(p.x))
	var sx, sy, sxx, syy, sxy float64
	for i := range p.x {
		sx, sy = sx+p.x[i], sy+p.y[i]
		sxx, syy, sxy = sxx+p.x[i]*p.x[i], syy+p.y[i]*p.y[i], sxy+p.x[i]*p.y[i]
	}
	return (n*sxy - sx*sy) / math.Sqrt((n*sxx-sx*sx)*(n*syy-sy*sy))
}

// journeysOf are the inner truth of a day, without its cancelled trips.
func journeysOf(r *Railway, day rail.Day) ([]*trip, []*journey) {
	seed := r.seed.with(number(string(day)))
	now := conditionsOn(r.seed, day, effectsOn(r.options.Scenario, r.options.ScenarioFrom, day))
	trips := decideFates(seed, r.tables[0].tripsOn(day, false), now)
	return trips, runAll(seed, trips, now)
}

func TestDelaysPropagate(t *testing.T) {
	t.Parallel()
	r := newRailway(t, Options{Seed: 1})
	var along, turned, days pairs
	for _, day := range rail.Days("2026-02-02", "2026-03-02") {
		trips, journeys := journeysOf(r, day)
		for i, j := range journeys {
			if j.trip.fate.kind != runsWhole {
				continue
			}
			last := j.trip.last()
			for k := 2; k <= last; k++ {
				along.add(j.arr[k-1]-j.trip.calls[k-1].arr, j.arr[k]-j.trip.calls[k].arr)
			}
			if next := trips[i].next; next != none && trips[next].fate.kind == runsWhole {
				turned.add(j.arr[last]-j.trip.calls[last].arr, journeys[next].dep[0]-trips[next].calls[0].dep)
			}
		}
		all := allEvents(r, []rail.Day{day})
		days.add(lateRate(all, ofClass(rail.LongDistance)), lateRate(all, ofClass(rail.Regional)))
	}
	if c := along.correlation(); c < 0.5 {
		t.Errorf("from stop to stop: correlation %.2f", c)
	}
	if c := turned.correlation(); c < 0.2 {
		t.Errorf("from trip to next trip: correlation %.2f", c)
	}
	if c := days.correlation(); c < 0.2 {
		t.Errorf("weather shared by classes: correlation of days %.2f", c)
	}
}

func TestTrainsKeepTheirDistance(t *testing.T) {
	t.Parallel()
	_, journeys := journeysOf(newRailway(t, Options{Seed: 2}), "2026-02-06")
	passes := map[key][]departure{} // ready: entry; trip, call as they were
	for i, j := range journeys {
		for k := 1; k < len(j.arr); k++ {
			if !math.IsNaN(j.arr[k]) && !math.IsNaN(j.dep[k-1]) {
				section := j.trip.calls[k].section
				passes[section] = append(passes[section], departure{j.dep[k-1], i, k})
			}
		}
	}
	for _, list := range passes {
		for _, a := range list {
			for _, b := range list {
				gap := b.ready - a.ready
				exit := journeys[b.trip].arr[b.call] - journeys[a.trip].arr[a.call]
				if a.trip != b.trip && gap >= 0 && (gap < headway-1e-9 || exit < headway-1e-9) {
					t.Fatalf("trips %d and %d: %v minutes apart at the entry, %v at the exit", a.trip, b.trip, gap, exit)
				}
			}
		}
	}
}

func TestReasonsAreTold(t *testing.T) {
	t.Parallel()
	codes := map[int]int{}
	for _, e := range allEvents(newRailway(t, Options{Seed: 1}), rail.Days("2026-02-02", "2026-03-16")) {
		if last := len(e.notices) - 1; last >= 0 {
			for _, m := range e.notices[last].messages {
				codes[m.Code]++
			}
		}
	}
	for _, code := range []int{43, 48, 36, 31} {
		if codes[code] == 0 {
			t.Errorf("code %d is never told: %v", code, codes)
		}
	}
	if len(codes) != 4 {
		t.Errorf("codes %v", codes)
	}
}
