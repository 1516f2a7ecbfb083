package study

import (
	"context"
	"fmt"
	"slices"
	"time"

	"puenktlich/internal/forest"
	"puenktlich/internal/learn/xgb"
)

// speedRows is how many rows are evaluated for the speed.
const speedRows = 100_000

// Speed compares the library with our evaluation, on one model and the same
// rows, one after the other in one process.
type Speed struct {
	Library                string // its version
	Trees, Depth, Features int
	TrainRows, TrainRounds int
	// Train is the whole way to a model: forward chaining of all candidates,
	// the last fit, calibration, cancellations.
	Train time.Duration
	Rows  int
	// LibraryBatch is one call for all rows, loading the model included; Batch
	// and Single are ours, all rows at once and one by one.
	LibraryBatch, Batch, Single time.Duration
	Different                   int // margins that differ from the library's in any bit
}

// Race trains on the days that are not held out, and evaluates their rows,
// repeated, by both.
func (s Steps) Race(ctx context.Context, q Question, library *xgb.Library) (Speed, error) {
	table := q.free()
	begun := s.Stopwatch()
	m, err := s.fit(ctx, table)
	if err != nil {
		return Speed{}, fmt.Errorf("race: %w", err)
	}
	v := Speed{Library: library.Version(), Train: s.Stopwatch().Sub(begun), TrainRows: len(table.Ran().Rows), TrainRounds: m.rounds, Rows: speedRows}
	trees, err := forest.Parse(m.artefact.Buckets)
	if err != nil {
		return v, fmt.Errorf("race: %w", err)
	}
	v.Trees, v.Depth, v.Features = trees.Trees(), trees.Depth(), trees.Features()
	rows := repeated(table.Features, speedRows*trees.Features())
	begun = s.Stopwatch()
	theirs, err := library.Predict(m.artefact.Buckets, rows, trees.Features(), xgb.Margin)
	if err != nil {
		return v, fmt.Errorf("race: %w", err)
	}
	v.LibraryBatch = s.Stopwatch().Sub(begun)
	ours := make([]float32, len(theirs))
	begun = s.Stopwatch()
	trees.Margins(ours, rows)
	v.Batch = s.Stopwatch().Sub(begun)
	for i := range ours {
		if ours[i] != theirs[i] {
			v.Different++
		}
	}
	begun = s.Stopwatch()
	for i := range speedRows {
		trees.Margin(ours[:trees.Classes()], rows[i*trees.Features():(i+1)*trees.Features()])
	}
	v.Single = s.Stopwatch().Sub(begun)
	return v, nil
}

// repeated is values over and over, to a length.
func repeated(values []float32, length int) []float32 {
	return slices.Repeat(values, length/len(values)+1)[:length]
}
