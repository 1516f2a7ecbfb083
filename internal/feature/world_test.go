package feature

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"puenktlich/internal/rail"
)

// clock is a moment of 2024-10-29 in UTC, as 15:04 or 15:04:05.000.
func clock(t *testing.T, s string) time.Time {
	t.Helper()
	for _, layout := range []string{"15:04", "15:04:05.000"} {
		if at, err := time.Parse("2006-01-02 "+layout, "2024-10-29 "+s); err == nil {
			return at
		}
	}
	t.Fatalf("clock %q: want 15:04 or 15:04:05.000", s)
	return time.Time{}
}

// event is a planned event at station 1 with what a test needs not say.
func event(t *testing.T, stop string, kind rail.EventKind, planned string) rail.PlannedEvent {
	t.Helper()
	ref, err := rail.StopID(stop).Parse()
	if err != nil {
		t.Fatal(err)
	}
	return rail.PlannedEvent{
		EVA: 1, Stop: rail.StopID(stop), Kind: kind, Trip: ref.Trip(), Index: ref.Index,
		Train: rail.Train{Category: "RE", Number: "4600", Class: rail.Regional}, Line: "54",
		Planned: clock(t, planned), Platform: "5", Path: []string{"Hanau Hbf", "Offenbach(Main)Hbf"},
	}
}

// poll is a change of an event that gives a changed time (unless empty).
func poll(t *testing.T, p rail.PlannedEvent, polled, changed string) rail.Change {
	t.Helper()
	c := rail.Change{EVA: p.EVA, Stop: p.Stop, Kind: p.Kind, PolledAt: clock(t, polled)}
	if changed != "" {
		c.Changed = clock(t, changed)
	}
	return c
}

// holding is a State with plans and changes.
func holding(o Options, plans []rail.PlannedEvent, changes ...rail.Change) *State {
	s := NewState(o)
	s.AddPlan(plans)
	s.AddChanges(changes)
	return s
}

// at fails where nothing is known.
func at(t *testing.T, s *State, p rail.PlannedEvent, cutOff string) Knowledge {
	t.Helper()
	k, ok := s.At(p.Key(), clock(t, cutOff))
	if !ok {
		t.Fatalf("%v at %s: no such event", p.Key(), cutOff)
	}
	return k
}

// bits is a vector that compares with slices.Equal, NaN included.
func bits(k *Knowledge, h *History) []uint32 {
	vector := make([]float32, Width())
	Vector(vector, k, h)
	out := make([]uint32, len(vector))
	for i, v := range vector {
		out[i] = math.Float32bits(v)
	}
	return out
}

// delivery is a change and when it reaches the one who tails.
type delivery struct {
	change rail.Change
	at     time.Time
}

// randomDay makes trips over three stations, with turns, plans polled late,
// cancellations, messages and repeated, corrected forecasts. Each change is
// delivered less than lag after its poll, so not in order.
func randomDay(rng *rand.Rand, trips int, lag time.Duration) (plans []rail.PlannedEvent, deliveries []delivery) {
	day := time.Date(2024, 10, 29, 3, 0, 0, 0, time.UTC)
	for trip := range trips {
		start := day.Add(time.Duration(rng.IntN(12*60)) * time.Minute)
		for index := 1; index <= 3; index++ {
			stop := rail.StopID(fmt.Sprintf("%d-%s-%d", 1000+trip, rail.FormatTime(start), index))
			planned := start.Add(time.Duration(index-1) * 20 * time.Minute)
			for _, kind := range []rail.EventKind{rail.Arrival, rail.Departure} {
				if kind == rail.Arrival && index == 1 || kind == rail.Departure && index == 3 {
					continue
				}
				plans = append(plans, randomPlan(rng, stop, kind, planned))
				planned = planned.Add(time.Duration(rng.IntN(5)) * time.Minute)
			}
		}
	}
	var seq uint64
	for _, p := range plans {
		for range rng.IntN(12) {
			seq++
			c := randomChange(rng, p)
			c.Seq = seq
			deliveries = append(deliveries, delivery{c, c.PolledAt.Add(time.Duration(rng.Int64N(int64(lag))))})
		}
	}
	slices.SortFunc(deliveries, func(a, b delivery) int { return a.at.Compare(b.at) })
	return plans, deliveries
}

func randomPlan(rng *rand.Rand, stop rail.StopID, kind rail.EventKind, planned time.Time) rail.PlannedEvent {
	ref, err := stop.Parse()
	if err != nil {
		panic(err)
	}
	p := rail.PlannedEvent{
		EVA: int64(ref.Index), Stop: stop, Kind: kind, Trip: ref.Trip(), Index: ref.Index, Planned: planned,
		Train:    rail.Train{Category: []string{"RE", "ICE", "S"}[rng.IntN(3)], Number: ref.TripHash, Class: rail.Regional},
		Platform: fmt.Sprint(rng.IntN(3)), Path: []string{fmt.Sprint("Stop ", rng.IntN(3))},
	}
	if rng.IntN(4) == 0 {
		p.PolledAt = planned.Add(-time.Duration(rng.IntN(200)) * time.Minute)
	}
	if rng.IntN(6) == 0 {
		p.NextTrip = fmt.Sprintf("%d-%s-1", 1000+rng.IntN(40), rail.FormatTime(planned))
	}
	return p
}

func randomChange(rng *rand.Rand, p rail.PlannedEvent) rail.Change {
	c := rail.Change{EVA: p.EVA, Stop: p.Stop, Kind: p.Kind}
	c.PolledAt = p.Planned.Add(time.Duration(rng.IntN(210*60)-180*60) * time.Second)
	if rng.IntN(4) > 0 {
		c.Changed = p.Planned.Add(time.Duration(rng.IntN(20)-2) * time.Minute)
	}
	if rng.IntN(8) == 0 {
		c.Status = []rail.EventStatus{rail.StatusCancelled, rail.StatusPlanned}[rng.IntN(2)]
	}
	if rng.IntN(5) == 0 {
		c.Platform = fmt.Sprint(rng.IntN(3))
	}
	for range rng.IntN(3) {
		c.Messages = append(c.Messages, rail.Message{
			ID: fmt.Sprint("r", rng.IntN(4)), Type: []string{"d", "q", "h", "f"}[rng.IntN(4)],
			Code: rng.IntN(90), Time: c.PolledAt.Add(-time.Minute), Deleted: rng.IntN(6) == 0,
		})
	}
	return c
}
