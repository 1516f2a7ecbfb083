package railsim

import (
	"strconv"

	"puenktlich/internal/rail"
)

// fateKind says how much of a trip runs.
type fateKind string

const (
	runsWhole  fateKind = "whole"
	runsNot    fateKind = "not"     // cancelled
	runsTo     fateKind = "to"      // ends early
	runsFrom   fateKind = "from"    // begins late
	reinstated fateKind = "against" // cancelled, then runs after all
)

// fate is decided before the day begins.
type fate struct {
	kind     fateKind
	from, to int // calls it runs between, inclusive; from > to: none
	// leadMinutes is how long before the planned start a cancellation is
	// published; an early end is published on the way instead.
	leadMinutes float64
}

func (f fate) runs() bool { return f.from <= f.to }

// decideFates sets the fate of each trip and adds the replacement trains.
func decideFates(day key, trips []*trip, c conditions) []*trip {
	out := trips
	for _, t := range trips {
		draw := day.with(uint64(t.id))
		t.fate = fateOf(draw, t, c)
		replaced := t.fate.kind == runsNot && t.train.Class == rail.LongDistance
		if replaced && draw.with(drawReplace).chance(0.35) {
			out = append(out, replacement(draw, t))
		}
	}
	return out
}

func fateOf(draw key, t *trip, c conditions) fate {
	whole := fate{kind: runsWhole, from: 0, to: t.last()}
	mood, trouble := temperOf(t.train.Class), c.weather*worksOnWay(t, c)
	cut := draw.with(drawCut)
	early := draw.with(drawAnnounce).between(5, 75)
	if draw.with(drawAnnounce, 1).chance(0.3) {
		early = draw.with(drawAnnounce, 2).between(120, 600)
	}
	u := draw.with(drawCancel).unit() / trouble
	switch {
	case u < mood.cancelChance:
		return fate{kind: runsNot, from: 1, to: 0, leadMinutes: early}
	case u < mood.cancelChance+0.001:
		return fate{kind: reinstated, from: 0, to: t.last(), leadMinutes: 80}
	case u >= mood.cancelChance+0.001+mood.cutChance || t.last() < 3:
		return whole
	case cut.chance(0.6):
		return fate{kind: runsTo, from: 0, to: stopNear(t, cut.with(1))}
	}
	return fate{kind: runsFrom, from: stopNear(t, cut.with(1)), to: t.last(), leadMinutes: early}
}

// worksOnWay doubles the cancellations of trips through works.
func worksOnWay(t *trip, c conditions) float64 {
	for _, at := range t.calls[1:] {
		if c.works[at.on] {
			return 2
		}
	}
	return 1
}

// stopNear is an inner call at which the train stops.
func stopNear(t *trip, draw key) int {
	i := 1 + draw.pick(t.last()-1)
	for !t.calls[i].stops() {
		i++
	}
	return min(i, t.last())
}

// replacement is a train added for a cancelled one: other ids, the same way,
// somewhat later, and in no plan.
func replacement(draw key, of *trip) *trip {
	t := *of
	later := float64(6 + draw.with(drawReplace, 1).pick(20))
	t.id = of.id.with(drawReplace)
	t.hash = strconv.FormatInt(int64(t.id.with(drawHash)), 10)
	t.train.Number = "2" + of.train.Number
	t.next, t.previous, t.added = none, none, true
	t.fate = fate{kind: runsWhole, from: 0, to: of.last()}
	t.calls = append([]call(nil), of.calls...)
	for i := range t.calls {
		t.calls[i].arr += later
		t.calls[i].dep += later
	}
	return &t
}
