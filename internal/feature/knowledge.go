package feature

import (
	"time"

	"puenktlich/internal/rail"
)

// Observed is what polls had said of one event by a cut-off. Times are UTC; the
// zero time is "not known".
type Observed struct {
	Planned      time.Time // zero: there is no such event
	Changed      time.Time // last changed time
	ChangedSince time.Time // poll that first gave that time
	FirstChanged time.Time // first changed time ever given
	Forecasts    int       // changed times given, counting each alteration
	Platform     string    // last changed platform
	Status       rail.EventStatus
	Path         string    // last changed path, as on the wire
	ReasonCode   int       // of the newest reason message; 0 without one
	ReasonTime   time.Time // time of that message
	Reasons      int       // known reason messages, revoked ones left out
	Qualities    int       // the same for quality messages
	Disruptions  int       // the same for disruption messages
}

// DelayMinutes is the last forecast against the plan; false without one.
func (o Observed) DelayMinutes() (int, bool) {
	if o.Planned.IsZero() || o.Changed.IsZero() {
		return 0, false
	}
	return rail.DelayMinutes(o.Planned, o.Changed), true
}

// Neighbour is another event whose delay may reach this one. The zero value
// says that none was known.
type Neighbour struct {
	Stop    rail.StopID
	Kind    rail.EventKind
	Planned time.Time
	Changed time.Time // last changed time, zero when none was known
	Status  rail.EventStatus
	// StopsBetween is the difference of stop indices on the same trip.
	StopsBetween int
}

// DelayMinutes is the neighbour's last forecast against its plan.
func (n Neighbour) DelayMinutes() (int, bool) {
	if n.Planned.IsZero() || n.Changed.IsZero() {
		return 0, false
	}
	return rail.DelayMinutes(n.Planned, n.Changed), true
}

// Traffic counts the events of a place in a window of time.
type Traffic struct {
	Events          int // planned in the window
	Cancelled       int // of these, cancelled
	Known           int // of these, not cancelled and with a forecast
	Late            int // of the known, forecast late
	DelaySumMinutes int // over the known, each held within -10 and 60
}

// Knowledge is what was known of one event at one cut-off. It holds no float:
// Vector computes those.
type Knowledge struct {
	// Plan is shared with the State: read only.
	Plan   *rail.PlannedEvent
	CutOff time.Time // UTC, whole milliseconds
	// TripStart is the planned departure at the origin, zero if unreadable.
	TripStart time.Time

	Own Observed
	// Changed15 and Changed30 are the last changed time as it had been known
	// 15 and 30 minutes before the cut-off.
	Changed15, Changed30 time.Time
	// Other is the other event of the same stop: the arrival before a
	// departure, the departure after an arrival.
	Other Observed

	// Upstream is the nearest earlier stop of the trip with a known time,
	// Passed the nearest whose time lies at or before the cut-off.
	Upstream, Passed Neighbour
	TripEvents       int // other planned events of the trip
	TripCancelled    int // of these, cancelled

	// PreviousRun is the arrival of the train set before this departure: named
	// by the plan, else the last train that ended on this platform.
	PreviousRun Neighbour

	// Station, Line and Section count the events of the hour before the last
	// whole five minutes, Ahead those of the hour after. All of one station;
	// Line those of the same line (or category, without one), Section those of
	// the same kind to or from the same next station.
	Station, Ahead, Line, Section Traffic
}

// HorizonMinutes is the time left until the planned event.
func (k *Knowledge) HorizonMinutes() float64 {
	return float64(k.Plan.Planned.UnixMilli()-k.CutOff.UnixMilli()) / float64(minute)
}
