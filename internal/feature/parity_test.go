package feature

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"puenktlich/internal/rail"
)

type moment struct {
	key    rail.EventKey
	cutOff time.Time
}

func randomMoments(rng *rand.Rand, plans []rail.PlannedEvent, n int) []moment {
	moments := make([]moment, n)
	for i := range moments {
		p := plans[rng.IntN(len(plans))]
		moments[i] = moment{p.Key(), p.Planned.Add(-time.Duration(rng.Int64N(int64(150 * time.Minute)))).Truncate(time.Millisecond)}
	}
	slices.SortFunc(moments, func(a, b moment) int { return a.cutOff.Compare(b.cutOff) })
	return moments
}

// One State tails: plans and changes as they come, and forgets. The other is
// given the whole day at once, shuffled. Both must answer alike to the bit.
func TestTailingEqualsTheWholeDay(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 7))
		const lag = 90 * time.Second
		plans, deliveries := randomDay(rng, 120, lag)
		whole := NewState(Options{Lag: lag})
		for _, i := range rng.Perm(len(deliveries)) {
			whole.AddChanges([]rail.Change{deliveries[i].change})
		}
		for _, i := range rng.Perm(len(plans)) {
			whole.AddPlan(plans[i : i+1])
		}
		if asked := compareTailing(t, whole, plans, deliveries, randomMoments(rng, plans, 1000)); asked < 500 {
			t.Errorf("seed %d: only %d of 1000 moments could be answered", seed, asked)
		}
	}
}

func compareTailing(t *testing.T, whole *State, plans []rail.PlannedEvent, deliveries []delivery, moments []moment) (asked int) {
	t.Helper()
	tail := NewState(Options{Lag: 90 * time.Second})
	byPoll := slices.Clone(plans)
	slices.SortStableFunc(byPoll, func(a, b rail.PlannedEvent) int { return a.PolledAt.Compare(b.PolledAt) })
	for _, m := range moments {
		for len(byPoll) > 0 && !byPoll[0].PolledAt.After(m.cutOff) {
			tail.AddPlan(byPoll[:1])
			byPoll = byPoll[1:]
		}
		for len(deliveries) > 0 && !deliveries[0].at.After(m.cutOff) {
			tail.AddChanges([]rail.Change{deliveries[0].change})
			deliveries = deliveries[1:]
		}
		tail.Forget(m.cutOff.Add(-PlanReach))
		a, known := whole.At(m.key, m.cutOff)
		b, ok := tail.At(m.key, m.cutOff)
		if known != ok || !reflect.DeepEqual(a, b) {
			t.Fatalf("%v at %v:\nwhole day %v %+v\n  tailing %v %+v", m.key, m.cutOff, known, a, ok, b)
		}
		if !ok {
			continue
		}
		asked++
		if !slices.Equal(bits(&a, nil), bits(&b, nil)) {
			t.Fatalf("%v at %v: vectors differ", m.key, m.cutOff)
		}
	}
	return asked
}

// A fraction of a millisecond or another zone, as a store may return them, is
// the same moment.
func TestTimesAsAStoreReturnsThem(t *testing.T) {
	t.Parallel()
	p := event(t, "77-2410290900-4", rail.Departure, "10:40")
	c := poll(t, p, "10:00:00.500", "10:49")
	fine, stored := c, c
	fine.PolledAt = c.PolledAt.Add(300 * time.Microsecond)
	stored.PolledAt, stored.Changed = c.PolledAt.In(rail.Berlin), c.Changed.In(rail.Berlin)
	planInBerlin := p
	planInBerlin.Planned = p.Planned.In(rail.Berlin)
	a := at(t, holding(Options{}, []rail.PlannedEvent{p}, fine), p, "10:00:00.500")
	b := at(t, holding(Options{}, []rail.PlannedEvent{planInBerlin}, stored), p, "10:00:00.500")
	if !reflect.DeepEqual(a, b) || a.Own.Forecasts != 1 {
		t.Errorf("\n%+v\n%+v", a, b)
	}
}

func TestReadersBesideWriters(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 7))
	plans, deliveries := randomDay(rng, 60, time.Minute)
	moments := randomMoments(rng, plans, 200)
	s := NewState(Options{})
	var group sync.WaitGroup
	for part := range 2 {
		group.Go(func() {
			for i := part; i < len(plans); i += 2 {
				s.AddPlan(plans[i : i+1])
			}
			for i := part; i < len(deliveries); i += 2 {
				s.AddChanges([]rail.Change{deliveries[i].change})
			}
		})
		group.Go(func() {
			vector := make([]float32, Width())
			for _, m := range moments {
				if k, ok := s.At(m.key, m.cutOff); ok {
					Vector(vector, &k, nil)
				}
				s.Plans(1, m.cutOff, m.cutOff.Add(time.Hour))
				s.Forget(time.Date(2024, 10, 28, 0, 0, 0, 0, time.UTC))
			}
		})
	}
	group.Wait()
	whole := NewState(Options{})
	whole.AddPlan(plans)
	for _, d := range deliveries {
		whole.AddChanges([]rail.Change{d.change})
	}
	for _, m := range moments {
		a, _ := s.At(m.key, m.cutOff)
		b, _ := whole.At(m.key, m.cutOff)
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("%v at %v after concurrent use:\n got %+v\nwant %+v", m.key, m.cutOff, a, b)
		}
	}
}
