package railsim

import (
	"math"
	"time"

	"puenktlich/internal/rail"
)

// event is one arrival or departure at a served station: its plan, what
// happened, and all that was published of it.
type event struct {
	plan      rail.PlannedEvent
	call      int  // of the trip
	added     bool // in no plan
	cancelled bool
	actual    time.Time // zero if cancelled
	notices   []notice  // in order of publication
}

// notice is one publication. Absent attributes are zero and mean unchanged.
type notice struct {
	at       int64 // Unix seconds
	changed  int64 // ct in Unix seconds
	status   rail.EventStatus
	cancel   int64 // clt in Unix seconds
	platform string
	path     string
	messages []rail.Message
}

// key names the event among the draws.
func (e *event) key(of key) key {
	if e.plan.Kind == rail.Departure {
		of = of.with(1)
	}
	return of.with(uint64(e.plan.Index))
}

// change is the notice as the API tells it; an added train is told whole.
func (e *event) change(n notice) rail.Change {
	c := rail.Change{
		EVA: e.plan.EVA, Stop: e.plan.Stop, Kind: e.plan.Kind,
		Platform: n.platform, Status: n.status, Path: n.path, Messages: n.messages,
		Changed: instant(n.changed), CancelTime: instant(n.cancel),
	}
	if e.added {
		c.Planned, c.Train, c.Line = e.plan.Planned, e.plan.Train, e.plan.Line
	}
	return c
}

func instant(unix int64) time.Time {
	if unix == 0 {
		return time.Time{}
	}
	return time.Unix(unix, 0).UTC()
}

// merge lays a later notice over an earlier state.
func (n notice) merge(later notice) notice {
	n.at = later.at
	if later.changed != 0 {
		n.changed = later.changed
	}
	if later.status != "" {
		n.status = later.status
	}
	if later.cancel != 0 {
		n.cancel = later.cancel
	}
	if later.platform != "" {
		n.platform = later.platform
	}
	if later.path != "" {
		n.path = later.path
	}
	// A trip's messages are always the first of one list.
	if len(later.messages) > len(n.messages) {
		n.messages = later.messages
	}
	return n
}

// knownAt merges what was published after from and at or before to; the flag
// says whether there was anything.
func (e *event) knownAt(from, to int64) (notice, bool) {
	var state notice
	found := false
	for _, n := range e.notices {
		if n.at > to {
			break
		}
		if n.at > from {
			state, found = state.merge(n), true
		}
	}
	return state, found
}

// eventsOf lists the planned events of a trip at the served stations, with the
// outcome. The identifiers of the trips before and after come from others.
func eventsOf(day rail.Day, j *journey, trips []*trip) []*event {
	var out []*event
	t, midnight := j.trip, day.Start()
	names := stopNames(t)
	for i, c := range t.calls {
		if !c.stops() || c.eva == 0 {
			continue
		}
		if i > 0 {
			e := newEvent(day, t, i, rail.Arrival)
			e.plan.Planned, e.plan.Path = minuteOf(midnight, c.arr), names[:c.index-1]
			if i == t.last() && t.next != none {
				e.plan.NextTrip = string(trips[t.next].stopID(1))
			}
			e.outcome(midnight, j.arr[i])
			out = append(out, e)
		}
		if i < t.last() {
			e := newEvent(day, t, i, rail.Departure)
			e.plan.Planned, e.plan.Path = minuteOf(midnight, c.dep), names[c.index:]
			if i == 0 && t.previous != none {
				before := trips[t.previous]
				e.plan.NextTrip = string(before.stopID(before.calls[before.last()].index))
			}
			e.outcome(midnight, j.dep[i])
			out = append(out, e)
		}
	}
	return out
}

func newEvent(day rail.Day, t *trip, at int, kind rail.EventKind) *event {
	c := t.calls[at]
	return &event{added: t.added, call: at, plan: rail.PlannedEvent{
		EVA: c.eva, Stop: t.stopID(c.index), Kind: kind, Trip: t.hash + "-" + t.start, ServiceDay: day,
		Index: c.index, Train: t.train, Line: t.line.label, Platform: c.platform,
	}}
}

func (e *event) outcome(midnight time.Time, minutes float64) {
	if e.cancelled = math.IsNaN(minutes); !e.cancelled {
		e.actual = minuteOf(midnight, minutes)
	}
}

// stopNames are the stations a trip stops at, in the order of travel.
func stopNames(t *trip) []string {
	var names []string
	for _, c := range t.calls {
		if c.stops() {
			names = append(names, c.name)
		}
	}
	return names
}

// minuteOf is the nearest whole minute, as the wire knows no seconds.
func minuteOf(midnight time.Time, minutes float64) time.Time {
	return midnight.Add(time.Duration(math.Floor(minutes+0.5)) * time.Minute)
}
