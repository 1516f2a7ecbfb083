package api

import (
	"fmt"
	"strings"
	"time"

	"puenktlich/internal/feature"
	"puenktlich/internal/naming"
	"puenktlich/internal/rail"
)

// railwaySays is what the railway itself says of an event that is not forecast here.
type railwaySays struct {
	// Source says whose forecast this is.
	Source  string         `json:"source"`
	StopID  rail.StopID    `json:"stop_id"`
	Event   rail.EventKind `json:"event"`
	Train   string         `json:"train"`
	Line    string         `json:"line,omitempty"`
	Planned *time.Time     `json:"planned"` // as the railway added it; null where it did not say
	// Time is its present forecast; null where it gave none.
	Time         *time.Time `json:"time"`
	DelayMinutes *int       `json:"delay_minutes"`
	Cancelled    bool       `json:"cancelled"`
	Platform     string     `json:"platform,omitempty"`
}

// theRailway labels its own forecast.
const theRailway = "the railway's own forecast, not one of a model: how often such a train is on time is not known here"

// moment is the one that a caller asks about; a time that cannot be read is refused
// later.
func (f *finder) moment(a asked) time.Time {
	if a.At == "" {
		return f.now
	}
	if at, err := parseTime("at", a.At); err == nil {
		return at
	}
	return f.now
}

// unplanned says that a stop has no forecast because its train stands in no plan;
// nil where nothing is known of it.
func (f *finder) unplanned(stop rail.StopID, event string, at time.Time) error {
	for _, kind := range []rail.EventKind{rail.Departure, rail.Arrival} {
		if event != "" && event != string(kind) {
			continue
		}
		if u, observed := f.live.Unplanned(rail.EventKey{Stop: stop, Kind: kind}, at); observed {
			return noPlan(u)
		}
	}
	return nil
}

// addedTrain says the same of a train that was asked for by name.
func (f *finder) addedTrain(a asked, station rail.Station, day rail.Day) error {
	var all naming.Trains
	var added []feature.Unplanned
	for _, u := range f.live.UnplannedAt(station.EVA, day.Start(), day.Add(1).Start(), f.moment(a)) {
		if a.Planned == "" || u.Event.Planned.In(rail.Berlin).Format("15:04") == a.Planned {
			added = append(added, u)
			all = append(all, naming.NewTrain(&u.Event))
		}
	}
	for _, kind := range []rail.EventKind{rail.Departure, rail.Arrival} {
		if a.Event != "" && a.Event != string(kind) {
			continue
		}
		for _, found := range all.Named(a.Train, kind) {
			for _, u := range added {
				if u.Event.Key() == found.Key() {
					return noPlan(u)
				}
			}
		}
	}
	return nil
}

// noPlan is the answer about a train without a plan.
func noPlan(u feature.Unplanned) *Error {
	e := &Error{Kind: KindUnplanned, Railway: &railwaySays{Source: theRailway, StopID: u.Event.Stop, Event: u.Event.Kind, Line: u.Event.Line,
		Train: strings.TrimSpace(u.Event.Train.Category + " " + u.Event.Train.Number), Cancelled: u.Own.Status == rail.StatusCancelled, Platform: u.Own.Platform}}
	if planned := u.Event.Planned.In(rail.Berlin); !u.Event.Planned.IsZero() {
		e.Railway.Planned = &planned
	}
	if changed := u.Own.Changed.In(rail.Berlin); !u.Own.Changed.IsZero() {
		e.Railway.Time = &changed
	}
	if delay, known := u.Own.DelayMinutes(); known {
		e.Railway.DelayMinutes = &delay
	}
	e.Detail = fmt.Sprintf("changes of the %s of stop %q were observed, and its plan was not: without a plan there is no forecast; what the railway says of it stands in railway", u.Event.Kind, u.Event.Stop)
	if u.Added {
		e.Detail = fmt.Sprintf("the %s of stop %q is of a train that the railway added after the timetable was published: the model learned from planned trains alone, and makes no forecast of others; what the railway says of it stands in railway", u.Event.Kind, u.Event.Stop)
	}
	return e
}
