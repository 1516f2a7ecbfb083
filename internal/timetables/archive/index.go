package archive

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"slices"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/internal/timetables"
)

// index collects where the answers lie.
type index struct {
	plans    map[planKey]location
	polls    map[int64][]poll
	names    map[int64]stationName
	hours    []time.Time
	sizes    []int // bytes of the bodies of each archive
	problems []error
}

type stationName struct {
	name     string
	fromPlan bool
}

func newIndex() *index {
	return &index{
		plans: make(map[planKey]location),
		polls: make(map[int64][]poll),
		names: make(map[int64]stationName),
	}
}

// read notes the entries of one archive. The place of a body counts the bytes
// of the known entries before it, as bodyCache lays them out.
func (x *index) read(archive int, path string) {
	offset := 0
	report, err := Walk(path, func(entry Entry) error {
		at := location{archive, offset, len(entry.Body)}
		offset += len(entry.Body)
		x.note(entry, at)
		return nil
	})
	x.sizes = append(x.sizes, offset)
	for _, unknown := range report.Unknown {
		x.problems = append(x.problems, unknown)
	}
	if err != nil {
		x.problems = append(x.problems, err)
	}
}

func (x *index) note(entry Entry, at location) {
	call := entry.Call
	x.name(entry)
	if call.Kind == timetables.CallPlan {
		x.plans[planKey{call.EVA, call.Hour.In(rail.Berlin).Format(hourLayout)}] = at
		x.hours = append(x.hours, call.Hour)
		return
	}
	x.polls[call.EVA] = append(x.polls[call.EVA], poll{entry.PolledAt, call.Kind, at})
}

// name takes the station's name from the head of a document, best of a plan.
func (x *index) name(entry Entry) {
	eva, isPlan := entry.Call.EVA, entry.Call.Kind == timetables.CallPlan
	known, ok := x.names[eva]
	if !ok {
		x.names[eva] = stationName{}
	}
	if known.fromPlan || known.name != "" && !isPlan {
		return
	}
	if name := headName(entry.Body); name != "" {
		x.names[eva] = stationName{name, isPlan}
	}
}

func headName(body []byte) string {
	dec := xml.NewDecoder(bytes.NewReader(body))
	for {
		token, err := dec.Token()
		if err != nil {
			return ""
		}
		if el, ok := token.(xml.StartElement); ok {
			for _, attr := range el.Attr {
				if el.Name.Local == "timetable" && attr.Name.Local == "station" {
					return attr.Value
				}
			}
			return ""
		}
	}
}

func (x *index) recording(paths []string) *Recording {
	r := &Recording{
		bodies: newBodyCache(paths, x.sizes), plans: x.plans, polls: x.polls,
		problems: x.problems, full: make(map[int64]*fullState),
	}
	for eva, name := range x.names {
		r.stations = append(r.stations, rail.Station{EVA: eva, Name: name.name})
	}
	slices.SortFunc(r.stations, func(a, b rail.Station) int { return cmp.Compare(a.EVA, b.EVA) })
	for eva, polls := range r.polls {
		r.polls[eva] = inOrder(polls)
		r.widen(polls[0].at, polls[len(polls)-1].at.Add(time.Second))
	}
	if len(r.polls) == 0 {
		for _, hour := range x.hours {
			r.widen(hour, hour.Add(time.Hour))
		}
	}
	return r
}

func (r *Recording) widen(from, to time.Time) {
	if r.from.IsZero() || from.Before(r.from) {
		r.from = from
	}
	if to.After(r.to) {
		r.to = to
	}
}

// inOrder sorts by time, fchg first, and sets polls of one moment a
// millisecond apart so that each can be asked for.
func inOrder(polls []poll) []poll {
	slices.SortStableFunc(polls, func(a, b poll) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.kind, b.kind))
	})
	for i := 1; i < len(polls); i++ {
		if !polls[i].at.After(polls[i-1].at) {
			polls[i].at = polls[i-1].at.Add(time.Millisecond)
		}
	}
	return polls
}
