package feature

import (
	"time"

	"puenktlich/internal/rail"
)

const (
	planReach = instant(PlanReach / time.Millisecond)
	// stopReach bounds the stay of a train at one stop; with turnReach it stays
	// below planReach, so that a platform's trains are told apart alike
	// wherever a State begins.
	stopReach = instant(6 * time.Hour / time.Millisecond)
	// turnReach bounds how long before a departure its train set may have
	// ended its previous run, where only the platform says so.
	turnReach = instant(2 * time.Hour / time.Millisecond)
)

// At is what was known of an event at a cut-off; false if there is no such
// event or its plan had not been polled by then.
func (s *State) At(key rail.EventKey, cutOff time.Time) (Knowledge, bool) {
	at := instantOf(cutOff)
	view := view{State: s, cutOff: at, visible: at - s.lag}
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := view.find(key)
	if r == nil {
		return Knowledge{}, false
	}
	known := r.at(view.visible)
	k := Knowledge{
		Plan: r.plan, CutOff: at.time(), TripStart: r.tripStart.time(),
		Own:       known.observed(r.planned),
		Changed15: r.at(view.visible - 15*minute).changed.time(),
		Changed30: r.at(view.visible - 30*minute).changed.time(),
	}
	if other := view.other(r); other != nil {
		k.Other = other.at(view.visible).observed(other.planned)
	}
	view.trip(r, &k)
	if previous := view.previousRun(r); previous != nil {
		k.PreviousRun = view.neighbour(previous)
	}
	view.traffic(r, &k)
	return k, true
}

// view is a State as seen at a cut-off. The read lock is held.
type view struct {
	*State
	cutOff  instant
	visible instant // newest poll it sees
}

// sees says whether an event's plan was known.
func (v view) sees(r *record) bool { return r.planPolled <= v.visible }

func within(reach instant, a, b *record) bool {
	distance := a.planned - b.planned
	return distance <= reach && distance >= -reach
}

func (v view) find(key rail.EventKey) *record {
	if r := v.events[key]; r != nil && v.sees(r) {
		return r
	}
	return nil
}

// other is the other event of the same stop.
func (v view) other(r *record) *record {
	kind := rail.Arrival
	if r.key.Kind == rail.Arrival {
		kind = rail.Departure
	}
	if o := v.find(rail.EventKey{Stop: r.key.Stop, Kind: kind}); o != nil && within(stopReach, r, o) {
		return o
	}
	return nil
}

// trip looks at the other events of the trip, the nearest earlier stop first.
func (v view) trip(r *record, k *Knowledge) {
	events := v.trips[r.plan.Trip]
	for i := len(events) - 1; i >= 0; i-- {
		e := events[i]
		if e == r || !v.sees(e) || !within(planReach, r, e) {
			continue
		}
		known := e.at(v.visible)
		k.TripEvents++
		if known.cancelled() {
			k.TripCancelled++
			continue
		}
		if e.plan.Index >= r.plan.Index || known.changed == 0 {
			continue
		}
		if k.Upstream.Stop == "" {
			k.Upstream = v.stopBefore(e, r)
		}
		if k.Passed.Stop == "" && known.changed <= v.cutOff {
			k.Passed = v.stopBefore(e, r)
		}
	}
}

func (v view) stopBefore(e, r *record) Neighbour {
	n := v.neighbour(e)
	n.StopsBetween = r.plan.Index - e.plan.Index
	return n
}

func (v view) neighbour(r *record) Neighbour {
	known := r.at(v.visible)
	return Neighbour{
		Stop: r.key.Stop, Kind: r.key.Kind,
		Planned: r.planned.time(), Changed: known.changed.time(), Status: known.status,
	}
}

// previousRun is the arrival that brings the train set of a departure. A stop
// with an arrival of its own needs none.
func (v view) previousRun(r *record) *record {
	if r.key.Kind != rail.Departure || v.other(r) != nil {
		return nil
	}
	if named := v.find(rail.EventKey{Stop: rail.StopID(r.plan.NextTrip), Kind: rail.Arrival}); named != nil && v.brings(named, r) {
		return named
	}
	naming := v.turns[r.key.Stop]
	for i := len(naming) - 1; i >= 0; i-- {
		if v.sees(naming[i]) && v.brings(naming[i], r) {
			return naming[i]
		}
	}
	return v.onPlatform(r)
}

func (v view) brings(arrival, r *record) bool {
	return arrival.key.Kind == rail.Arrival && arrival.planned <= r.planned && within(planReach, arrival, r)
}

// onPlatform walks back over the trains of the same category that ended or
// began on the platform. A platform is a stack: each beginning train takes the
// last one that ended.
func (v view) onPlatform(r *record) *record {
	trains := between(v.boards[r.plan.EVA].platforms[r.platformKey], r.planned-turnReach, r.planned)
	taken := 0
	for i := len(trains) - 1; i >= 0; i-- {
		t := trains[i]
		if !v.sees(t) || t.plan.Train.Category != r.plan.Train.Category || v.other(t) != nil {
			continue
		}
		switch {
		case t.key.Kind == rail.Departure:
			taken++
		case taken == 0:
			return t
		default:
			taken--
		}
	}
	return nil
}

// traffic looks up the state of the station.
func (v view) traffic(r *record, k *Knowledge) {
	p := v.boards[r.plan.EVA].pulse(tickOf(v.cutOff), v.lag)
	k.Station, k.Ahead = p.station, p.ahead
	k.Line = p.lines[r.lineKey]
	k.Section = p.sections[r.sectionKey]
}
