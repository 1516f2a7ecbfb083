package history

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"puenktlich/internal/rail"
)

// Quarantined is one value that could not be used.
type Quarantined struct {
	File   string
	Row    int64 // of the file, from 1
	Column string
	Value  string // as it stood there, cut to 120 bytes
	Reason string // what is wrong and what was wanted
	EVA    int64  // 0 where it could not be read
	// Near is about when the event was: the start of its trip, or 1970 where
	// that could not be read.
	Near time.Time
}

// halfHour after a moment prefers, of two instants an hour apart, the first
// that is not before that moment.
const halfHour = 30 * time.Minute

// rowReader turns the rows of one record into a batch.
type rowReader struct {
	release *Release
	cells   cells
	batch   Batch
}

// stop is what both events of a row share.
type stop struct {
	i     int // row of the record
	id    rail.StopID
	ref   rail.StopRef
	start time.Time
	eva   int64
}

// half names the columns of one event of a row.
type half struct {
	kind                        rail.EventKind
	planned, changed, cancelled string
}

func (l layout) halves() [2]half {
	return [2]half{
		{rail.Arrival, arrivalPlanned, arrivalChange, l.arrival},
		{rail.Departure, departurePlanned, departureChange, l.departure},
	}
}

func (r *rowReader) row(i int) {
	s, ok := r.stop(i)
	if !ok {
		return
	}
	notBefore, told := s.start, false
	for _, h := range r.release.columns.halves() {
		told = told || r.cells.has(h.planned, i) || r.cells.has(h.changed, i)
		if planned := r.event(s, h, notBefore); !planned.IsZero() {
			notBefore = planned
		}
	}
	if !told {
		r.quarantine(s, arrivalPlanned, "neither an arrival nor a departure: want at least one planned time")
	}
}

// stop reads what makes a row one stop of one trip.
func (r *rowReader) stop(i int) (stop, bool) {
	s := stop{i: i, id: rail.StopID(r.cells.text(stopID, i))}
	s.eva, _ = strconv.ParseInt(r.cells.text(stationEVA, i), 10, 64)
	var err error
	if s.ref, err = s.id.Parse(); err != nil || s.ref.Index < 1 || s.ref.Index > math.MaxUint16 {
		r.quarantine(s, stopID, "want tripHash-YYMMDDHHMM-index")
		return s, false
	}
	start, err := rail.ParseTime(s.ref.Start, time.Time{})
	switch {
	case err != nil:
		r.quarantine(s, stopID, "start of trip: "+err.Error())
		return s, false
	case start.Year() < firstYear:
		r.quarantine(s, stopID, "start of trip: want a year up to "+strconv.Itoa(lastYear))
		return s, false
	}
	s.start = start
	if s.eva <= 0 {
		r.quarantine(s, stationEVA, "want the number of a station")
		return s, false
	}
	return s, true
}

// event adds one half of a row and answers its planned time, zero without one.
func (r *rowReader) event(s stop, h half, notBefore time.Time) time.Time {
	planned, err := r.cells.time(h.planned, s.i, notBefore.Add(halfHour))
	if err != nil {
		r.quarantine(s, h.planned, err.Error())
		return time.Time{}
	}
	if planned.IsZero() {
		if r.cells.has(h.changed, s.i) {
			r.batch.Unplanned++
		}
		return time.Time{}
	}
	event := r.planned(s, h.kind, planned)
	r.batch.Planned = append(r.batch.Planned, event)
	changed, err := r.cells.time(h.changed, s.i, planned)
	if err != nil {
		r.quarantine(s, h.changed, err.Error())
	}
	r.change(event, changed, r.cells.flag(h.cancelled, s.i))
	return planned
}

func (r *rowReader) planned(s stop, kind rail.EventKind, planned time.Time) rail.PlannedEvent {
	category := r.cells.text(trainType, s.i)
	return rail.PlannedEvent{
		EVA: s.eva, Stop: s.id, Kind: kind, Trip: s.ref.Trip(), ServiceDay: rail.DayOf(s.start), Index: s.ref.Index,
		Train: rail.Train{Category: category, Number: r.cells.text(trainNumber, s.i), Class: classOf(category)},
		Line:  r.cells.text(lineNumber, s.i), Planned: planned,
		PolledAt: planned.Truncate(time.Hour).Add(-r.release.ahead),
	}
}

// classOf is the class the API gives a category; the releases leave it out. In
// the recordings (docs/domain.md) every train of these categories had it.
func classOf(category string) rail.TrainClass {
	switch category {
	case "ICE", "IC", "EC", "EN", "D":
		return rail.LongDistance
	case "IRE", "RE", "RB":
		return rail.Regional
	case "S":
		return rail.Suburban
	}
	return rail.ClassUnknown
}

// change adds what was seen of an event in the end. It counts as polled once
// the event is settled, after its planned time in any case: no forecast of the
// event may have known it.
func (r *rowReader) change(event rail.PlannedEvent, changed time.Time, cancelled bool) {
	c := rail.Change{EVA: event.EVA, Stop: event.Stop, Kind: event.Kind, PolledAt: event.Planned.Add(rail.SettleAfter)}
	switch {
	case cancelled:
		c.Status = rail.StatusCancelled
	case changed.IsZero():
		return
	case r.release.fills && changed.Equal(event.Planned):
		r.batch.Equal++
		return
	default:
		c.Changed = changed
		if changed.After(event.Planned) {
			c.PolledAt = changed.Add(rail.SettleAfter)
		}
	}
	r.batch.Changes = append(r.batch.Changes, c)
}

func (r *rowReader) quarantine(s stop, column, reason string) {
	near := s.start
	if near.IsZero() {
		near = time.Unix(0, 0).UTC()
	}
	r.batch.Quarantined = append(r.batch.Quarantined, Quarantined{File: r.release.name, Row: r.batch.FirstRow + int64(s.i) + 1,
		Column: column, Value: excerpt(r.cells.text(column, s.i)), Reason: reason, EVA: max(0, s.eva), Near: near})
}

const excerptBytes = 120

// excerpt cuts a value to excerptBytes of valid UTF-8.
func excerpt(s string) string {
	s = strings.ToValidUTF8(s[:min(len(s), 2*excerptBytes)], "\uFFFD")
	cut := min(len(s), excerptBytes)
	for cut < len(s) && cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}
