// Package collect holds the activities that bring timetables and changes into
// the house: polls over HTTP and recording archives, both through one ingestion.
package collect

import (
	"context"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/internal/timetables"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Ahead is how far ahead of the present plans are fetched: enough for the
// longest horizon and a board of some hours.
const Ahead = 6 * time.Hour

// Clock tells domain time.
type Clock interface{ Now() time.Time }

// Raw keeps responses as they came.
type Raw interface {
	PutContent(ctx context.Context, prefix, suffix string, body []byte) (schemas.ObjectRef, error)
	// KeepFile writes a local file as the object of ref, unless it is there
	// already. beat is called at every read; its error ends the write.
	KeepFile(ctx context.Context, ref schemas.ObjectRef, path string, beat func() error) error
}

// Cursors remember through which moment a group was collected.
type Cursors interface {
	// Cursor answers the moment, the zero time for a group never collected.
	Cursor(ctx context.Context, group string) (time.Time, error)
	// Advance moves it forward; moving it back changes nothing.
	Advance(ctx context.Context, group string, through time.Time) error
}

// Store takes observations. Every write is repeatable under its token.
type Store interface {
	InsertPlan(ctx context.Context, batch schema.Batch, events []rail.PlannedEvent, firstSeq uint64) error
	InsertChanges(ctx context.Context, batch schema.Batch, changes []rail.Change) error
	InsertPolls(ctx context.Context, token string, polls []schema.Poll) error
	InsertQuarantine(ctx context.Context, token string, refused []schema.Quarantine) error
	InsertCoverage(ctx context.Context, token string, hours []schema.Coverage) error
	InsertUnknown(ctx context.Context, token string, unknown []schema.Unknown) error
	InsertSource(ctx context.Context, token string, s schema.Source) error
	Polls(ctx context.Context, q schema.PollQuery) ([]schema.Poll, error)
	// StationHealth answers for every station of the query with a poll.
	StationHealth(ctx context.Context, q schema.HealthQuery) ([]schema.StationHealth, error)
}

// Activities are the steps of collection. All fields are required but those
// that say what their zero value means.
type Activities struct {
	Source timetables.Source
	// Stations lists what a group collects.
	Stations func(ctx context.Context, group string) ([]rail.Station, error)
	Raw      Raw
	Cursors  Cursors
	Store    Store
	Clock    Clock
	// Name of the source in the store: rows of different sources never meet.
	Name string
	// Past says that the source answers for past moments, as a replay does;
	// a live one is asked about now alone.
	Past bool
	// Begin is the start of a source that has one; zero for a live one.
	Begin time.Time
	// Every is the pause between polls where the source does not say when its
	// next answer is due.
	Every time.Duration
	// FullEvery is how often a live source is asked for all changes of a station
	// without a gap known of, the stations of a group one after the other; zero
	// asks after gaps alone.
	FullEvery time.Duration
	// CallsPerMinute is the limit of a live source over all its stations; zero
	// has none. AllStations is how many stations share it, those of the group
	// where it is zero.
	CallsPerMinute int
	AllStations    func(ctx context.Context) (int, error)
	// Recordings is the directory an import without one reads.
	Recordings string
	// Provenance is that of recordings whose import states none.
	Provenance schemas.Provenance
}

// response is an answer, or the lack of one.
type response struct {
	timetables.Response
	status schema.PollStatus
	reason string
}

func (r response) isPlan() bool { return r.Call.Kind == timetables.CallPlan }
