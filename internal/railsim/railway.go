package railsim

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/internal/timetables"
)

const (
	// opened is the railway's first day.
	opened = rail.Day("2020-01-01")
	// RecentWindow is how far back an rchg document reaches.
	RecentWindow = 2 * time.Minute
	// planAhead is how far ahead plans are published.
	planAhead = 24 * time.Hour
	// fullPast is how far back an fchg document reaches.
	fullPast = time.Hour
)

// Railway answers the calls of the Timetables API. It is safe for concurrent use.
type Railway struct {
	options  Options
	seed     key
	stations []rail.Station
	tables   []*timetable // editions
	books    *shelf
}

var _ timetables.Network = (*Railway)(nil)

// New builds a railway. Wrong options are reported all together.
func New(options Options) (*Railway, error) {
	options = options.withDefaults()
	if err := options.check(); err != nil {
		return nil, fmt.Errorf("simulated railway: %w", err)
	}
	r := &Railway{options: options, seed: key(0).with(options.Seed), stations: served()[:options.Stations]}
	for version := range 2 {
		r.tables = append(r.tables, newTimetable(r.seed, version, r.stations))
	}
	r.books = newShelf(r.write)
	return r, nil
}

// Options gives the options with their defaults filled in.
func (r *Railway) Options() Options { return r.options }

// Stations lists the served stations, the hub first.
func (r *Railway) Stations() []rail.Station { return slices.Clone(r.stations) }

// Span begins in 2020 and does not end.
func (r *Railway) Span() (from, to time.Time) { return opened.Start(), time.Time{} }

// Get answers a call as of call.AsOf, which must be set.
//
// plan: any hour that begins at most 24 hours after AsOf; an hour without
// trains is an empty document. rchg: what was published in the two minutes
// that end at AsOf. fchg: what was known at AsOf of the events planned or
// expected from one hour before it on. Another station, and a time outside
// the span, is timetables.ErrNotFound; an outage is an *UnavailableError.
func (r *Railway) Get(ctx context.Context, call timetables.Call) (timetables.Response, error) {
	response := timetables.Response{Call: call, PolledAt: call.AsOf}
	if err := ctx.Err(); err != nil {
		return response, err
	}
	station, err := r.station(call)
	if err != nil {
		return response, err
	}
	switch call.Kind {
	case timetables.CallPlan:
		response.Body, err = r.plan(station, call)
	case timetables.CallRecent, timetables.CallFull:
		response.Body, err = r.changes(station, call)
	default:
		err = fmt.Errorf("simulated railway: call %q: want plan, rchg or fchg", call.Kind)
	}
	return response, err
}

func (r *Railway) station(call timetables.Call) (rail.Station, error) {
	if call.AsOf.IsZero() {
		return rail.Station{}, fmt.Errorf("simulated railway: %s of %d: AsOf is not set", call.Kind, call.EVA)
	}
	for _, station := range r.stations {
		if station.EVA == call.EVA {
			return station, nil
		}
	}
	return rail.Station{}, fmt.Errorf("simulated railway: station %d: %w", call.EVA, timetables.ErrNotFound)
}

func (r *Railway) plan(station rail.Station, call timetables.Call) ([]byte, error) {
	if call.Hour.Before(opened.Start()) || call.Hour.After(call.AsOf.Add(planAhead)) {
		return nil, fmt.Errorf("simulated railway: plan of %d at %s, asked at %s: %w", call.EVA,
			call.Hour.Format(time.RFC3339), call.AsOf.Format(time.RFC3339), timetables.ErrNotFound)
	}
	hour := rail.FormatTime(call.Hour)[:8]
	day := rail.DayOf(call.Hour)
	var events []rail.PlannedEvent
	for _, b := range []*book{r.books.get(day.Add(-1)), r.books.get(day)} {
		for _, e := range b.boards[call.EVA].hours[hour] {
			events = append(events, e.plan)
		}
	}
	return r.mark(timetables.EncodePlan(station.Name, events), day), nil
}

func (r *Railway) changes(station rail.Station, call timetables.Call) ([]byte, error) {
	if call.AsOf.Before(opened.Start()) {
		return nil, fmt.Errorf("simulated railway: %s of %d at %s: %w", call.Kind, call.EVA,
			call.AsOf.Format(time.RFC3339), timetables.ErrNotFound)
	}
	if err := r.outage(call.EVA, call.AsOf); err != nil {
		return nil, err
	}
	asOf := call.AsOf.Unix()
	var changes []rail.Change
	for _, b := range r.boardsAround(call.EVA, call.AsOf) {
		if call.Kind == timetables.CallRecent {
			changes = append(changes, b.between(call.AsOf.Add(-RecentWindow).Unix(), asOf)...)
		} else {
			changes = append(changes, b.current(call.AsOf.Add(-fullPast).Unix(), asOf)...)
		}
	}
	return r.mark(timetables.EncodeChanges(station.Name, station.EVA, changes), rail.DayOf(call.AsOf)), nil
}

// boardsAround are those of the service days that can publish at an instant:
// trips run past midnight, and cancellations come the day before.
func (r *Railway) boardsAround(eva int64, at time.Time) []*board {
	day := rail.DayOf(at)
	var boards []*board
	for _, d := range []rail.Day{day.Add(-1), day, day.Add(1)} {
		boards = append(boards, r.books.get(d).boards[eva])
	}
	return boards
}

// mark adds the attribute of ScenarioCodeChange to every event of a document.
func (r *Railway) mark(body []byte, day rail.Day) []byte {
	if !effectsOn(r.options.Scenario, r.options.ScenarioFrom, day).renumber {
		return body
	}
	body = bytes.ReplaceAll(body, []byte("<ar "), []byte(`<ar occ="2" `))
	return bytes.ReplaceAll(body, []byte("<dp "), []byte(`<dp occ="2" `))
}
