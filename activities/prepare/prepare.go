// Package prepare holds the activities that turn observations into ground truth
// and into data sets: settlement, daily history, point-in-time features.
package prepare

import (
	"context"
	"time"

	"puenktlich/internal/livestate"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Clock tells domain time.
type Clock interface{ Now() time.Time }

// Store is what preparation reads and writes. Reads of a source never see
// another's rows.
type Store interface {
	Timelines(ctx context.Context, q schema.TimelineQuery, visit func(rail.PlannedEvent, []rail.Change) error) error
	PollTimes(ctx context.Context, q schema.PollQuery) (map[int64][]time.Time, error)
	Truth(ctx context.Context, q schema.TruthQuery, visit func(rail.Truth) error) error
	InsertTruth(ctx context.Context, batch schema.Batch, settledAt time.Time, truths []rail.Truth) error
	Daily(ctx context.Context, q schema.DailyQuery) ([]schema.DailySum, error)
	InsertDaily(ctx context.Context, token string, counts []schema.Daily) error
	Days(ctx context.Context, source string) (schema.DaySpan, error)
	Coverage(ctx context.Context, q schema.CoverageQuery) ([]schema.Coverage, error)
	Sources(ctx context.Context, source, before string) ([]schema.Source, error)
}

// Objects keeps parts and manifests by their content.
type Objects interface {
	PutContent(ctx context.Context, prefix, suffix string, body []byte) (schemas.ObjectRef, error)
	GetContent(ctx context.Context, ref schemas.ObjectRef) ([]byte, error)
}

// Activities are the steps of settlement and preparation. All fields but Lag,
// CodeVersion and Histories are required.
type Activities struct {
	Store   Store
	Objects Objects
	Clock   Clock
	// Name of the source whose rows are read.
	Name string
	// Provenance travels with every data set.
	Provenance schemas.Provenance
	// Lag is how long after its poll a change reaches the live state; training
	// knows a change only from poll + Lag on.
	Lag time.Duration
	// CodeVersion stands in the manifest of every data set.
	CodeVersion string
	// Histories spares the part of a day from reading all days before it. Nil
	// reads them.
	Histories *livestate.HistoryCache
}

func (a *Activities) asOf(t time.Time) time.Time {
	if t.IsZero() {
		return a.Clock.Now()
	}
	return t
}
