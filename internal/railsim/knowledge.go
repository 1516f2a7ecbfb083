package railsim

import (
	"cmp"
	"math"
	"slices"
)

// moment is when the dispatcher learns where a train is, or expects it.
type moment struct {
	at        float64 // of the report
	call      int
	departing bool
	time      float64 // of the arrival or departure at the call
	incidents int     // reasons known by then
}

// Reports while a train waits or runs come this many minutes apart.
const (
	waitReport = 4.0
	runReport  = 9.0
	homeSignal = 1.5 // minutes before the platform
)

// moments are all reports of a trip in order of time. They know nothing of
// trouble still to come: that is what makes forecasts wrong.
func (j *journey) moments(draw key) []moment {
	var out []moment
	out = j.reportInbound(out, draw)
	for i := j.trip.fate.from; i < j.trip.fate.to; i++ {
		out = j.reportWait(out, i)
		out = append(out, moment{at: j.dep[i], call: i, departing: true, time: j.dep[i]})
		out = j.reportRun(out, i+1)
		out = append(out, moment{at: j.arr[i+1], call: i + 1, time: j.arr[i+1]})
	}
	slices.SortStableFunc(out, func(a, b moment) int { return cmp.Compare(a.at, b.at) })
	for k := range out {
		out[k].incidents = j.incidentsAt(out[k].at)
	}
	return out
}

func (j *journey) incidentsAt(at float64) int {
	n := 0
	for _, i := range j.incidents {
		if i.at <= at {
			n++
		}
	}
	return n
}

// reportInbound is what the trip before tells of this one: often a guess some
// time ahead, and the turn once the train set has come in.
func (j *journey) reportInbound(out []moment, draw key) []moment {
	if math.IsNaN(j.inbound) || j.trip.fate.from != 0 {
		return out
	}
	first := j.trip.calls[0].dep
	ready := max(first, j.inbound+0.7*float64(j.trip.line.turn))
	if draw.chance(0.6) {
		guess := max(first, ready-draw.with(2).exponential(3))
		out = append(out, moment{at: j.inbound - draw.with(1).between(8, 40), call: 0, departing: true, time: guess})
	}
	return append(out, moment{at: j.inbound, call: 0, departing: true, time: ready})
}

// reportWait is a train that does not leave though it should: each report
// expects it to go in a moment.
func (j *journey) reportWait(out []moment, i int) []moment {
	c := j.trip.calls[i]
	due := c.dep
	if !math.IsNaN(j.arr[i]) {
		due = max(due, j.arr[i]+c.minDwell)
	}
	for at := due + 2; at < j.dep[i]-0.5; at += waitReport {
		out = append(out, moment{at: at, call: i, departing: true, time: at + 1.5})
	}
	return out
}

// reportRun is a train on its way to the call: trouble shows as it happens.
func (j *journey) reportRun(out []moment, to int) []moment {
	start, arrival := j.dep[to-1], j.arr[to]
	planned := j.trip.calls[to].arr - j.trip.calls[to-1].dep
	late := start - j.trip.calls[to-1].dep
	gained := arrival - j.trip.calls[to].arr - late
	for at := start + runReport; at < arrival-homeSignal-2; at += runReport {
		share := (at - start) / (arrival - start)
		expected := j.trip.calls[to-1].dep + planned + late + gained*share
		out = append(out, moment{at: at, call: to, time: max(expected, at+1)})
	}
	if arrival-homeSignal > start {
		out = append(out, moment{at: arrival - homeSignal, call: to, time: arrival})
	}
	return out
}

// outlook is the expected times of a trip, in minutes from the start of the
// service day, planned until something is known.
type outlook struct{ arr, dep []float64 }

func newOutlook(t *trip) outlook {
	var o outlook
	for _, c := range t.calls {
		o.arr, o.dep = append(o.arr, c.arr), append(o.dep, c.dep)
	}
	return o
}

// update carries a report down the line as the dispatcher does: all slack is
// used, and nothing else goes wrong.
func (o outlook) update(t *trip, m moment) {
	i := m.call
	if m.departing {
		o.dep[i] = m.time
	} else {
		o.arr[i] = m.time
		o.dep[i] = expectDeparture(t.calls[i], m.time)
	}
	for i++; i < len(t.calls); i++ {
		o.arr[i] = max(t.calls[i].arr, o.dep[i-1]+t.calls[i].minRun)
		o.dep[i] = expectDeparture(t.calls[i], o.arr[i])
	}
}

func expectDeparture(c call, arrival float64) float64 {
	if !c.stops() {
		return arrival
	}
	return max(c.dep, arrival+c.minDwell)
}
