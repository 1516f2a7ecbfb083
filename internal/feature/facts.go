package feature

import (
	"slices"
	"time"

	"puenktlich/internal/rail"
)

// delta is what one change says; an empty attribute means unchanged.
type delta struct {
	changed  instant
	platform string
	status   rail.EventStatus
	path     string
	messages []message
}

// message is a rail.Message that compares with ==.
type message struct {
	id      string
	kind    string
	code    int
	at      instant
	deleted bool
}

func newDelta(c rail.Change) *delta {
	d := &delta{changed: instantOf(c.Changed), platform: c.Platform, status: c.Status, path: c.Path}
	for _, m := range c.Messages {
		d.messages = append(d.messages, message{m.ID, m.Type, m.Code, instantOf(m.Time), m.Deleted})
	}
	return d
}

func (d *delta) equal(o *delta) bool {
	return d.changed == o.changed && d.platform == o.platform && d.status == o.status &&
		d.path == o.path && slices.Equal(d.messages, o.messages)
}

// facts is everything known of an event after some poll. It is never altered.
type facts struct {
	changed   instant // last changed time
	since     instant // poll that first gave it
	first     instant // first changed time ever given
	forecasts int     // changed times given, counting each alteration
	platform  string
	status    rail.EventStatus
	path      string
	messages  []message // known and not revoked, in the order they came
}

// merge is the facts after one more change; the same pointer if it says
// nothing new.
func (f *facts) merge(d *delta, polled instant) *facts {
	next := *f
	altered := next.mergeTime(d.changed, polled)
	altered = replace(&next.platform, d.platform) || altered
	altered = replace(&next.status, f.status.Then(d.status)) || altered
	altered = replace(&next.path, d.path) || altered
	altered = next.mergeMessages(d.messages) || altered
	if !altered {
		return f
	}
	return &next
}

func (f *facts) mergeTime(changed, polled instant) bool {
	if changed == 0 || changed == f.changed {
		return false
	}
	f.changed, f.since = changed, polled
	f.forecasts++
	if f.first == 0 {
		f.first = changed
	}
	return true
}

func replace[T ~string](old *T, new T) bool {
	if new == "" || new == *old {
		return false
	}
	*old = new
	return true
}

func (f *facts) mergeMessages(messages []message) bool {
	altered := false
	for _, m := range messages {
		at := slices.IndexFunc(f.messages, func(o message) bool { return o.id == m.id })
		known := at >= 0
		switch {
		case !known && m.deleted, known && f.messages[at] == m:
			continue
		case m.deleted:
			f.messages = slices.Concat(f.messages[:at], f.messages[at+1:])
		case known:
			f.messages = slices.Clone(f.messages)
			f.messages[at] = m
		default:
			f.messages = append(slices.Clip(f.messages), m)
		}
		altered = true
	}
	return altered
}

// observed puts the facts into the words of Knowledge.
func (f *facts) observed(planned instant) Observed {
	o := Observed{
		Planned: planned.time(), Changed: f.changed.time(), ChangedSince: f.since.time(),
		FirstChanged: f.first.time(), Forecasts: f.forecasts,
		Platform: f.platform, Status: f.status, Path: f.path,
	}
	var latest instant
	for _, m := range f.messages {
		switch m.kind {
		case "d":
			o.Reasons++
			if o.Reasons == 1 || m.at >= latest {
				latest, o.ReasonCode = m.at, m.code
			}
		case "q":
			o.Qualities++
		case "h":
			o.Disruptions++
		}
	}
	o.ReasonTime = latest.time()
	return o
}

func (f *facts) cancelled() bool { return f.status == rail.StatusCancelled }

// delayMinutes is the last forecast against the plan; false without one.
func (f *facts) delayMinutes(planned instant) (int, bool) {
	if f.changed == 0 {
		return 0, false
	}
	return rail.DelayMinutes(planned.time(), f.changed.time()), true
}

// milliseconds of a duration, cut like every instant.
func milliseconds(d time.Duration) instant { return instant(d / time.Millisecond) }
