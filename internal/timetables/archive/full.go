package archive

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/internal/timetables"
)

const (
	// fullPast is how far an fchg document reaches back.
	fullPast = time.Hour
	// forgetAfter is how long a past event stays in memory.
	forgetAfter = 6 * time.Hour
	// planAhead is how far ahead plans are read for the times of events whose
	// changes name none; DB publishes about 18 hours.
	planAhead = 24 * time.Hour
)

// fullState is everything polled at one station up to a poll. Going back in
// time begins anew.
type fullState struct {
	mu      sync.Mutex
	applied int       // polls
	latest  time.Time // AsOf of any question
	known   map[rail.EventKey]rail.Change
	planned map[rail.EventKey]time.Time
	hours   map[time.Time]bool // plans read
}

func (s *fullState) reset() {
	s.applied, s.latest = 0, time.Time{}
	s.known = make(map[rail.EventKey]rail.Change)
	s.planned = make(map[rail.EventKey]time.Time)
	s.hours = make(map[time.Time]bool)
}

// putTogether writes the fchg document after the first polls polls of a station.
func (r *Recording) putTogether(ctx context.Context, call timetables.Call, polls int) ([]byte, error) {
	state := r.stateOf(call.EVA)
	state.mu.Lock()
	defer state.mu.Unlock()
	if state.known == nil || polls < state.applied || call.AsOf.Add(-fullPast).Before(state.horizon()) {
		state.reset()
	}
	if call.AsOf.After(state.latest) {
		state.latest = call.AsOf
	}
	for state.applied < polls {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := r.apply(state, call.EVA); err != nil {
			return nil, err
		}
	}
	if err := r.readPlans(state, call); err != nil {
		return nil, err
	}
	state.forget()
	return timetables.EncodeChanges(r.stationName(call.EVA), call.EVA, state.current(call.AsOf.Add(-fullPast))), nil
}

func (r *Recording) stateOf(eva int64) *fullState {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.full[eva] == nil {
		r.full[eva] = &fullState{}
	}
	return r.full[eva]
}

func (r *Recording) stationName(eva int64) string {
	for _, station := range r.stations {
		if station.EVA == eva {
			return station.Name
		}
	}
	return ""
}

// apply merges the next poll.
func (r *Recording) apply(state *fullState, eva int64) error {
	next := r.polls[eva][state.applied]
	body, err := r.bodies.get(next.body)
	if err != nil {
		return err
	}
	call := timetables.Call{Kind: next.kind, EVA: eva, AsOf: next.at}
	result := timetables.Parse(body, timetables.Origin{Call: call, PolledAt: next.at})
	for _, change := range result.Changes {
		if older, ok := state.known[change.Key()]; ok {
			change = timetables.Merge(older, change)
		}
		state.known[change.Key()] = change
	}
	state.applied++
	return nil
}

// readPlans notes the planned times from fullPast before AsOf on, where recorded.
func (r *Recording) readPlans(state *fullState, call timetables.Call) error {
	hour := call.AsOf.Add(-fullPast).Truncate(time.Hour)
	for end := hour.Add(planAhead); hour.Before(end); hour = hour.Add(time.Hour) {
		at, ok := r.plans[planKey{call.EVA, hour.In(rail.Berlin).Format(hourLayout)}]
		if !ok || state.hours[hour] {
			continue
		}
		body, err := r.bodies.get(at)
		if err != nil {
			return err
		}
		state.hours[hour] = true
		plan := timetables.Call{Kind: timetables.CallPlan, EVA: call.EVA, Hour: hour}
		for _, event := range timetables.Parse(body, timetables.Origin{Call: plan}).Planned {
			state.planned[event.Key()] = event.Planned
		}
	}
	return nil
}

// time is when the event is expected, the later of planned and changed. Where
// neither is known, the start of its trip or, if later, the last poll that named
// it stands for it: the API names past events no more.
func (s *fullState) time(change rail.Change) time.Time {
	known := later(later(change.Planned, change.Changed), s.planned[change.Key()])
	if !known.IsZero() {
		return known
	}
	ref, err := change.Stop.Parse()
	if err != nil {
		return change.PolledAt
	}
	start, err := rail.ParseTime(ref.Start, time.Time{})
	if err != nil {
		return change.PolledAt
	}
	return later(start, change.PolledAt)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// horizon is the time up to which past events may be forgotten already.
func (s *fullState) horizon() time.Time { return s.latest.Add(-forgetAfter) }

// forget bounds the memory of a long replay.
func (s *fullState) forget() {
	horizon := s.horizon()
	for key, change := range s.known {
		if s.time(change).Before(horizon) && change.PolledAt.Before(horizon) {
			delete(s.known, key)
		}
	}
	for key, planned := range s.planned {
		if planned.Before(horizon) {
			delete(s.planned, key)
		}
	}
	for hour := range s.hours {
		if hour.Add(fullPast).Before(horizon) {
			delete(s.hours, hour)
		}
	}
}

// current lists the events from that time on, in order of time and key.
func (s *fullState) current(from time.Time) []rail.Change {
	var changes []rail.Change
	for _, change := range s.known {
		if !s.time(change).Before(from) {
			changes = append(changes, change)
		}
	}
	slices.SortFunc(changes, func(a, b rail.Change) int {
		return cmp.Or(s.time(a).Compare(s.time(b)), cmp.Compare(a.Stop, b.Stop), cmp.Compare(a.Kind, b.Kind))
	})
	return changes
}
