package api

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"puenktlich/internal/naming"
	"puenktlich/internal/rail"
)

// maxName bounds what is compared with names, in bytes.
const maxName = 100

// asked names one event the way a caller may: by stop id, or by station, train
// and day.
type asked struct {
	StopID  string `json:"stop_id"`
	Station string `json:"station"` // EVA number or name
	Train   string `json:"train"`   // ICE 592, 592, S 8, RE 54
	Date    string `json:"date"`    // German day; today where empty
	Planned string `json:"planned"` // HH:MM, German local time, to tell trains of a line apart
	Event   string `json:"event"`   // departure where the stop has one, where empty
	At      string `json:"at"`      // a past moment; now where empty
}

// finder finds events for one request. It keeps what it has looked up.
type finder struct {
	live     Timetable
	names    func() []rail.Station
	now      time.Time // or the moment asked about
	earlier  bool      // what was known then is asked, not what is held
	stations []rail.Station
	days     map[stationDay]naming.Trains
}

type stationDay struct {
	eva int64
	day rail.Day
}

// event is the event that was named.
func (f *finder) event(a asked) (*rail.PlannedEvent, error) {
	if !f.live.Ready() {
		return nil, errNotFilled
	}
	if a.Event != "" {
		if _, err := parseEvent(a.Event); err != nil {
			return nil, err
		}
	}
	if len(a.Station) > maxName || len(a.Train) > maxName {
		return nil, invalid("a station or a train has no name of more than %d bytes", maxName)
	}
	byTrain := a.Station != "" || a.Train != "" || a.Date != "" || a.Planned != ""
	switch {
	case a.StopID != "" && byTrain:
		return nil, invalid("stop_id=%q names an event alone: leave out station, train, date and planned, or the stop_id", a.StopID)
	case a.StopID != "":
		return f.stop(a)
	case a.Station == "" || a.Train == "":
		return nil, invalid("name the event by stop_id, as the stops of a board have it, or by station and train, such as station=8000105 and train=ICE 592")
	}
	return f.train(a)
}

// stop answers the event of a stop. A stop with one event needs no event.
func (f *finder) stop(a asked) (*rail.PlannedEvent, error) {
	var other []Match
	for _, kind := range []rail.EventKind{rail.Departure, rail.Arrival} {
		if a.Event != "" && a.Event != string(kind) {
			continue
		}
		if plan, found := f.live.Plan(rail.EventKey{Stop: rail.StopID(a.StopID), Kind: kind}); found {
			return plan, nil
		}
	}
	if _, err := rail.StopID(a.StopID).Parse(); err != nil {
		return nil, invalid("stop_id=%q: want tripHash-YYMMDDHHMM-index, as the stops of a board have it", a.StopID)
	}
	for _, kind := range []rail.EventKind{rail.Departure, rail.Arrival} {
		if _, found := f.live.Plan(rail.EventKey{Stop: rail.StopID(a.StopID), Kind: kind}); found {
			other = append(other, Match{a.StopID, string(kind)})
		}
	}
	if len(other) == 0 {
		if err := f.unplanned(rail.StopID(a.StopID), a.Event, f.moment(a)); err != nil {
			return nil, err
		}
	}
	return nil, &Error{Kind: KindNotFound, Near: other,
		Detail: fmt.Sprintf("no %s of stop %q in %s; a board lists what there is", cmp.Or(a.Event, string(rail.Departure)), a.StopID, f.held())}
}

// train answers the event of a train at a station on a day.
func (f *finder) train(a asked) (*rail.PlannedEvent, error) {
	station, err := f.station(a.Station)
	if err != nil {
		return nil, err
	}
	day := rail.DayOf(f.now)
	if a.Date != "" {
		if day, err = rail.ParseDay(a.Date); err != nil {
			return nil, invalid("date=%q: want a day, YYYY-MM-DD", a.Date)
		}
	}
	if a.Planned != "" {
		if _, err := time.Parse("15:04", a.Planned); err != nil {
			return nil, invalid("planned=%q: want the planned time, HH:MM in German local time", a.Planned)
		}
	}
	all := f.day(stationDay{station.EVA, day})
	for _, kind := range []rail.EventKind{rail.Departure, rail.Arrival} {
		if a.Event != "" && a.Event != string(kind) {
			continue
		}
		found := all.Named(a.Train, kind)
		if a.Planned != "" {
			found = slices.DeleteFunc(found, func(p *rail.PlannedEvent) bool { return p.Planned.In(rail.Berlin).Format("15:04") != a.Planned })
		}
		switch len(found) {
		case 0:
		case 1:
			return found[0], nil
		default:
			return nil, &Error{Kind: KindAmbiguous, Near: f.soonest(found),
				Detail: fmt.Sprintf("train=%q is the name of %d %ss at %s on %s: add planned=HH:MM, or ask by stop_id", a.Train, len(found), kind, station.Name, day)}
		}
	}
	if err := f.addedTrain(a, station, day); err != nil {
		return nil, err
	}
	return nil, f.noTrain(a, station, day, all)
}

// held says which timetable was looked into.
func (f *finder) held() string {
	if f.earlier {
		return "the timetable as it was known at " + f.now.In(rail.Berlin).Format(time.RFC3339)
	}
	return "the timetable that is held"
}

// noTrain says what there is in place of a train that is not there.
func (f *finder) noTrain(a asked, station rail.Station, day rail.Day, all naming.Trains) error {
	what := cmp.Or(a.Event, "event")
	if len(all) == 0 {
		from := f.live.From().In(rail.Berlin).Format(time.RFC3339)
		return &Error{Kind: KindNotFound, Detail: fmt.Sprintf("nothing is held of %s on %s: the timetable is held from %s to some hours later", station.Name, day, from)}
	}
	at := ""
	if a.Planned != "" {
		at = " at " + a.Planned
	}
	return &Error{Kind: KindNotFound, Near: matchesOf(all.Near(a.Train, nearCount)),
		Detail: fmt.Sprintf("no %s of a train %q%s at %s on %s in %s; a board lists what there is", what, a.Train, at, station.Name, day, f.held())}
}

// station is the one of a number or of a whole name, however it is written.
func (f *finder) station(text string) (rail.Station, error) {
	if f.stations == nil {
		f.stations = f.names()
	}
	return findStation(text, f.stations)
}

// day lists the events of a station on a day.
func (f *finder) day(at stationDay) naming.Trains {
	if all, known := f.days[at]; known {
		return all
	}
	var all naming.Trains
	for _, plan := range f.live.Board(at.eva, at.day.Start(), at.day.Add(1).Start()) {
		all = append(all, naming.NewTrain(plan))
	}
	if f.days == nil {
		f.days = map[stationDay]naming.Trains{}
	}
	f.days[at] = all
	return all
}

// soonest names some events of one train's name, those to come first.
func (f *finder) soonest(found []*rail.PlannedEvent) []Match {
	slices.SortStableFunc(found, func(a, b *rail.PlannedEvent) int {
		return cmp.Or(cmp.Compare(past(a, f.now), past(b, f.now)), a.Planned.Compare(b.Planned))
	})
	return matchesOf(found[:min(nearCount, len(found))])
}

func past(p *rail.PlannedEvent, now time.Time) int {
	if p.Planned.Before(now) {
		return 1
	}
	return 0
}

// matchesOf are events as something that may have been meant.
func matchesOf(plans []*rail.PlannedEvent) []Match {
	var near []Match
	for _, plan := range plans {
		near = append(near, Match{string(plan.Stop), naming.Describe(plan)})
	}
	return near
}
