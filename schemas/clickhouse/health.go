package clickhouse

import "time"

// HealthQuery asks how the collection of stations goes.
type HealthQuery struct {
	Source string // required
	Group  string // station group; empty = all
	// Now is the moment of the question, Reach how far back polls are looked at.
	Now   time.Time
	Reach time.Duration
	// Forgets is how long the source knows a recent change, so that a longer
	// pause is a gap until an fchg was answered; zero for a source with a past,
	// which forgets nothing.
	Forgets time.Duration
}

// StationHealth is how the collection of one station goes, by its polls for
// changes.
type StationHealth struct {
	EVA      int64
	LastOK   time.Time // last answered poll, zero without one
	Failures int       // polls without an answer since then
	Asked    int       // polls in the last hour
	Answered int       // of them
	// GapSince is the beginning of the oldest gap that no fchg has healed, zero
	// without one. Where no fchg was ever answered it is the first poll.
	GapSince time.Time
	Error    string // of the last poll without an answer, empty where the last was answered
}

// Unknown is an attribute or an element the published schema does not have, in
// one batch of responses.
type Unknown struct {
	Source   string
	Group    string
	Element  string // where it stands
	Name     string // @name of an attribute, else of a child element
	PolledAt time.Time
	EVA      int64
	Count    uint64
	Example  string // its first value
	File     string
	RawKey   string
}

// UnknownName sums Unknown over batches.
type UnknownName struct {
	Element, Name       string
	Count               uint64
	FirstSeen, LastSeen time.Time
	Example, File       string // of the first
	RawKey              string
}
