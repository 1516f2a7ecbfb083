package railsim

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"

	"puenktlich/internal/rail"
)

// publisher turns the journeys of a day into what the API published of them.
type publisher struct {
	seed     key       // of the day
	midnight time.Time // its first instant
	world    effects
}

// forecast is an expected time and the reasons told with it.
type forecast struct {
	at      float64 // of publication, minutes from the start of the service day
	time    float64
	reasons int
}

// publishTrip fills the notices of the trip's events.
func (p publisher) publishTrip(j *journey, events []*event) {
	draw := p.seed.with(uint64(j.trip.id))
	series := make([][]forecast, len(events))
	view, told := newOutlook(j.trip), math.Inf(-1)
	for k, m := range j.moments(draw.with(drawForecast)) {
		view.update(j.trip, m)
		// Reports travel through several systems before they are published, and
		// never overtake each other.
		told = max(told, m.at+draw.with(drawLag, uint64(k)).between(0.2, 1.2))
		for i, e := range events {
			if expected, ok := view.of(e, m); ok {
				series[i] = append(series[i], forecast{told, expected, m.incidents})
			}
		}
	}
	messages := p.messages(j)
	for i, e := range events {
		p.publishEvent(e, j, series[i], messages)
	}
}

// of is the expected time of an event that the report concerns.
func (o outlook) of(e *event, m moment) (float64, bool) {
	if e.plan.Kind == rail.Arrival {
		return o.arr[e.call], m.call < e.call || m.call == e.call && !m.departing
	}
	return o.dep[e.call], m.call <= e.call
}

// messages are the reasons of a trip in the order in which they were told.
func (p publisher) messages(j *journey) []rail.Message {
	slices.SortStableFunc(j.incidents, func(a, b incident) int { return cmp.Compare(a.at, b.at) })
	var out []rail.Message
	for k, i := range j.incidents {
		code := i.code
		if p.world.renumber {
			code += 200
		}
		id := p.seed.with(uint64(j.trip.id), drawMessage, uint64(k)).pick(9_000_000)
		out = append(out, rail.Message{
			ID: "r" + strconv.Itoa(1_000_000+id), Type: "d", Code: code,
			Time: instant(p.second(i.at)).Truncate(time.Minute),
		})
	}
	return out
}

func (p publisher) second(minutes float64) int64 {
	return p.midnight.Unix() + int64(math.Floor(minutes*60))
}

// minutes is the reverse, for instants.
func (p publisher) minutes(t time.Time) float64 { return t.Sub(p.midnight).Minutes() }

func (p publisher) publishEvent(e *event, j *journey, known []forecast, messages []rail.Message) {
	draw := e.key(p.seed.with(uint64(j.trip.id)))
	p.publishMove(e, draw)
	if e.cancelled {
		known = before(known, p.cancelledAt(j))
	}
	opening := p.minutes(e.plan.Planned) - leadMinutes(draw.with(drawLead), j.trip.train.Class)
	p.publishForecasts(e, draw, opening, known, messages)
	p.publishFate(e, j, messages)
	if e.added {
		p.publishAdded(e, j)
	}
	slices.SortStableFunc(e.notices, func(a, b notice) int { return cmp.Compare(a.at, b.at) })
	e.quieten(draw)
}

// leadMinutes is how long before the planned time the first forecast comes.
func leadMinutes(draw key, class rail.TrainClass) float64 {
	switch class {
	case rail.LongDistance:
		if draw.chance(0.2) {
			return draw.with(1).between(16, 90)
		}
		return draw.with(1).between(110, 330)
	case rail.Suburban:
		return draw.with(1).between(16, 58)
	}
	return draw.with(1).between(18, 125)
}

func before(known []forecast, at float64) []forecast {
	cut := slices.IndexFunc(known, func(f forecast) bool { return f.at >= at })
	if cut < 0 {
		return known
	}
	return known[:cut]
}

// publishForecasts tells the first forecast when it is due, then each that
// differs, and at last what happened.
func (p publisher) publishForecasts(e *event, draw key, opening float64, known []forecast, messages []rail.Message) {
	told, reasons := int64(0), 0
	tell := func(at, expected float64, known int) {
		changed := minuteOf(p.midnight, expected).Unix()
		if changed == told && known == reasons {
			return
		}
		n := notice{at: p.second(at), changed: changed}
		if known > 0 {
			n.messages = messages[:known]
		}
		e.notices = append(e.notices, n)
		told, reasons = changed, known
	}
	current := forecast{at: opening, time: p.minutes(e.plan.Planned)}
	end := math.Inf(1)
	if !e.cancelled {
		end = p.minutes(e.actual)
	}
	if opening < end && !e.cancelled {
		current = latest(known, current)
		tell(opening, current.time, current.reasons)
	}
	for k, f := range known {
		if f.at > opening && f.at < end-0.2 && !p.world.frozenUpdate {
			tell(f.at, f.time+wobble(draw.with(drawForecast, uint64(k)), p.minutes(e.plan.Planned)-f.at), f.reasons)
			current = f
		}
	}
	if !e.cancelled {
		reasons := max(current.reasons, knownBy(known, end))
		p.publishTruth(draw, end, func(at, actual float64) { tell(at, actual, reasons) })
	}
}

func latest(known []forecast, current forecast) forecast {
	for _, f := range known {
		if f.at <= current.at {
			current.time, current.reasons = f.time, f.reasons
		}
	}
	return current
}

func knownBy(known []forecast, at float64) int {
	n := 0
	for _, f := range known {
		if f.at <= at {
			n = f.reasons
		}
	}
	return n
}

// wobble is the uncertainty of a forecast well ahead of the event.
func wobble(draw key, ahead float64) float64 {
	if ahead < 12 || !draw.chance(0.12) {
		return 0
	}
	if draw.with(1).chance(0.5) {
		return 1
	}
	return -1
}

// publishTruth tells the time of the event about when it happens; one in
// twenty is wrong at first and corrected up to 70 minutes later.
func (p publisher) publishTruth(draw key, actual float64, tell func(at, actual float64)) {
	at := actual + draw.with(drawFinal).between(-0.1, 1.6)
	if !draw.with(drawCorrection).chance(0.05) {
		tell(at, actual)
		return
	}
	wrong := 1 + math.Floor(draw.with(drawCorrection, 1).exponential(1.2))
	if draw.with(drawCorrection, 2).chance(0.35) {
		wrong = -wrong
	}
	tell(at, actual+wrong)
	tell(actual+2+min(68, draw.with(drawCorrection, 3).exponential(30)), actual)
}

// publishMove tells another platform, alone: the notice has no time.
func (p publisher) publishMove(e *event, draw key) {
	moved := draw.with(drawMove)
	if !moved.chance(0.03) {
		return
	}
	number, err := strconv.Atoi(e.plan.Platform)
	if err != nil {
		return
	}
	at := p.minutes(e.plan.Planned) - moved.with(1).between(4, 50)
	e.notices = append(e.notices, notice{at: p.second(at), platform: strconv.Itoa(number%8 + 1)})
}

// quieten drops the notices of some events to which nothing happened: a few
// trains run to plan and are never spoken of.
func (e *event) quieten(draw key) {
	if !draw.with(drawSilent).chance(0.03) || e.cancelled || e.added {
		return
	}
	for _, n := range e.notices {
		if n.changed != e.plan.Planned.Unix() || n.messages != nil || n.status != "" {
			return
		}
	}
	e.notices = nil
}
