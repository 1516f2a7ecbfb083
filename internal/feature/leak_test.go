package feature

import (
	"slices"
	"testing"
	"time"

	"puenktlich/internal/rail"
)

// lookup is State.At, or one that leaks.
type lookup func(*State, rail.EventKey, time.Time) (Knowledge, bool)

const leakLag = 45 * time.Second

// planted is a way in which a later poll could reach a vector: the event that
// is polled, and the last moment at which a poll of it may count.
type planted struct {
	name   string
	polled rail.PlannedEvent
	last   string
}

// leakWorld is a departure at 10:40 asked for at 10:03, less 45 s, and every
// event whose polls may reach it.
func leakWorld(t *testing.T) (target rail.PlannedEvent, plans []rail.PlannedEvent, ways []planted) {
	t.Helper()
	target = event(t, "77-2410290900-4", rail.Departure, "10:40")
	arrival := event(t, "77-2410290900-4", rail.Arrival, "10:35")
	upstream := event(t, "77-2410290900-3", rail.Departure, "10:20")
	upstream.EVA = 2
	recent := event(t, "88-2410290900-2", rail.Departure, "09:30")
	ahead := event(t, "99-2410290900-2", rail.Departure, "10:50")
	ways = []planted{
		{"own", target, "10:02:15.000"},
		{"other event of the stop", arrival, "10:02:15.000"},
		{"earlier stop", upstream, "10:02:15.000"},
		{"station in the hour before", recent, "09:59:15.000"},
		{"station in the hour after", ahead, "09:59:15.000"},
	}
	return target, []rail.PlannedEvent{target, arrival, upstream, recent, ahead}, ways
}

// leaks lists the ways whose poll, one millisecond too late, alters the vector.
func leaks(t *testing.T, look lookup, delay time.Duration) []string {
	t.Helper()
	target, plans, ways := leakWorld(t)
	cutOff := clock(t, "10:03")
	var found []string
	for _, way := range ways {
		c := poll(t, way.polled, way.last, "")
		c.PolledAt = c.PolledAt.Add(delay)
		c.Changed = way.polled.Planned.Add(9 * time.Minute)
		without, _ := look(holding(Options{Lag: leakLag}, plans), target.Key(), cutOff)
		with, ok := look(holding(Options{Lag: leakLag}, plans, c), target.Key(), cutOff)
		if !ok {
			t.Fatalf("%s: no such event", way.name)
		}
		if !slices.Equal(bits(&without, nil), bits(&with, nil)) {
			found = append(found, way.name)
		}
	}
	return found
}

func TestNothingPolledAfterTheCutOff(t *testing.T) {
	t.Parallel()
	if found := leaks(t, (*State).At, time.Millisecond); len(found) > 0 {
		t.Errorf("polled one millisecond too late, yet seen: %v", found)
	}
	_, _, ways := leakWorld(t)
	if found := leaks(t, (*State).At, 0); len(found) != len(ways) {
		t.Errorf("polled just in time, seen only: %v", found)
	}
}

// A look-up that reads on must be found, whichever way it does.
func TestPlantedLeakIsFound(t *testing.T) {
	t.Parallel()
	noLag := func(s *State, key rail.EventKey, cutOff time.Time) (Knowledge, bool) {
		s.lag = 0
		return s.At(key, cutOff)
	}
	oneLate := func(s *State, key rail.EventKey, cutOff time.Time) (Knowledge, bool) {
		k, ok := s.At(key, cutOff.Add(time.Millisecond))
		k.CutOff = cutOff // the features of time alone would give it away
		return k, ok
	}
	final := func(s *State, key rail.EventKey, cutOff time.Time) (Knowledge, bool) {
		k, ok := s.At(key, cutOff)
		k.Own = s.events[key].steps0().observed(s.events[key].planned)
		return k, ok
	}
	for name, test := range map[string]struct {
		look lookup
		want []string
	}{
		"no lag":           {noLag, []string{"own", "other event of the stop", "earlier stop", "station in the hour before", "station in the hour after"}},
		"one millisecond":  {oneLate, []string{"own", "other event of the stop", "earlier stop"}},
		"newest own facts": {final, []string{"own"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if found := leaks(t, test.look, time.Millisecond); !slices.Equal(found, test.want) {
				t.Errorf("found %v, want %v", found, test.want)
			}
		})
	}
}

// steps0 is the newest facts, whatever the cut-off: a leak.
func (t *timeline) steps0() *facts {
	if len(t.steps) == 0 {
		return nothing
	}
	return t.steps[len(t.steps)-1].facts
}

func TestPlanPolledAfterTheCutOff(t *testing.T) {
	t.Parallel()
	target, plans, _ := leakWorld(t)
	late := event(t, "55-2410290800-1", rail.Departure, "09:40")
	late.PolledAt = clock(t, "09:59:15.001") // the tick is 10:00, less 45 s
	s := holding(Options{Lag: leakLag}, append(plans, late))
	if k := at(t, s, target, "10:03"); k.Station.Events != 1 {
		t.Errorf("events in the hour before: %d, want 1: the other plan was not known at 10:00", k.Station.Events)
	}
	if _, ok := s.At(late.Key(), clock(t, "10:00")); ok {
		t.Error("an event is known before its plan was polled")
	}
	late.PolledAt = clock(t, "09:59:15.000")
	s.AddPlan([]rail.PlannedEvent{late})
	if k := at(t, s, target, "10:03"); k.Station.Events != 2 {
		t.Errorf("events in the hour before: %d, want 2 after an earlier poll turned up", k.Station.Events)
	}
}
