package feature

import (
	"slices"
	"sync"
	"time"

	"puenktlich/internal/rail"
)

const (
	// grid is the step at which the state of a station is counted.
	grid = instant(5 * time.Minute / time.Millisecond)
	// window is how far it counts, back and ahead.
	window = instant(time.Hour / time.Millisecond)
	// maxTicks bounds the kept counts of one station: three and a half days.
	maxTicks = 1024
	// The delays that count fully in a sum; one train five hours late must not
	// hide the others.
	earliestCounted, latestCounted = -10, 60
)

// board is the events of one station.
type board struct {
	events    []*record            // by planned time
	platforms map[string][]*record // by planned time

	mu     sync.Mutex // guards what follows, for readers that fill it
	ticks  map[instant]*pulse
	latest instant // newest of the ticks
}

// pulse is the traffic of a station as known at one whole five minutes.
type pulse struct {
	station, ahead Traffic
	lines          map[string]Traffic
	sections       map[string]Traffic
}

func newBoard() *board {
	return &board{platforms: map[string][]*record{}, ticks: map[instant]*pulse{}}
}

func (b *board) insert(r *record) {
	b.events = insertSorted(b.events, r, byPlanned)
	if r.platformKey != "" {
		b.platforms[r.platformKey] = insertSorted(b.platforms[r.platformKey], r, byPlanned)
	}
}

// between lists the events planned in [from, to).
func (b *board) between(from, to instant) []*record {
	return between(b.events, from, to)
}

func between(records []*record, from, to instant) []*record {
	planned := func(r *record, t instant) int {
		if r.planned < t {
			return -1
		}
		return 1
	}
	first, _ := slices.BinarySearchFunc(records, from, planned)
	end, _ := slices.BinarySearchFunc(records, to, planned)
	return records[first:max(first, end)]
}

// invalidate drops the counts that an event entered, from the first cut-off on
// that sees what became known of it.
func (b *board) invalidate(r *record, from instant) {
	if b.latest < from || len(b.ticks) == 0 {
		return
	}
	first := tickOf(max(from, r.planned-window))
	for tick := first; tick <= r.planned+window; tick += grid {
		delete(b.ticks, tick)
	}
}

func (b *board) forget(before instant) {
	gone := func(r *record) bool { return r.planned < before }
	b.events = slices.DeleteFunc(b.events, gone)
	for key, records := range b.platforms {
		if b.platforms[key] = slices.DeleteFunc(records, gone); len(b.platforms[key]) == 0 {
			delete(b.platforms, key)
		}
	}
	clear(b.ticks)
	b.latest = 0
}

// tickOf is the last whole five minutes of UTC at or before an instant.
func tickOf(i instant) instant { return i - i%grid }

// pulse counts the traffic at a tick, or finds it counted. The caller holds at
// least the read lock of the State.
func (b *board) pulse(tick, lag instant) *pulse {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.ticks[tick]; p != nil {
		return p
	}
	if len(b.ticks) >= maxTicks {
		clear(b.ticks)
		b.latest = 0
	}
	p := b.count(tick, lag)
	b.ticks[tick] = p
	b.latest = max(b.latest, tick)
	return p
}

// count looks at every event planned within the window around the tick, as it
// was known at the tick.
func (b *board) count(tick, lag instant) *pulse {
	p := &pulse{lines: map[string]Traffic{}, sections: map[string]Traffic{}}
	visible := tick - lag
	for _, r := range b.between(tick-window, tick+window) {
		if r.planPolled > visible {
			continue
		}
		known := r.at(visible)
		if r.planned >= tick {
			p.ahead.count(known, r.planned)
			continue
		}
		p.station.count(known, r.planned)
		countIn(p.lines, r.lineKey, known, r.planned)
		countIn(p.sections, r.sectionKey, known, r.planned)
	}
	return p
}

func countIn(traffic map[string]Traffic, key string, known *facts, planned instant) {
	t := traffic[key]
	t.count(known, planned)
	traffic[key] = t
}

func (t *Traffic) count(known *facts, planned instant) {
	t.Events++
	if known.cancelled() {
		t.Cancelled++
		return
	}
	delay, ok := known.delayMinutes(planned)
	if !ok {
		return
	}
	t.Known++
	if !rail.OnTime(delay) {
		t.Late++
	}
	t.DelaySumMinutes += min(max(delay, earliestCounted), latestCounted)
}

// lineOf is what runs as one line: the line, else the category of the train.
func lineOf(p rail.PlannedEvent) string {
	if p.Line != "" {
		return p.Train.Category + " " + p.Line
	}
	return p.Train.Category
}

// sectionOf is the way in or out: the kind and the station next to this one.
func sectionOf(p rail.PlannedEvent) string {
	switch {
	case len(p.Path) == 0:
		return string(p.Kind)
	case p.Kind == rail.Arrival:
		return string(p.Kind) + " " + p.Path[len(p.Path)-1]
	}
	return string(p.Kind) + " " + p.Path[0]
}
