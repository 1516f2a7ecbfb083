package railsim

import (
	"slices"
	"strconv"
	"time"

	"puenktlich/internal/rail"
)

// route is a line in one direction with its minute of departure.
type route struct {
	line    *line
	reverse bool
	nodes   []node
	offset  int // minutes, in [0, every)
}

// timetable is one edition of the clock-face timetable.
type timetable struct {
	seed    key
	version int
	routes  []route
	served  map[string]int64
}

// trip is one journey of one train on one service day.
type trip struct {
	id       key // the same on every day
	hash     string
	start    string // YYMMDDHHMM
	line     *line
	reverse  bool
	train    rail.Train
	calls    []call
	next     int // trip of the same train set, or none
	previous int
	added    bool // replacement train, in no plan
	fate     fate
}

const none = -1

// call is a stop or a passing. Times are planned, in minutes from the start of
// the service day.
type call struct {
	name     string
	eva      int64 // 0: not served by the API
	index    int   // of the stop on the trip, from 1; 0: passing
	on       corridor
	section  key // stretch to this call, 0 at the origin
	arr, dep float64
	minRun   float64 // least minutes from the call before
	minDwell float64
	platform string
}

func (c call) stops() bool { return c.index > 0 }

func (t *trip) last() int { return len(t.calls) - 1 }

// stopID is the wire's id of the trip's stop with this index.
func (t *trip) stopID(index int) rail.StopID {
	return rail.StopID(t.hash + "-" + t.start + "-" + strconv.Itoa(index))
}

// newTimetable places the lines so that no two trains on the same tracks are
// planned closer than the signals allow.
func newTimetable(seed key, version int, stations []rail.Station) *timetable {
	table := &timetable{seed: seed, version: version, served: map[string]int64{}}
	for _, station := range stations {
		table.served[station.Name] = station.EVA
	}
	var taken occupation
	for _, l := range lines() {
		for _, reverse := range []bool{false, true} {
			r := route{line: &l, reverse: reverse, nodes: direction(l.nodes, reverse, version)}
			r.offset = taken.place(r, version)
			table.routes = append(table.routes, r)
		}
	}
	return table
}

// direction lists the nodes in the order of travel. The second edition of the
// timetable gives the runs beyond the country two minutes more.
func direction(nodes []node, reverse bool, version int) []node {
	out := slices.Clone(nodes)
	if reverse {
		slices.Reverse(out)
		for i := len(out) - 1; i > 0; i-- {
			out[i].on, out[i].runMinutes = out[i-1].on, out[i-1].runMinutes
		}
		out[0].runMinutes = 0
	}
	for i := range out {
		if version > 0 && out[i].on == far && i > 0 {
			out[i].runMinutes += 2
		}
	}
	return out
}

// tripsOn lists the trips of a day with their train sets linked.
func (table *timetable) tripsOn(day rail.Day, newLine bool) []*trip {
	var trips []*trip
	for _, r := range table.routes {
		if r.line.opens && !newLine {
			continue
		}
		p := r.line.workdays
		if isWeekend(day) {
			p = r.line.weekend
		}
		for minute := firstAtOrAfter(p.first, r.offset, p.every); minute <= p.last; minute += p.every {
			trips = append(trips, table.newTrip(r, day, minute))
		}
	}
	linkTrainSets(trips)
	return trips
}

func firstAtOrAfter(from, offset, every int) int {
	return from + ((offset-from)%every+every)%every
}

func isWeekend(day rail.Day) bool {
	weekday := day.Start().In(rail.Berlin).Weekday()
	return weekday == time.Saturday || weekday == time.Sunday
}

// wallMinute is the instant at which a local clock shows the minute of the day.
func wallMinute(day rail.Day, minute int) time.Time {
	year, month, date := day.Start().In(rail.Berlin).Date()
	return time.Date(year, month, date, 0, minute, 0, 0, rail.Berlin)
}

func (table *timetable) newTrip(r route, day rail.Day, minute int) *trip {
	parts := []uint64{number(r.line.name), uint64(minute), uint64(table.version)}
	if r.reverse {
		parts = append(parts, 1)
	}
	id := table.seed.with(parts...)
	start := wallMinute(day, minute)
	t := &trip{
		id: id, line: r.line, reverse: r.reverse, train: r.line.train, next: none, previous: none,
		hash:  strconv.FormatInt(int64(id.with(drawHash)), 10),
		start: rail.FormatTime(start),
	}
	t.train.Number = trainNumber(r, minute)
	t.calls = table.callsOf(r, id, start.Sub(day.Start()).Minutes())
	return t
}

// trainNumber counts up through the day, even southbound and odd northbound.
func trainNumber(r route, minute int) string {
	n := r.line.base + 2*(minute/min(r.line.workdays.every, 60))
	if r.reverse {
		n++
	}
	return strconv.Itoa(n)
}

func (table *timetable) callsOf(r route, id key, start float64) []call {
	calls := make([]call, len(r.nodes))
	now, index := start, 0
	for i, n := range r.nodes {
		c := call{name: n.name, on: n.on, minRun: float64(n.runMinutes) * (1 - slackShare(r.line.train.Class))}
		now += float64(n.runMinutes)
		c.arr = now
		if n.dwellMinutes != passing {
			index++
			c.index, c.eva = index, table.served[n.name]
			c.minDwell = 0.6 * float64(n.dwellMinutes)
			c.platform = table.platform(r, n.name, id)
			now += float64(n.dwellMinutes)
		}
		c.dep = now
		if i > 0 {
			c.section = sectionKey(r.line.tracks, r.nodes[i-1].name, n.name)
		}
		calls[i] = c
	}
	return calls
}

// slackShare is how much of a planned run a late train can make up.
func slackShare(class rail.TrainClass) float64 {
	if class == rail.LongDistance {
		return 0.06
	}
	return 0.08
}

func sectionKey(on tracks, from, to string) key {
	return key(0).with(number(string(on)), number(from), number(to))
}

// platform is the line's own at the station, for most trips.
func (table *timetable) platform(r route, station string, id key) string {
	draw := table.seed.with(drawPlatform, number(r.line.name), number(station))
	if r.reverse {
		draw = draw.with(1)
	}
	if id.with(drawPlatform, number(station)).chance(0.15) {
		draw = id.with(drawPlatform, number(station), 1)
	}
	return strconv.Itoa(1 + draw.pick(platformsOf(station, r.line.tracks)))
}

func platformsOf(station string, on tracks) int {
	switch {
	case station == hub && on == cityTracks:
		return 4
	case station == hub:
		return 24
	}
	return 8
}

// linkTrainSets lets each train set of a line that ends go out again on the
// first free trip back.
func linkTrainSets(trips []*trip) {
	for i, t := range trips {
		best := none
		ready := t.calls[t.last()].arr + float64(t.line.turn)
		for j, candidate := range trips {
			if candidate.line != t.line || candidate.reverse == t.reverse || candidate.previous != none {
				continue
			}
			if departure := candidate.calls[0].dep; departure >= ready && (best == none || departure < trips[best].calls[0].dep) {
				best = j
			}
		}
		if best != none {
			t.next, trips[best].previous = best, i
		}
	}
}
