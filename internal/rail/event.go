package rail

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// EventKind says which half of a stop an event is.
type EventKind string

// The two events a stop can have.
const (
	Arrival   EventKind = "arrival"
	Departure EventKind = "departure"
)

// StopID is the wire's identifier of one stop of one trip on one day:
// tripHash-YYMMDDHHMM-index.
type StopID string

// StopRef is a StopID taken apart.
type StopRef struct {
	TripHash string // recurs on other days
	Start    string // YYMMDDHHMM, departure of the trip at its origin
	Index    int    // of the stop on the trip, from 1
}

// Parse takes the identifier apart. The hash may begin with a minus sign.
func (id StopID) Parse() (StopRef, error) {
	s := string(id)
	last := strings.LastIndexByte(s, '-')
	if last <= 0 {
		return StopRef{}, fmt.Errorf("stop id %q: want tripHash-YYMMDDHHMM-index", s)
	}
	middle := strings.LastIndexByte(s[:last], '-')
	if middle <= 0 {
		return StopRef{}, fmt.Errorf("stop id %q: want tripHash-YYMMDDHHMM-index", s)
	}
	index, err := strconv.Atoi(s[last+1:])
	start := s[middle+1 : last]
	if err != nil || len(start) != len(wireLayout) || !digits(start) || !digits(s[last+1:]) {
		return StopRef{}, fmt.Errorf("stop id %q: want tripHash-YYMMDDHHMM-index", s)
	}
	return StopRef{TripHash: s[:middle], Start: start, Index: index}, nil
}

func digits(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// Trip names one trip on one day: hash and start, the same at every stop.
func (r StopRef) Trip() string { return r.TripHash + "-" + r.Start }

// ServiceDay is the day on which the trip left its origin.
func (r StopRef) ServiceDay() (Day, error) {
	start, err := ParseTime(r.Start, time.Time{})
	if err != nil {
		return "", fmt.Errorf("start of trip: %w", err)
	}
	return DayOf(start), nil
}

// EventKey identifies one event.
type EventKey struct {
	Stop StopID
	Kind EventKind
}

func (k EventKey) String() string { return string(k.Stop) + "/" + string(k.Kind) }

// TrainClass is the wire's tl/@f.
type TrainClass string

// Classes of trains. The wire leaves the class out for some operators.
const (
	ClassUnknown  TrainClass = "?"
	LongDistance  TrainClass = "F"
	Regional      TrainClass = "N"
	Suburban      TrainClass = "S"
	OtherTraffic  TrainClass = "D"
	linePathJoint            = "|"
)

// Train is the wire's tl.
type Train struct {
	Category string     // c: ICE, RE, S ...
	Number   string     // n
	Operator string     // o
	Class    TrainClass // f
}

// PlannedEvent is an arrival or a departure of the timetable, one per stop id
// and kind. It never changes once published.
type PlannedEvent struct {
	EVA        int64
	Stop       StopID
	Kind       EventKind
	Trip       string // StopRef.Trip
	ServiceDay Day    // StopRef.ServiceDay
	Index      int    // of the stop on the trip, from 1
	Train      Train
	Line       string // l of ar/dp, empty for many long-distance trains
	Planned    time.Time
	Platform   string
	// Path names the stations before this one (arrival) or after it
	// (departure), in the order of travel.
	Path []string
	// Wings and NextTrip name coupled trains and the train set's next trip.
	Wings    string
	NextTrip string
	PolledAt time.Time
}

// Key identifies the event.
func (e PlannedEvent) Key() EventKey { return EventKey{e.Stop, e.Kind} }

// SplitPath takes the wire's ppth apart; an empty path has no stations.
func SplitPath(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, linePathJoint)
}

// JoinPath is the reverse of SplitPath.
func JoinPath(path []string) string { return strings.Join(path, linePathJoint) }

// EventStatus is the wire's cs and ps.
type EventStatus string

// What the wire says of an event. Absent is not a status: it means unchanged.
const (
	StatusPlanned   EventStatus = "p" // reinstated after a cancellation
	StatusAdded     EventStatus = "a"
	StatusCancelled EventStatus = "c"
)

// Then is the status once newer was said after s. An added event that was
// cancelled stays cancelled until the wire reinstates it: its mark of being added
// is repeated in every document.
func (s EventStatus) Then(newer EventStatus) EventStatus {
	if newer == "" || newer == StatusAdded && s == StatusCancelled {
		return s
	}
	return newer
}

// Message is the wire's m on a stop or one of its events.
type Message struct {
	ID      string
	Type    string    // d reason of delay, q quality, f free, h disruption ...
	Code    int       // 0 where the wire gives none
	Time    time.Time // ts, zero where absent
	Deleted bool      // del
}

// Change is what one poll said of one event. It is partial: an empty or zero
// attribute was absent and means unchanged.
type Change struct {
	EVA        int64
	Stop       StopID
	Kind       EventKind
	Seq        uint64 // order of the one writer of its station group
	PolledAt   time.Time
	Planned    time.Time   // pt, given for added trains
	Changed    time.Time   // ct
	Platform   string      // cp
	Status     EventStatus // cs
	CancelTime time.Time   // clt
	Path       string      // cpth as on the wire
	Line       string
	Train      Train     // mostly empty
	Messages   []Message // of the event, then of its stop

	// What the wire says beside that. It stands in the raw responses and is kept
	// by Merge, but is no column of the store and no feature.
	PlannedPlatform string // pp, given with pt
	PlannedPath     string // ppth as on the wire, given with pt
	Wings           string // wings: coupled trains, joined by |
	NextTrip        string // tra
	Hidden          bool   // hi: nobody is to board or alight; false means unchanged
	PlannedEndpoint string // pde: where the train goes to or comes from
	ChangedEndpoint string // cde
	DistantChange   string // dc as on the wire: 1 = the change is at the endpoint
}

// Key identifies the event.
func (c Change) Key() EventKey { return EventKey{c.Stop, c.Kind} }

// Station is one station of a network.
type Station struct {
	EVA       int64   `json:"eva"`
	Name      string  `json:"name"`
	Latitude  float64 `json:"latitude,omitempty"`
	Longitude float64 `json:"longitude,omitempty"`
}
