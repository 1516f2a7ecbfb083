package api

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"puenktlich/internal/rail"
)

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
	live     Live
	names    func() []rail.Station
	now      time.Time
	stations []rail.Station
	days     map[stationDay][]called
}

type stationDay struct {
	eva int64
	day rail.Day
}

// called is an event with the names a caller may give its train, the surest
// first: category and number, category and line, number, line.
type called struct {
	plan  *rail.PlannedEvent
	names [4]string
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
	byTrain := a.Station != "" || a.Train != "" || a.Date != "" || a.Planned != ""
	switch {
	case a.StopID != "" && byTrain:
		return nil, invalid("stop_id=%q names an event alone: leave out station, train, date and planned, or the stop_id", a.StopID)
	case a.StopID != "":
		return f.stop(a.StopID, a.Event)
	case a.Station == "" || a.Train == "":
		return nil, invalid("name the event by stop_id, as the stops of a board have it, or by station and train, such as station=8000105 and train=ICE 592")
	}
	return f.train(a)
}

// stop answers the event of a stop. A stop with one event needs no event.
func (f *finder) stop(stop, event string) (*rail.PlannedEvent, error) {
	if _, err := rail.StopID(stop).Parse(); err != nil {
		return nil, invalid("stop_id=%q: want tripHash-YYMMDDHHMM-index, as the stops of a board have it", stop)
	}
	var other []Match
	for _, kind := range []rail.EventKind{rail.Departure, rail.Arrival} {
		plan, found := f.live.Plan(rail.EventKey{Stop: rail.StopID(stop), Kind: kind})
		if found && (event == "" || event == string(kind)) {
			return plan, nil
		}
		if found {
			other = append(other, Match{stop, string(kind)})
		}
	}
	return nil, &Error{Kind: KindNotFound, Near: other,
		Detail: fmt.Sprintf("no %s of stop %q in the timetable that is held; a board lists what there is", cmp.Or(event, string(rail.Departure)), stop)}
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
		found := named(all, a.Train, kind)
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
	return nil, f.noTrain(a, station, day, all)
}

// noTrain says what there is in place of a train that is not there.
func (f *finder) noTrain(a asked, station rail.Station, day rail.Day, all []called) error {
	what := cmp.Or(a.Event, "event")
	if len(all) == 0 {
		from := f.live.From().In(rail.Berlin).Format(time.RFC3339)
		return &Error{Kind: KindNotFound, Detail: fmt.Sprintf("nothing is held of %s on %s: the timetable is held from %s to some hours ahead of now", station.Name, day, from)}
	}
	at := ""
	if a.Planned != "" {
		at = " at " + a.Planned
	}
	return &Error{Kind: KindNotFound, Near: nearTrains(a.Train, all),
		Detail: fmt.Sprintf("no %s of a train %q%s at %s on %s in the timetable that is held; a board lists what there is", what, a.Train, at, station.Name, day)}
}

// station is the one of a number or of a whole name, however it is written.
func (f *finder) station(text string) (rail.Station, error) {
	if f.stations == nil {
		f.stations = f.names()
	}
	return findStation(text, f.stations)
}

// day lists the events of a station on a day.
func (f *finder) day(at stationDay) []called {
	if all, known := f.days[at]; known {
		return all
	}
	var all []called
	for _, plan := range f.live.Board(at.eva, at.day.Start(), at.day.Add(1).Start()) {
		line := ""
		if plan.Line != "" {
			line = squeeze(plan.Train.Category + plan.Line)
		}
		all = append(all, called{plan, [4]string{squeeze(plan.Train.Category + plan.Train.Number), line, squeeze(plan.Train.Number), squeeze(plan.Line)}})
	}
	if f.days == nil {
		f.days = map[stationDay][]called{}
	}
	f.days[at] = all
	return all
}

// named are the events of a kind whose train has that name, by the surest name
// that any of them has.
func named(all []called, train string, kind rail.EventKind) []*rail.PlannedEvent {
	wanted := squeeze(train)
	for i := range (called{}).names {
		var found []*rail.PlannedEvent
		for _, c := range all {
			if c.plan.Kind == kind && c.names[i] != "" && c.names[i] == wanted {
				found = append(found, c.plan)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

// squeeze writes a train's name without what people write differently.
func squeeze(name string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '\t' || r == '-' || r == '_' {
			return -1
		}
		return r
	}, strings.ToUpper(name))
}

// soonest names some events of one train's name, those to come first.
func (f *finder) soonest(found []*rail.PlannedEvent) []Match {
	slices.SortStableFunc(found, func(a, b *rail.PlannedEvent) int {
		return cmp.Or(cmp.Compare(past(a, f.now), past(b, f.now)), a.Planned.Compare(b.Planned))
	})
	var near []Match
	for _, plan := range found[:min(nearCount, len(found))] {
		near = append(near, matchOf(plan))
	}
	return near
}

func past(p *rail.PlannedEvent, now time.Time) int {
	if p.Planned.Before(now) {
		return 1
	}
	return 0
}

// nearTrains are those whose names are nearest to what was asked, each once.
func nearTrains(train string, all []called) []Match {
	type candidate struct {
		plan     *rail.PlannedEvent
		distance int
	}
	wanted := squeeze(train)
	var found []candidate
	for _, c := range all {
		best := len(wanted)
		for _, name := range c.names {
			if name != "" {
				best = min(best, distance(wanted, name))
			}
		}
		if best <= max(1, len(wanted)/2) {
			found = append(found, candidate{c.plan, best})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	seen := map[rail.Train]bool{}
	var near []Match
	for _, c := range found {
		if len(near) < nearCount && !seen[c.plan.Train] {
			seen[c.plan.Train] = true
			near = append(near, matchOf(c.plan))
		}
	}
	return near
}

// matchOf is an event as something that may have been meant.
func matchOf(p *rail.PlannedEvent) Match {
	name := strings.TrimSpace(p.Train.Category + " " + p.Train.Number)
	if p.Line != "" {
		name += " (" + p.Line + ")"
	}
	return Match{string(p.Stop), fmt.Sprintf("%s, %s at %s", name, p.Kind, p.Planned.In(rail.Berlin).Format("15:04"))}
}

// findStation is the station of a number or a whole name among all.
func findStation(text string, all []rail.Station) (rail.Station, error) {
	eva, err := strconv.ParseInt(text, 10, 64)
	for _, station := range all {
		if err == nil && station.EVA == eva || err != nil && same(text, station.Name) {
			return station, nil
		}
	}
	return rail.Station{}, &Error{Kind: KindNotFound, Near: near(text, all),
		Detail: fmt.Sprintf("no station %q here: /v1/stations lists the EVA numbers of all %d", text, len(all))}
}
