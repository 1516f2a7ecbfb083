package railsim

import (
	"container/heap"
	"math"

	"puenktlich/internal/rail"
)

// Reason codes of the wire, as the recordings give them most often.
const (
	codeTrainAhead = 43
	codeEarlierRun = 48
	codeFault      = 36
	codeWorks      = 31
)

// journey is what really happened to a trip. Times are minutes from the start
// of the service day, NaN where the train did not come.
type journey struct {
	trip      *trip
	arr, dep  []float64
	incidents []incident // in the order in which they arose
	// inbound is when the train set came in from its trip before, NaN if none.
	inbound float64
}

// incident is a reason for a delay, worth telling passengers about.
type incident struct {
	at   float64
	code int
}

// headway is the least minutes between two trains on a stretch, at each end.
const headway = 2.0

// tellMinutes is the delay from which its reason is told.
const tellMinutes = 3.5

// traffic runs the trains of one day in the order of time.
type traffic struct {
	seed     key // of the day
	now      conditions
	journeys []*journey
	queue    departures
	entered  map[key]float64 // last entry to and exit from each stretch
	left     map[key]float64
}

// departure is a train ready to leave a call.
type departure struct {
	ready float64
	trip  int
	call  int
}

type departures []departure

func (q departures) Len() int { return len(q) }
func (q departures) Less(i, j int) bool {
	if q[i].ready != q[j].ready {
		return q[i].ready < q[j].ready
	}
	return q[i].trip < q[j].trip
}
func (q departures) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *departures) Push(x any)   { *q = append(*q, x.(departure)) }
func (q *departures) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// runAll gives what happened to each trip, in the order of the trips.
func runAll(seed key, trips []*trip, now conditions) []*journey {
	t := &traffic{seed: seed, now: now, entered: map[key]float64{}, left: map[key]float64{}}
	for _, trip := range trips {
		t.journeys = append(t.journeys, newJourney(trip))
	}
	for i, trip := range trips {
		if trip.previous == none {
			t.start(i, math.NaN())
		}
	}
	for t.queue.Len() > 0 {
		t.leave(heap.Pop(&t.queue).(departure))
	}
	return t.journeys
}

func newJourney(t *trip) *journey {
	j := &journey{trip: t, inbound: math.NaN()}
	for range t.calls {
		j.arr, j.dep = append(j.arr, math.NaN()), append(j.dep, math.NaN())
	}
	return j
}

// start makes the trip ready at its first call. Its train set comes in at
// inbound, NaN if it has been standing there.
func (t *traffic) start(i int, inbound float64) {
	j := t.journeys[i]
	f := j.trip.fate
	if !f.runs() {
		t.turn(i, j.trip.calls[j.trip.last()].arr)
		return
	}
	ready := j.trip.calls[f.from].dep
	if f.from == 0 && inbound+t.turnMinutes(i) > ready {
		ready, j.inbound = inbound+t.turnMinutes(i), inbound
		t.tell(j, inbound, ready-j.trip.calls[0].dep, codeEarlierRun)
	}
	mood, draw := temperOf(j.trip.train.Class), t.draw(j.trip, drawOrigin)
	if draw.chance(mood.originChance * t.now.weather * t.now.world.primary * j.trip.chronic()) {
		late := draw.with(1).lognormal(mood.medianMinutes, mood.sigma)
		t.tell(j, j.trip.calls[f.from].dep, late, codeFault)
		ready += late
	}
	heap.Push(&t.queue, departure{ready, i, f.from})
}

func (t *traffic) turnMinutes(i int) float64 {
	return 0.7 * float64(t.journeys[i].trip.line.turn)
}

// turn hands the train set over to its next trip.
func (t *traffic) turn(i int, arrival float64) {
	j := t.journeys[i]
	if j.trip.next == none {
		return
	}
	complete := j.trip.fate.kind == runsWhole || j.trip.fate.kind == reinstated
	if !complete && t.draw(j.trip, drawTurn).chance(0.4) {
		arrival += t.draw(j.trip, drawTurn).with(1).exponential(15)
	}
	t.start(j.trip.next, arrival)
}

func (t *traffic) draw(of *trip, purpose uint64) key { return t.seed.with(uint64(of.id), purpose) }

// tell keeps the reason of a delay that passengers notice.
func (t *traffic) tell(j *journey, at, minutes float64, code int) {
	if minutes >= tellMinutes {
		j.incidents = append(j.incidents, incident{at, code})
	}
}

// leave runs a train from one call to the next.
func (t *traffic) leave(d departure) {
	j := t.journeys[d.trip]
	if d.call == j.trip.fate.to {
		t.turn(d.trip, max(j.arr[d.call], j.trip.calls[j.trip.last()].arr))
		return
	}
	to := d.call + 1
	next := j.trip.calls[to]
	start := t.await(d.ready, t.entered, next.section)
	t.tell(j, d.ready, start-d.ready, codeTrainAhead)
	j.dep[d.call], t.entered[next.section] = start, start

	arrival := t.runTo(j, to, start)
	free := t.await(arrival, t.left, next.section)
	t.tell(j, start, free-arrival, codeTrainAhead)
	j.arr[to], t.left[next.section] = free, free
	heap.Push(&t.queue, departure{t.readyAt(j, to), d.trip, to})
}

func (t *traffic) await(at float64, last map[key]float64, section key) float64 {
	if before, seen := last[section]; seen {
		return max(at, before+headway)
	}
	return at
}

// runTo is the arrival at the call, apart from other trains.
func (t *traffic) runTo(j *journey, to int, start float64) float64 {
	c := j.trip.calls[to]
	spread := 0.15 + 0.75*t.draw(j.trip, drawRun).with(uint64(to)).normal()
	arrival := max(start+0.8*c.minRun, max(start+c.minRun, c.arr)+spread)
	draw := t.draw(j.trip, drawSection).with(uint64(to))
	mood := temperOf(j.trip.train.Class)
	chance := mood.perMinute * (c.arr - j.trip.calls[to-1].dep) * t.trouble(j.trip, start) * t.now.world.primary
	if draw.chance(chance) {
		late := min(180, draw.with(1).lognormal(mood.medianMinutes, mood.sigma))
		if draw.with(2).chance(0.6) {
			t.tell(j, start, late, codeFault)
		}
		arrival += late
	}
	return arrival + t.slowed(j, to, start)
}

// slowed is the time lost in works.
func (t *traffic) slowed(j *journey, to int, start float64) float64 {
	c, draw := j.trip.calls[to], t.draw(j.trip, drawWorks).with(uint64(to))
	if !t.now.works[c.on] || !draw.chance(0.6) {
		return 0
	}
	// Shorter stretches lie less often within the site.
	lost := draw.with(1).between(1, 6) * min(1, (c.arr-j.trip.calls[to-1].dep)/12)
	if lost > 1.5 {
		t.tell(j, start, max(lost, tellMinutes), codeWorks)
	}
	return lost
}

// trouble is the factor of the day, the hour and the trip.
func (t *traffic) trouble(of *trip, at float64) float64 {
	return t.now.weather * t.now.weekday * t.now.rushAt(at) * of.chronic()
}

// readyAt is when the train can leave the call again.
func (t *traffic) readyAt(j *journey, at int) float64 {
	c := j.trip.calls[at]
	if !c.stops() {
		return j.arr[at]
	}
	ready := max(c.dep, j.arr[at]+c.minDwell)
	mood, draw := temperOf(j.trip.train.Class), t.draw(j.trip, drawDwell).with(uint64(at))
	demand := t.now.world.demand
	if j.trip.train.Class == rail.LongDistance {
		demand = 1
	}
	// A late train finds more people on the platform.
	crowd := 1 + 0.04*min(15, max(0, j.arr[at]-c.arr))
	if draw.chance(mood.dwellChance * demand * crowd * t.now.rushAt(j.arr[at])) {
		ready += draw.with(1).exponential(mood.dwellMinutes * math.Sqrt(demand))
	}
	return ready
}
