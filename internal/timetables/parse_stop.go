package timetables

import (
	"encoding/xml"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"

	"puenktlich/internal/rail"
)

// stop is one s element, its times still text: tl may follow its events.
type stop struct {
	path     string
	id       rail.StopID
	ref      rail.StopRef
	start    time.Time
	day      rail.Day
	eva      int64
	train    rail.Train
	arrival  *event
	depart   *event
	messages []rail.Message
}

// event is one ar or dp element as it stands.
type event struct {
	path                      string
	pt, ct, clt, pp, cp, l    string
	ppth, cpth, cs, ps, wings string
	tra, hi, pde, cde, dc     string
	messages                  []rail.Message
}

func (p *parser) stop(el xml.StartElement) error {
	p.result.Stops++
	s, reason := p.identify(el)
	if reason != "" {
		p.quarantine(s.path, string(s.id), reason)
		return p.dec.Skip()
	}
	err := p.children("s", s.path, func(child xml.StartElement) error {
		return p.part(s, child)
	})
	if err != nil {
		return err
	}
	p.keep(s)
	return nil
}

// identify takes the stop's id apart; a reason says why it is of no use.
func (p *parser) identify(el xml.StartElement) (*stop, string) {
	s := &stop{path: "s", eva: p.eva}
	for _, attr := range p.attributes(el) {
		switch attr.Name.Local {
		case "id":
			s.id = rail.StopID(attr.Value)
			s.path = stopPath(attr.Value)
		case "eva":
			s.eva = p.evaOf(s.path, attr.Value, p.eva)
		}
	}
	if s.id == "" {
		return s, "stop without id: want tripHash-YYMMDDHHMM-index"
	}
	var err error
	if s.ref, err = s.id.Parse(); err != nil || s.ref.Index < 1 || s.ref.Index > math.MaxUint16 {
		return s, "bad id: want tripHash-YYMMDDHHMM-index"
	}
	if s.start, err = rail.ParseTime(s.ref.Start, time.Time{}); err != nil {
		return s, "bad id: start of trip: " + err.Error()
	}
	if polled := p.origin.PolledAt; !polled.IsZero() && s.start.Sub(polled).Abs() > farthest {
		return s, "bad id: start of trip: more than a year from the poll"
	}
	s.day = rail.DayOf(s.start)
	return s, ""
}

// part reads one child of a stop. The tl of a nested ref is another train's.
func (p *parser) part(s *stop, el xml.StartElement) error {
	switch el.Name.Local {
	case "tl":
		s.train = p.label(s, el)
	case "ar":
		return p.event(s, &s.arrival, el)
	case "dp":
		return p.event(s, &s.depart, el)
	case "m":
		s.messages = append(s.messages, p.message(s, s.path, el))
	}
	return p.dec.Skip()
}

func (p *parser) label(s *stop, el xml.StartElement) rail.Train {
	train := rail.Train{Class: rail.ClassUnknown}
	for _, attr := range p.attributes(el) {
		switch attr.Name.Local {
		case "c":
			train.Category = attr.Value
		case "n":
			train.Number = attr.Value
		case "o":
			train.Operator = attr.Value
		case "f":
			train.Class = p.class(s.path, attr.Value)
		}
	}
	return train
}

func (p *parser) class(path, value string) rail.TrainClass {
	switch class := rail.TrainClass(value); class {
	case rail.LongDistance, rail.Regional, rail.Suburban, rail.OtherTraffic:
		return class
	}
	p.quarantine(path+"/tl/@f", value, "class of train: want F, N, S or D")
	return rail.ClassUnknown
}

func (p *parser) event(s *stop, into **event, el xml.StartElement) error {
	p.result.Events++
	e := &event{path: s.path + "/" + el.Name.Local}
	p.fill(e, p.attributes(el))
	err := p.children(el.Name.Local, e.path, func(child xml.StartElement) error {
		if child.Name.Local == "m" {
			e.messages = append(e.messages, p.message(s, e.path, child))
		}
		return p.dec.Skip()
	})
	if err != nil {
		return err
	}
	if *into != nil {
		p.quarantine(e.path, "", "second one in its stop: the first is kept")
		return nil
	}
	*into = e
	return nil
}

func (p *parser) fill(e *event, attrs []xml.Attr) {
	for _, attr := range attrs {
		field := e.field(attr.Name.Local)
		if field != nil && *field != "" && *field != attr.Value {
			p.quarantine(e.path+"/@"+attr.Name.Local, attr.Value, "attribute stands twice: the first is kept")
			continue
		}
		if field != nil {
			*field = attr.Value
		}
	}
}

// field is nil for what is not read.
func (e *event) field(name string) *string {
	switch name {
	case "pt":
		return &e.pt
	case "ct":
		return &e.ct
	case "clt":
		return &e.clt
	case "pp":
		return &e.pp
	case "cp":
		return &e.cp
	case "l":
		return &e.l
	case "ppth":
		return &e.ppth
	case "cpth":
		return &e.cpth
	case "cs":
		return &e.cs
	case "ps":
		return &e.ps
	case "wings":
		return &e.wings
	case "tra":
		return &e.tra
	case "hi":
		return &e.hi
	case "pde":
		return &e.pde
	case "cde":
		return &e.cde
	case "dc":
		return &e.dc
	}
	return nil
}

func (p *parser) message(s *stop, path string, el xml.StartElement) rail.Message {
	var m rail.Message
	for _, attr := range p.attributes(el) {
		switch attr.Name.Local {
		case "id":
			m.ID = attr.Value
		case "t":
			m.Type = attr.Value
		case "c":
			m.Code = p.code(path, attr.Value)
		case "ts":
			m.Time = p.time(path+"/m/@ts", attr.Value, p.near(s))
		case "del":
			m.Deleted = isSet(attr.Value)
		}
	}
	return m
}

func (p *parser) code(path, value string) int {
	code, err := strconv.ParseUint(value, 10, 16)
	if err != nil {
		p.quarantine(path+"/m/@c", value, "code of message: want a whole number from 0 to 65535")
		return 0
	}
	return int(code)
}

// near is where times without a better hint lie: about the poll.
func (p *parser) near(s *stop) time.Time {
	if p.origin.PolledAt.IsZero() {
		return s.start
	}
	return p.origin.PolledAt
}

// farthest is how far a time may lie from where it is expected.
const farthest = 366 * 24 * time.Hour

// time answers the zero time for an absent value, and quarantines a bad one.
func (p *parser) time(path, value string, near time.Time) time.Time {
	if value == "" {
		return time.Time{}
	}
	t, err := rail.ParseTime(value, near)
	if err != nil {
		p.quarantine(path, value, err.Error())
		return time.Time{}
	}
	if !near.IsZero() && t.Sub(near).Abs() > farthest {
		p.quarantine(path, value, "time out of range: more than a year from "+near.Format(time.DateOnly))
		return time.Time{}
	}
	return t
}

// Times of a stop lie within earliest before and latest after the start of its
// trip: no train of the recordings runs longer than 36 hours.
const (
	earliest = 24 * time.Hour
	latest   = 96 * time.Hour
)

// eventTime is time for a planned or changed time: one too far from the start of
// its trip is quarantined, and is no time.
func (p *parser) eventTime(s *stop, path, value string, near time.Time) time.Time {
	t := p.time(path, value, near)
	if t.IsZero() {
		return t
	}
	after := t.Sub(s.start)
	if after < -earliest || after > latest {
		p.quarantine(path, value, fmt.Sprintf("time out of range: %s from the start of its trip: want 24 h before it to 96 h after it", hours(after)))
		return time.Time{}
	}
	return t
}

func hours(d time.Duration) string { return fmt.Sprintf("%+d h", int(d/time.Hour)) }

// keep turns a whole stop into events, unless its id stood there before.
func (p *parser) keep(s *stop) {
	var planned []rail.PlannedEvent
	var changes []rail.Change
	if p.origin.Call.Kind == CallPlan {
		planned = p.planned(s)
	} else {
		changes = p.changes(s)
	}
	at, twice := p.seen[s.id]
	apart := twice && p.besides(at, planned, changes)
	if twice && !apart {
		if !p.repeats(at, planned, changes) {
			p.quarantine(s.path, string(s.id), "id stands twice with different content: the first is kept")
		}
		return
	}
	from := len(p.result.Planned) + len(p.result.Changes)
	p.result.Planned = append(p.result.Planned, planned...)
	p.result.Changes = append(p.result.Changes, changes...)
	p.seen[s.id] = span{from, len(p.result.Planned) + len(p.result.Changes)}
	if apart { // both events are there: whatever else has this id is refused
		p.seen[s.id] = span{from, from}
	}
}

// besides says that the stop kept at at has none of these events: one document
// may name a stop's arrival and its departure apart.
func (p *parser) besides(at span, planned []rail.PlannedEvent, changes []rail.Change) bool {
	if at.to-at.from != 1 || len(planned)+len(changes) != 1 {
		return false
	}
	if len(planned) == 1 {
		return p.result.Planned[at.from].Kind != planned[0].Kind
	}
	kept := p.result.Changes[at.from]
	return kept.Kind != changes[0].Kind && kept.EVA == changes[0].EVA
}

// repeats compares with the stop kept at at; one of the two lists is empty.
func (p *parser) repeats(at span, planned []rail.PlannedEvent, changes []rail.Change) bool {
	if at.to-at.from != len(planned)+len(changes) {
		return false
	}
	for i := range planned {
		if !reflect.DeepEqual(p.result.Planned[at.from+i], planned[i]) {
			return false
		}
	}
	for i := range changes {
		if !reflect.DeepEqual(p.result.Changes[at.from+i], changes[i]) {
			return false
		}
	}
	return true
}
