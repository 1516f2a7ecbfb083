package timetables

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"time"

	"puenktlich/internal/rail"
)

// EncodePlan writes a plan document in the wire format: one stop for each stop
// id, in the order in which the ids come first, attributes in a fixed order.
// What the domain does not hold (EVA numbers, poll times) is not written, and
// the two instants of the repeated autumn hour are written alike.
func EncodePlan(station string, events []rail.PlannedEvent) []byte {
	var e encoder
	e.open("timetable", attr{"station", station})
	for _, group := range byStop(events) {
		e.open("s", attr{"id", string(group[0].Stop)})
		e.label(group[0].Train)
		for _, event := range group {
			e.element(elementOf(event.Kind),
				attr{"pt", wireTime(event.Planned)}, attr{"pp", event.Platform},
				attr{"l", event.Line}, attr{"ppth", rail.JoinPath(event.Path)},
				attr{"wings", event.Wings}, attr{"tra", event.NextTrip})
		}
		e.close("s")
	}
	e.close("timetable")
	return e.Bytes()
}

// EncodeChanges writes a change document (rchg, fchg) in the wire format.
// Several changes of one event are merged, the later ones being the newer.
// Messages are written below their event.
func EncodeChanges(station string, eva int64, changes []rail.Change) []byte {
	var e encoder
	e.open("timetable", attr{"station", station}, attr{"eva", wireNumber(eva)})
	for _, group := range byStop(mergeAll(changes)) {
		e.open("s", attr{"id", string(group[0].Stop)},
			attr{"eva", wireNumber(first(group[0].EVA, eva))})
		for _, change := range group {
			e.change(change)
		}
		if train := trainOf(group); train != (rail.Train{}) {
			e.label(train)
		}
		e.close("s")
	}
	e.close("timetable")
	return e.Bytes()
}

// mergeAll keeps the order in which events come first.
func mergeAll(changes []rail.Change) []rail.Change {
	merged := make([]rail.Change, 0, len(changes))
	at := make(map[rail.EventKey]int, len(changes))
	for _, change := range changes {
		if i, ok := at[change.Key()]; ok {
			merged[i] = Merge(merged[i], change)
			continue
		}
		at[change.Key()] = len(merged)
		merged = append(merged, change)
	}
	return merged
}

// trainOf is the first train that one of the stop's changes names.
func trainOf(group []rail.Change) rail.Train {
	for _, change := range group {
		if change.Train != (rail.Train{}) {
			return change.Train
		}
	}
	return rail.Train{}
}

type keyed interface{ Key() rail.EventKey }

// byStop groups by stop id, arrivals first: the order of the schema.
func byStop[E keyed](events []E) [][]E {
	var groups [][]E
	at := make(map[rail.StopID]int)
	for _, event := range events {
		key := event.Key()
		i, ok := at[key.Stop]
		switch {
		case !ok:
			at[key.Stop] = len(groups)
			groups = append(groups, []E{event})
		case key.Kind == rail.Arrival:
			groups[i] = append([]E{event}, groups[i]...)
		default:
			groups[i] = append(groups[i], event)
		}
	}
	return groups
}

func elementOf(kind rail.EventKind) string {
	if kind == rail.Arrival {
		return "ar"
	}
	return "dp"
}

type attr struct{ name, value string }

// encoder writes indented elements and leaves empty attributes out.
type encoder struct {
	bytes.Buffer
	depth int
}

func (e *encoder) change(c rail.Change) {
	status, planned := string(c.Status), ""
	if c.Status == rail.StatusAdded {
		status, planned = "", string(c.Status) // as the API marks added trains
	}
	hidden := ""
	if c.Hidden {
		hidden = "1"
	}
	attrs := []attr{
		{"pt", wireTime(c.Planned)}, {"pp", c.PlannedPlatform}, {"ps", planned}, {"ct", wireTime(c.Changed)},
		{"cp", c.Platform}, {"cs", status}, {"clt", wireTime(c.CancelTime)},
		{"l", c.Line}, {"ppth", c.PlannedPath}, {"cpth", c.Path}, {"pde", c.PlannedEndpoint}, {"cde", c.ChangedEndpoint},
		{"dc", c.DistantChange}, {"hi", hidden}, {"wings", c.Wings}, {"tra", c.NextTrip},
	}
	name := elementOf(c.Kind)
	if len(c.Messages) == 0 {
		e.element(name, attrs...)
		return
	}
	e.open(name, attrs...)
	for _, m := range c.Messages {
		e.message(m)
	}
	e.close(name)
}

func (e *encoder) message(m rail.Message) {
	deleted := ""
	if m.Deleted {
		deleted = "1"
	}
	e.element("m", attr{"id", m.ID}, attr{"t", m.Type}, attr{"c", wireNumber(int64(m.Code))},
		attr{"ts", wireTime(m.Time)}, attr{"del", deleted})
}

func (e *encoder) label(train rail.Train) {
	class := string(train.Class)
	if train.Class == rail.ClassUnknown {
		class = ""
	}
	e.element("tl", attr{"f", class}, attr{"t", "p"}, attr{"o", train.Operator},
		attr{"c", train.Category}, attr{"n", train.Number})
}

func (e *encoder) open(name string, attrs ...attr) {
	e.start(name, attrs)
	e.WriteString(">\n")
	e.depth++
}

func (e *encoder) element(name string, attrs ...attr) {
	e.start(name, attrs)
	e.WriteString("/>\n")
}

func (e *encoder) start(name string, attrs []attr) {
	e.indent()
	e.WriteString("<" + name)
	for _, a := range attrs {
		if a.value == "" {
			continue
		}
		e.WriteString(" " + a.name + `="`)
		_ = xml.EscapeText(e, []byte(a.value)) // a buffer takes every write
		e.WriteByte('"')
	}
}

func (e *encoder) close(name string) {
	e.depth--
	e.indent()
	e.WriteString("</" + name + ">\n")
}

func (e *encoder) indent() {
	for range e.depth {
		e.WriteString("  ")
	}
}

// wireTime is empty for the zero time.
func wireTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return rail.FormatTime(t)
}

// wireNumber is empty for zero.
func wireNumber(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
