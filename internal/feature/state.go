package feature

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"puenktlich/internal/rail"
)

// PlanReach bounds how far from an event's planned time its look-ups read other
// events: a State that holds the plans within this reach answers exactly as one
// that holds more.
const PlanReach = 12 * time.Hour

// ChangeReach bounds how long before its planned time an event's changes count;
// what was polled earlier is ignored.
const ChangeReach = 24 * time.Hour

// Options of a State.
type Options struct {
	// Lag is the measured time from a poll until serving has applied it. A
	// cut-off sees what was polled at or before cut-off - Lag. Defaults to 0.
	Lag time.Duration
	// MaxUnknown bounds the events whose changes are kept although no plan is
	// known yet; the longest waiting go first. Defaults to 50,000.
	MaxUnknown int
}

// State holds plans and observed changes in memory and answers what was known
// at a cut-off. It is safe for concurrent use.
type State struct {
	lag instant

	mu      sync.RWMutex
	events  map[rail.EventKey]*record
	boards  map[int64]*board
	trips   map[string][]*record      // by index, arrival before departure
	turns   map[rail.StopID][]*record // by the next trip's stop they name
	unknown waiting
}

// record is one planned event.
type record struct {
	timeline
	plan        *rail.PlannedEvent
	key         rail.EventKey
	planned     instant
	planPolled  instant // 0: known since ever
	tripStart   instant // 0: unreadable
	lineKey     string
	sectionKey  string
	platformKey string
}

// NewState makes an empty State.
func NewState(o Options) *State {
	if o.MaxUnknown <= 0 {
		o.MaxUnknown = 50_000
	}
	return &State{
		lag:     milliseconds(o.Lag),
		events:  map[rail.EventKey]*record{},
		boards:  map[int64]*board{},
		trips:   map[string][]*record{},
		turns:   map[rail.StopID][]*record{},
		unknown: waiting{max: o.MaxUnknown, timelines: map[rail.EventKey]*timeline{}, told: map[rail.EventKey]*rail.Change{}},
	}
}

// AddPlan adds planned events. A plan never changes: of an event that is known
// already only the earlier poll time is taken. A plan is known from its poll
// time on; without a poll time it was always known.
func (s *State) AddPlan(plans []rail.PlannedEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range plans {
		if r, known := s.events[plans[i].Key()]; known {
			s.advance(r, instantOf(plans[i].PolledAt))
			continue
		}
		s.insert(newRecord(plans[i]))
	}
}

func newRecord(p rail.PlannedEvent) *record {
	p.Planned = instantOf(p.Planned).time()
	p.PolledAt = instantOf(p.PolledAt).time()
	r := &record{plan: &p, key: p.Key(), planned: instantOf(p.Planned), planPolled: instantOf(p.PolledAt)}
	r.lineKey = lineOf(p)
	r.sectionKey = sectionOf(p)
	r.platformKey = p.Platform
	if ref, err := p.Stop.Parse(); err == nil {
		if start, err := rail.ParseTime(ref.Start, p.Planned); err == nil {
			r.tripStart = instantOf(start)
		}
	}
	return r
}

// advance moves the time from which a plan was known to an earlier poll.
func (s *State) advance(r *record, polled instant) {
	if polled >= r.planPolled {
		return
	}
	r.planPolled = polled
	plan := *r.plan
	plan.PolledAt = polled.time()
	r.plan = &plan
	s.boards[r.plan.EVA].invalidate(r, polled+s.lag)
}

func (s *State) insert(r *record) {
	s.events[r.key] = r
	b := s.boards[r.plan.EVA]
	if b == nil {
		b = newBoard()
		s.boards[r.plan.EVA] = b
	}
	b.insert(r)
	s.trips[r.plan.Trip] = insertSorted(s.trips[r.plan.Trip], r, byTravel)
	if next := rail.StopID(r.plan.NextTrip); next != "" {
		s.turns[next] = insertSorted(s.turns[next], r, byPlanned)
	}
	if t := s.unknown.take(r.key); t != nil {
		t.dropBefore(r.planned - milliseconds(ChangeReach))
		r.timeline = *t
	}
	b.invalidate(r, r.planPolled+s.lag)
}

// AddChanges adds observed changes, in any order; one that was added before is
// ignored. Changes of events without a plan wait for it.
func (s *State) AddChanges(changes []rail.Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range changes {
		r := s.events[c.Key()]
		if r == nil {
			s.unknown.add(c)
			continue
		}
		polled := instantOf(c.PolledAt)
		if polled >= r.planned-milliseconds(ChangeReach) && r.add(c) {
			s.boards[r.plan.EVA].invalidate(r, polled+s.lag)
		}
	}
}

// Forget drops events planned before a moment, and waiting changes last polled
// before it. Answers stay exact for events planned at least PlanReach later.
func (s *State) Forget(before time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := instantOf(before)
	for key, r := range s.events {
		if r.planned < limit {
			delete(s.events, key)
			drop(s.trips, r.plan.Trip, r)
			drop(s.turns, rail.StopID(r.plan.NextTrip), r)
		}
	}
	for eva, b := range s.boards {
		if b.forget(limit); len(b.events) == 0 {
			delete(s.boards, eva)
		}
	}
	s.unknown.forget(limit)
}

// Plan is the planned event of a key. The State shares it: read only.
func (s *State) Plan(key rail.EventKey) (*rail.PlannedEvent, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.events[key]
	if r == nil {
		return nil, false
	}
	return r.plan, true
}

// Plans lists the events of a station planned in [from, to), by planned time.
// The State shares them: read only.
func (s *State) Plans(eva int64, from, to time.Time) []*rail.PlannedEvent {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b := s.boards[eva]
	if b == nil {
		return nil
	}
	records := b.between(instantOf(from), instantOf(to))
	plans := make([]*rail.PlannedEvent, len(records))
	for i, r := range records {
		plans[i] = r.plan
	}
	return plans
}

// Size says what a State holds.
type Size struct {
	Events  int // planned events
	Unknown int // events without a plan whose changes wait
}

// Size counts what is held.
func (s *State) Size() Size {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return Size{Events: len(s.events), Unknown: len(s.unknown.timelines)}
}

// byPlanned orders events by time; by key where times are equal, so that the
// order never depends on how they came.
func byPlanned(a, b *record) int {
	return cmp.Or(cmp.Compare(a.planned, b.planned), cmp.Compare(a.key.Stop, b.key.Stop), cmp.Compare(a.key.Kind, b.key.Kind))
}

// byTravel orders the events of one trip; "arrival" sorts before "departure".
func byTravel(a, b *record) int {
	return cmp.Or(cmp.Compare(a.plan.Index, b.plan.Index), cmp.Compare(a.key.Kind, b.key.Kind), cmp.Compare(a.key.Stop, b.key.Stop))
}

func insertSorted(records []*record, r *record, order func(a, b *record) int) []*record {
	if n := len(records); n == 0 || order(records[n-1], r) < 0 {
		return append(records, r)
	}
	at, _ := slices.BinarySearchFunc(records, r, order)
	return slices.Insert(records, at, r)
}

func drop[K comparable](index map[K][]*record, key K, r *record) {
	rest := slices.DeleteFunc(index[key], func(o *record) bool { return o == r })
	if len(rest) == 0 {
		delete(index, key)
		return
	}
	index[key] = rest
}
