package feature

import (
	"slices"
	"time"

	"puenktlich/internal/rail"
)

// Unplanned is what was observed of an event that stands in no plan.
type Unplanned struct {
	// Event is what the railway says of a train that it added after the timetable was
	// published, as a planned event; of others the key alone.
	Event rail.PlannedEvent
	Added bool
	// Own is what it said of it by the cut-off; its Planned is zero where it gave no
	// planned time.
	Own Observed
}

// Unplanned is what was observed by a cut-off of an event that stands in no plan;
// false where nothing was.
func (s *State) Unplanned(key rail.EventKey, cutoff time.Time) (Unplanned, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.unplanned(key, instantOf(cutoff)-s.lag)
}

func (s *State) unplanned(key rail.EventKey, visible instant) (u Unplanned, observed bool) {
	t := s.unknown.timelines[key]
	if t == nil || t.steps[0].polled > visible {
		return u, false
	}
	u.Event = rail.PlannedEvent{Stop: key.Stop, Kind: key.Kind}
	for _, step := range t.steps {
		u.Added = u.Added || step.polled <= visible && step.facts.status == rail.StatusAdded
	}
	if c := s.unknown.told[key]; c != nil {
		u.Event.EVA, u.Event.Planned, u.Event.Train, u.Event.Line, u.Event.Platform = c.EVA, c.Planned, c.Train, c.Line, c.Platform
		u.Event.Path = rail.SplitPath(c.Path)
	}
	u.Own = t.at(visible).observed(instantOf(u.Event.Planned))
	return u, true
}

// UnplannedAt lists the trains that the railway added at a station, planned by it in
// [from, to), as they were known at a cut-off, by that time.
func (s *State) UnplannedAt(eva int64, from, to, cutoff time.Time) []Unplanned {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var all []Unplanned
	for key, c := range s.unknown.told {
		if c.EVA != eva || c.Planned.Before(from) || !c.Planned.Before(to) {
			continue
		}
		if u, observed := s.unplanned(key, instantOf(cutoff)-s.lag); observed {
			all = append(all, u)
		}
	}
	slices.SortFunc(all, func(a, b Unplanned) int {
		if c := a.Event.Planned.Compare(b.Event.Planned); c != 0 {
			return c
		}
		return slices.Compare([]byte(a.Event.Stop), []byte(b.Event.Stop))
	})
	return all
}
