package history

import (
	"time"

	"puenktlich/internal/rail"
)

// BatchRows bounds the rows of one Batch, and with a page of each column what
// is held in memory.
const BatchRows = 10_000

// MaxDelay is the longest delay, and the longest time ahead of the plan, that
// is believed. What lies beyond is a mistake of the file.
const MaxDelay = 24 * time.Hour

// maxTrip is how far from the start of its trip a planned time may lie.
const maxTrip = 4 * 24 * time.Hour

// Options of a Release or a CSV.
type Options struct {
	// Ahead is how long before its hour a plan counts as published. Required.
	Ahead time.Duration
}

// Place is where reading goes on: between two batches.
type Place struct {
	Group  int   `json:"group,omitempty"`  // Parquet: row groups done
	Row    int64 `json:"row,omitempty"`    // rows of the file before it
	Offset int64 `json:"offset,omitempty"` // CSV: bytes before it
	Line   int64 `json:"line,omitempty"`   // CSV: lines before it
}

// Batch is what some rows that follow each other say.
type Batch struct {
	Group    int   // Parquet: row group
	FirstRow int64 // of the file, from 0
	Rows     int
	Planned  []rail.PlannedEvent
	// Changes have no Seq: the writer of the station group gives it.
	Changes     []rail.Change
	Quarantined []Quarantined
	Equal       int // changed times that only repeat the plan, see Survey
	Unplanned   int // changed times without a planned one, left out
	// Next is where the rows after this batch begin, Bytes about how much of the
	// file lies before it.
	Next  Place
	Bytes int64
}

// Quarantined is one value that could not be used.
type Quarantined struct {
	File   string
	Row    int64  // of the file, from 1, a header not counted
	Line   int64  // CSV: of the file, from 1; 0 in Parquet
	Column string // empty where the row as a whole could not be read
	Value  string // as it stood there, cut to 120 bytes
	Reason string // what is wrong and what was wanted
	EVA    int64  // 0 where it could not be read
	// Near is about when the event was: the start of its trip, or 1970 where
	// that could not be read.
	Near time.Time
}

// table is what a Release and a CSV have in common.
type table struct {
	name    string
	size    int64 // bytes
	ahead   time.Duration
	columns layout
	fills   bool
}

// Name is the file's name without its directory.
func (t *table) Name() string { return t.name }

// SizeBytes is the size of the file.
func (t *table) SizeBytes() int64 { return t.size }

// Fills says that the file writes planned times where no change was seen, as
// Survey found.
func (t *table) Fills() bool { return t.fills }

// Surveyed takes what an earlier Survey of the same file found.
func (t *table) Surveyed(fills bool) { t.fills = fills }
