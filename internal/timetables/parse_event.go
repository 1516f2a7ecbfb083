package timetables

import (
	"slices"
	"time"

	"puenktlich/internal/rail"
)

// halfHour after a moment prefers, of two instants an hour apart, the first
// that is not before that moment.
const halfHour = 30 * time.Minute

// planned gives the stop's events of a plan document.
func (p *parser) planned(s *stop) []rail.PlannedEvent {
	if s.arrival == nil && s.depart == nil {
		p.quarantine(s.path, string(s.id), "neither ar nor dp: want at least one")
		return nil
	}
	var events []rail.PlannedEvent
	notBefore := s.start
	for _, kind := range kinds() {
		e := s.eventOf(kind)
		if e == nil {
			continue
		}
		at, ok := p.plannedTime(s, e, notBefore)
		if !ok {
			continue
		}
		notBefore = at
		events = append(events, p.plannedEvent(s, kind, at))
	}
	return events
}

func (p *parser) plannedTime(s *stop, e *event, notBefore time.Time) (time.Time, bool) {
	if e.pt == "" {
		p.quarantine(e.path+"/@pt", "", "planned event without a time: want YYMMDDHHMM")
		return time.Time{}, false
	}
	at := p.eventTime(s, e.path+"/@pt", e.pt, notBefore.Add(halfHour))
	return at, !at.IsZero()
}

func (p *parser) plannedEvent(s *stop, kind rail.EventKind, at time.Time) rail.PlannedEvent {
	e := s.eventOf(kind)
	train := s.train
	if train.Class == "" {
		train.Class = rail.ClassUnknown
	}
	return rail.PlannedEvent{
		EVA: s.eva, Stop: s.id, Kind: kind, Trip: s.ref.Trip(), ServiceDay: s.day,
		Index: s.ref.Index, Train: train, Line: e.l, Planned: at, Platform: e.pp,
		Path: rail.SplitPath(e.ppth), Wings: e.wings, NextTrip: e.tra,
		PolledAt: p.origin.PolledAt,
	}
}

func kinds() []rail.EventKind { return []rail.EventKind{rail.Arrival, rail.Departure} }

func (s *stop) eventOf(kind rail.EventKind) *event {
	if kind == rail.Arrival {
		return s.arrival
	}
	return s.depart
}

// changes gives the stop's changes of a change document.
func (p *parser) changes(s *stop) []rail.Change {
	var changes []rail.Change
	notBefore := s.start
	for _, kind := range kinds() {
		if e := s.eventOf(kind); e != nil {
			change := p.change(s, kind, notBefore)
			if !change.Planned.IsZero() {
				notBefore = change.Planned
			}
			changes = append(changes, change)
		}
	}
	if len(changes) > 0 || len(s.messages) == 0 {
		return changes
	}
	for _, kind := range kinds() {
		changes = append(changes, p.bare(s, kind))
	}
	return changes
}

func (p *parser) change(s *stop, kind rail.EventKind, notBefore time.Time) rail.Change {
	e := s.eventOf(kind)
	c := p.bare(s, kind)
	c.Messages = slices.Concat(e.messages, s.messages)
	c.Planned = p.eventTime(s, e.path+"/@pt", e.pt, notBefore.Add(halfHour))
	near := c.Planned
	if near.IsZero() {
		near = p.near(s)
	}
	c.Changed = p.eventTime(s, e.path+"/@ct", e.ct, near)
	c.CancelTime = p.time(e.path+"/@clt", e.clt, p.near(s))
	c.Platform, c.Path, c.Line = e.cp, e.cpth, e.l
	c.Status = p.status(e)
	c.PlannedPlatform, c.PlannedPath = e.pp, e.ppth
	c.Wings, c.NextTrip, c.Hidden = e.wings, e.tra, isSet(e.hi)
	c.PlannedEndpoint, c.ChangedEndpoint, c.DistantChange = e.pde, e.cde, e.dc
	return c
}

// isSet reads the wire's marks, of which only a set one is sent.
func isSet(value string) bool { return value == "1" || value == "true" }

// bare is a change of the stop that says nothing but its messages.
func (p *parser) bare(s *stop, kind rail.EventKind) rail.Change {
	return rail.Change{
		EVA: s.eva, Stop: s.id, Kind: kind, PolledAt: p.origin.PolledAt,
		Train: s.train, Messages: slices.Clone(s.messages),
	}
}

// status is cs; added trains have ps="a" and no cs of their own.
func (p *parser) status(e *event) rail.EventStatus {
	planned := p.statusOf(e.path+"/@ps", e.ps)
	if changed := p.statusOf(e.path+"/@cs", e.cs); changed != "" {
		return changed
	}
	if planned == rail.StatusAdded {
		return planned
	}
	return ""
}

func (p *parser) statusOf(path, value string) rail.EventStatus {
	switch status := rail.EventStatus(value); status {
	case "", rail.StatusPlanned, rail.StatusAdded, rail.StatusCancelled:
		return status
	}
	p.quarantine(path, value, "status: want p, a or c")
	return ""
}
