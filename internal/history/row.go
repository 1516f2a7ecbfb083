package history

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"puenktlich/internal/rail"
)

// halfHour after a moment prefers, of two instants an hour apart, the first
// that is not before that moment.
const halfHour = 30 * time.Minute

// rowReader turns the rows of one record into a batch.
type rowReader struct {
	table  *table
	values values
	batch  Batch
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
	for _, h := range r.table.columns.halves() {
		told = told || r.values.has(h.planned, i) || r.values.has(h.changed, i)
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
	s := stop{i: i, id: rail.StopID(r.values.text(stopID, i))}
	s.eva, _ = strconv.ParseInt(r.values.text(stationEVA, i), 10, 64)
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
// What was seen of an event is left out where a part of it could not be read.
func (r *rowReader) event(s stop, h half, notBefore time.Time) time.Time {
	planned, err := r.values.time(h.planned, s.i, notBefore.Add(halfHour))
	if err == nil && !planned.IsZero() && planned.Sub(s.start).Abs() > maxTrip {
		err = fmt.Errorf("%s from the start of its trip, %s: want at most %s", far(planned.Sub(s.start)), s.ref.Start, far(maxTrip))
	}
	if err != nil {
		r.quarantine(s, h.planned, err.Error())
		return time.Time{}
	}
	if planned.IsZero() {
		if r.values.has(h.changed, s.i) {
			r.batch.Unplanned++
		}
		return time.Time{}
	}
	event := r.planned(s, h.kind, planned)
	r.batch.Planned = append(r.batch.Planned, event)
	if changed, cancelled, ok := r.seen(s, h, planned); ok {
		r.change(event, changed, cancelled)
	}
	return planned
}

// seen reads what was seen of an event; a changed time that cannot be used does
// not hide a cancellation.
func (r *rowReader) seen(s stop, h half, planned time.Time) (changed time.Time, cancelled, ok bool) {
	cancelled, err := r.values.flag(h.cancelled, s.i)
	if err != nil {
		r.quarantine(s, h.cancelled, err.Error())
		return changed, false, false
	}
	changed, err = r.values.time(h.changed, s.i, planned)
	if err == nil && !changed.IsZero() && changed.Sub(planned).Abs() > MaxDelay {
		err = fmt.Errorf("%s from the planned time: want at most %s", far(changed.Sub(planned)), far(MaxDelay))
	}
	if err != nil {
		r.quarantine(s, h.changed, err.Error())
		changed = time.Time{}
	}
	return changed, cancelled, true
}

// far writes a long duration in days and hours.
func far(d time.Duration) string {
	return fmt.Sprintf("%.1f days", d.Hours()/24)
}

func (r *rowReader) planned(s stop, kind rail.EventKind, planned time.Time) rail.PlannedEvent {
	category := r.values.text(trainType, s.i)
	return rail.PlannedEvent{
		EVA: s.eva, Stop: s.id, Kind: kind, Trip: s.ref.Trip(), ServiceDay: rail.DayOf(s.start), Index: s.ref.Index,
		Train: rail.Train{Category: category, Number: r.values.text(trainNumber, s.i), Class: classOf(category)},
		Line:  r.values.text(lineNumber, s.i), Planned: planned,
		PolledAt: planned.Truncate(time.Hour).Add(-r.table.ahead),
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
	case r.table.fills && changed.Equal(event.Planned):
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
	r.batch.Quarantined = append(r.batch.Quarantined, Quarantined{File: r.table.name, Row: r.batch.FirstRow + int64(s.i) + 1, Line: r.values.line(s.i),
		Column: r.values.label(column), Value: excerpt(r.values.text(column, s.i)), Reason: reason, EVA: max(0, s.eva), Near: near})
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

// refuse quarantines a row that could not be read as a whole.
func (r *rowReader) refuse(i int, bad record) {
	r.batch.Quarantined = append(r.batch.Quarantined, Quarantined{File: r.table.name, Row: r.batch.FirstRow + int64(i) + 1, Line: bad.line,
		Value: excerpt(strings.TrimRight(bad.text, "\r\n")), Reason: bad.bad, Near: time.Unix(0, 0).UTC()})
}
