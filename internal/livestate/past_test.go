package livestate

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"puenktlich/internal/rail"
)

// TestAPastMomentKnowsWhatTheLiveStateKnew: a live state follows the store until a
// moment; later, when more has been polled, the store is asked for that moment. Both
// give every event planned from then on the same features, bit by bit.
func TestAPastMomentKnowsWhatTheLiveStateKnew(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	all := randomTraffic(rand.New(rand.NewPCG(5, 6)), 60)
	at := begin.Add(17*time.Minute + 30*time.Second)
	long := at.Add(-48 * time.Hour)
	all.store(t, db, long, at)
	live := newLive(db, &hand{now: at})
	if err := live.step(t.Context()); err != nil {
		t.Fatal(err)
	}
	type known struct {
		vector  []float32
		horizon float64
	}
	then := map[rail.EventKey]known{}
	for _, p := range all.plans {
		if vector, k, _, ok := live.Vector(p.Key(), at); ok && !p.Planned.Before(at) {
			then[p.Key()] = known{vector, k.HorizonMinutes()}
		}
	}
	if len(then) < 20 {
		t.Fatalf("%d events were known, too few to compare", len(then))
	}
	all.store(t, db, at, at.Add(24*time.Hour))

	past := NewPast(PastOptions{Store: db, Source: "test", Lag: lag})
	for range 2 { // read, then kept
		moment, err := past.At(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for _, p := range all.plans {
			vector, k, _, ok := moment.Vector(p.Key(), at)
			want, was := then[p.Key()]
			if p.Planned.Before(at) || !ok && !was {
				continue
			}
			if ok != was || k.HorizonMinutes() != want.horizon {
				t.Fatalf("%s: known %v, was %v", p.Key(), ok, was)
			}
			seen++
			for i := range vector {
				if math.Float32bits(vector[i]) != math.Float32bits(want.vector[i]) {
					t.Errorf("%s: feature %d is %v, was %v", p.Key(), i, vector[i], want.vector[i])
				}
			}
		}
		key := all.plans[0].Key()
		if _, _, _, ok := moment.Vector(key, at.Add(time.Second)); ok {
			t.Error("a second later is another moment")
		}
		if seen != len(then) {
			t.Errorf("%d events, were %d", seen, len(then))
		}
	}
}

// TestNothingIsKeptOfAMomentBeforeTheFirstTimetable and the answer says since when.
func TestNothingIsKeptOfAMomentBeforeTheFirstTimetable(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	past := NewPast(PastOptions{Store: db, Source: "test"})
	var early *TooEarlyError
	if _, err := past.At(t.Context(), begin); !errors.As(err, &early) || early.From != "" {
		t.Errorf("an empty store: %v", err)
	}
	randomTraffic(rand.New(rand.NewPCG(5, 6)), 5).store(t, db, begin.Add(-48*time.Hour), begin.Add(48*time.Hour))
	_, err := past.At(t.Context(), begin.AddDate(0, 0, -3))
	if !errors.As(err, &early) || early.From != "2024-10-29" || err.Error() != "nothing is kept of 2024-10-26T11:00:00+02:00: the first timetable that is kept is of 2024-10-29" {
		t.Errorf("three days before: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := past.At(gone, begin); err == nil {
		t.Error("a caller that has gone waits no more")
	}
}
