package timetables

import (
	"context"
	"errors"
	"time"

	"puenktlich/internal/rail"
)

// CallKind is one of the calls of the Timetables API.
type CallKind string

// The calls the collector makes.
const (
	CallPlan   CallKind = "plan" // planned stops of one station in one hour
	CallRecent CallKind = "rchg" // changes of about the last two minutes
	CallFull   CallKind = "fchg" // all known changes from now on
)

// Call asks for one document.
type Call struct {
	Kind CallKind
	EVA  int64
	// Hour is the start of the hour of a plan call; unused otherwise.
	Hour time.Time
	// AsOf is the domain time of the question. A live API ignores it; a replay
	// or a simulation answers what it knew then.
	AsOf time.Time
}

// Response is one document as it came.
type Response struct {
	Call Call
	Body []byte
	// PolledAt is the domain time at which the answer was known: AsOf, or for a
	// replay the recorded moment of the poll (at or before AsOf).
	PolledAt time.Time
	// Next is the domain time from which a later answer differs, where the
	// source knows it: the next recorded poll. Zero otherwise.
	Next time.Time
}

// ErrNotFound says that the source has no such document: no plan file for that
// hour, or no poll at or before that moment.
var ErrNotFound = errors.New("no such document")

// Source answers the calls of the Timetables API: a recording, a simulated
// railway, or the client of a server. Implementations are safe for concurrent use.
type Source interface {
	Get(ctx context.Context, call Call) (Response, error)
}

// Network is a Source that knows its stations and its span of time, as
// recordings and simulations do.
type Network interface {
	Source
	Stations() []rail.Station
	// Span is the half-open range of domain time the source can answer;
	// a zero end means that it does not end.
	Span() (from, to time.Time)
}
