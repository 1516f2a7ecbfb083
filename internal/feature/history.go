package feature

import (
	"maps"
	"strconv"

	"puenktlich/internal/rail"
)

// HistoryKind says what a count of earlier days is about.
type HistoryKind string

// The kinds of history. All but the widest hold arrivals and departures apart
// through their value.
const (
	ByTrain    HistoryKind = "train"    // category, number, station, arrival or departure
	ByLine     HistoryKind = "line"     // line or else category, station, arrival or departure
	ByCategory HistoryKind = "category" // category, arrival or departure
	ByAll      HistoryKind = "all"      // everything
)

// HistoryKey names one count: a row of the daily aggregates.
type HistoryKey struct {
	Kind  HistoryKind
	Value string
}

// Counts of settled events. Unknown outcomes are in none of them.
type Counts struct {
	Events    int64 // that ran, with a known time
	Late      int64 // of these
	Cancelled int64 // beside the events that ran
	DelaySum  int64 // whole minutes over Events, each held within -10 and 60
}

// CountsOf is the share of one settled event in its keys.
func CountsOf(t rail.Truth) Counts {
	if t.Cancelled {
		return Counts{Cancelled: 1}
	}
	c := Counts{Events: 1, DelaySum: int64(min(max(t.DelayMinutes(), earliestCounted), latestCounted))}
	if t.Late() {
		c.Late = 1
	}
	return c
}

// Plus adds counts.
func (c Counts) Plus(o Counts) Counts {
	return Counts{c.Events + o.Events, c.Late + o.Late, c.Cancelled + o.Cancelled, c.DelaySum + o.DelaySum}
}

// Keys are the counts an event enters, and those looked up for it: one of each
// kind, in the order train, line, category, all.
func Keys(p *rail.PlannedEvent) [4]HistoryKey {
	eva, kind := strconv.FormatInt(p.EVA, 10), string(p.Kind)
	return [4]HistoryKey{
		{ByTrain, p.Train.Category + " " + p.Train.Number + "|" + eva + "|" + kind},
		{ByLine, lineOf(*p) + "|" + eva + "|" + kind},
		{ByCategory, p.Train.Category + "|" + kind},
		{ByAll, ""},
	}
}

// History is the counts of earlier days. Fill it with days before the one it is
// used for; it is safe for concurrent reading, not while it is filled.
type History struct{ counts map[HistoryKey]Counts }

// NewHistory makes an empty History.
func NewHistory() *History { return &History{counts: map[HistoryKey]Counts{}} }

// Add adds counts to a key.
func (h *History) Add(key HistoryKey, c Counts) { h.counts[key] = h.counts[key].Plus(c) }

// AddEvent adds one settled event to all its keys.
func (h *History) AddEvent(p *rail.PlannedEvent, t rail.Truth) {
	c := CountsOf(t)
	for _, key := range Keys(p) {
		h.Add(key, c)
	}
}

// Lookup is the counts of a key; false if there are none.
func (h *History) Lookup(key HistoryKey) (Counts, bool) {
	c, ok := h.counts[key]
	return c, ok
}

// Clone copies, so that a day can be added while the days before stay usable.
func (h *History) Clone() *History { return &History{counts: maps.Clone(h.counts)} }

// Len counts the keys.
func (h *History) Len() int { return len(h.counts) }
