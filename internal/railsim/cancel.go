package railsim

import "puenktlich/internal/rail"

// cancelledAt is when a cancellation is published, in minutes from the start
// of the service day.
func (p publisher) cancelledAt(j *journey) float64 {
	f := j.trip.fate
	if f.kind != runsTo {
		return j.trip.calls[0].dep - f.leadMinutes
	}
	// The train is failing on its way: that is known two calls ahead.
	return j.dep[max(0, f.to-2)] + 1
}

// publishFate tells a cancellation, its withdrawal, or the shorter way of a
// trip that runs in part.
func (p publisher) publishFate(e *event, j *journey, messages []rail.Message) {
	f := j.trip.fate
	if f.kind == runsWhole {
		return
	}
	at := p.second(p.cancelledAt(j))
	switch {
	case e.cancelled || f.kind == reinstated:
		n := notice{at: at, status: rail.StatusCancelled, cancel: at - at%60}
		n.messages = told(messages, at)
		e.notices = append(e.notices, n)
	default:
		if path := rail.JoinPath(shortPath(e, j)); path != "" {
			e.notices = append(e.notices, notice{at: at, path: path})
		}
	}
	if f.kind == reinstated {
		e.notices = append(e.notices, notice{at: at + 35*60, status: rail.StatusPlanned})
	}
}

// told are the messages known at an instant.
func told(messages []rail.Message, at int64) []rail.Message {
	n := 0
	for n < len(messages) && messages[n].Time.Unix() <= at-60 {
		n++
	}
	if n == 0 {
		return nil
	}
	return messages[:n]
}

// shortPath is what is left of the event's path; nothing where it is whole.
func shortPath(e *event, j *journey) []string {
	f, path := j.trip.fate, e.plan.Path
	if f.kind == runsTo && e.plan.Kind == rail.Departure {
		rest := j.trip.calls[f.to].index - e.plan.Index
		return path[:min(len(path), max(0, rest))]
	}
	if f.kind == runsFrom && e.plan.Kind == rail.Arrival {
		gone := j.trip.calls[f.from].index - 1
		return path[min(len(path), gone):]
	}
	return nil
}

// publishAdded tells a replacement train as a whole, some time ahead.
func (p publisher) publishAdded(e *event, j *journey) {
	at := j.trip.calls[0].dep - 40
	first := notice{at: p.second(at), status: rail.StatusAdded, platform: e.plan.Platform,
		path: rail.JoinPath(e.plan.Path), changed: e.plan.Planned.Unix()}
	for _, n := range e.notices {
		first.at = min(first.at, n.at)
	}
	// It comes before all other notices, also those of the same second.
	e.notices = append([]notice{first}, e.notices...)
}
