package railsim

import (
	"cmp"
	"slices"

	"puenktlich/internal/rail"
)

// book is everything planned, done and published of one service day. It is
// not changed once written.
type book struct {
	day    rail.Day
	boards map[int64]*board
}

// board is one station's part of a book.
type board struct {
	events []*event
	// order lists all notices by time of publication.
	order []published
	// hours gives the planned events of the stops that touch an hour of the
	// local clock, named YYMMDDHH.
	hours map[string][]*event
}

type published struct {
	at    int64
	event *event
	index int // among the event's notices
}

// write computes a service day.
func (r *Railway) write(day rail.Day) *book {
	world := effectsOn(r.options.Scenario, r.options.ScenarioFrom, day)
	seed := r.seed.with(number(string(day)))
	now := conditionsOn(r.seed, day, world)
	trips := decideFates(seed, r.tables[world.version].tripsOn(day, world.newLine), now)
	b := &book{day: day, boards: map[int64]*board{}}
	for _, station := range r.stations {
		b.boards[station.EVA] = &board{hours: map[string][]*event{}}
	}
	p := publisher{seed: seed, midnight: day.Start(), world: world}
	for _, j := range runAll(seed, trips, now) {
		events := eventsOf(day, j, trips)
		p.publishTrip(j, events)
		for _, e := range events {
			b.boards[e.plan.EVA].events = append(b.boards[e.plan.EVA].events, e)
		}
	}
	for _, board := range b.boards {
		board.index()
	}
	return b
}

// index sorts the events and notices of a station.
func (b *board) index() {
	slices.SortFunc(b.events, func(a, b *event) int {
		return cmp.Or(a.plan.Planned.Compare(b.plan.Planned), cmp.Compare(a.plan.Stop, b.plan.Stop),
			cmp.Compare(a.plan.Kind, b.plan.Kind))
	})
	for _, e := range b.events {
		for i, n := range e.notices {
			b.order = append(b.order, published{n.at, e, i})
		}
	}
	slices.SortStableFunc(b.order, func(a, b published) int { return cmp.Compare(a.at, b.at) })
	b.indexHours()
}

// indexHours puts a stop that straddles the hour into both.
func (b *board) indexHours() {
	stops := map[rail.StopID][]*event{}
	for _, e := range b.events {
		if !e.added {
			stops[e.plan.Stop] = append(stops[e.plan.Stop], e)
		}
	}
	for _, e := range b.events {
		halves := stops[e.plan.Stop]
		hour := hourName(e)
		if e.added || slices.Contains(b.hours[hour], e) {
			continue
		}
		b.hours[hour] = append(b.hours[hour], halves...)
	}
}

// hourName is the hour of the local clock, alike for both passes of the hour
// that the autumn change repeats.
func hourName(e *event) string { return rail.FormatTime(e.plan.Planned)[:8] }

// between merges the notices published after from and at or before to, by
// event, in the order of publication.
func (b *board) between(from, to int64) []rail.Change {
	first, _ := slices.BinarySearchFunc(b.order, from+1, func(p published, at int64) int { return cmp.Compare(p.at, at) })
	var touched []*event
	for _, p := range b.order[first:] {
		if p.at > to {
			break
		}
		if !slices.Contains(touched, p.event) {
			touched = append(touched, p.event)
		}
	}
	changes := make([]rail.Change, 0, len(touched))
	for _, e := range touched {
		state, _ := e.knownAt(from, to)
		changes = append(changes, e.change(state))
	}
	return changes
}

// current merges all that was published at or before asOf of the events that
// are planned or expected at or after since.
func (b *board) current(since, asOf int64) []rail.Change {
	var changes []rail.Change
	for _, e := range b.events {
		state, found := e.knownAt(0, asOf)
		if found && max(e.plan.Planned.Unix(), state.changed) >= since {
			changes = append(changes, e.change(state))
		}
	}
	return changes
}
