package xgb

import (
	"fmt"

	"puenktlich/internal/forest"
)

// Batch is some rows of a data set.
type Batch struct {
	Rows    []float32 // row-major, rows x Columns; NaN is missing
	Columns int
	Labels  []float32 // one a row
	Weights []float32 // one a row, or none in any batch
}

// Batches is a data set that is read several times (four for one matrix) and
// must be the same each time. A batch need only stay as it is until the
// following call; it is not changed. Calls come one at a time.
type Batches interface {
	// Reset goes back to before the first batch.
	Reset() error
	// Next gives the next batch, or false after the last one.
	Next() (Batch, bool, error)
}

// FromSlices makes batches of batchRows rows out of a data set in memory, which
// it keeps and does not change. weights may be nil.
func FromSlices(data Batch, batchRows int) Batches {
	return &sliceBatches{data: data, batchRows: max(batchRows, 1)}
}

type sliceBatches struct {
	data      Batch
	batchRows int
	start     int // first row of the next batch
}

func (s *sliceBatches) Reset() error {
	s.start = 0
	return nil
}

func (s *sliceBatches) Next() (Batch, bool, error) {
	if err := s.data.checkShape(); err != nil {
		return Batch{}, false, err
	}
	from, to := s.start, min(s.start+s.batchRows, len(s.data.Labels))
	if from >= to {
		return Batch{}, false, nil
	}
	s.start = to
	part := Batch{
		Rows:    s.data.Rows[from*s.data.Columns : to*s.data.Columns],
		Columns: s.data.Columns,
		Labels:  s.data.Labels[from:to],
	}
	if s.data.Weights != nil {
		part.Weights = s.data.Weights[from:to]
	}
	return part, true, nil
}

// checkShape compares the lengths of a batch.
func (b *Batch) checkShape() error {
	if b.Columns < 1 || b.Columns > forest.MaxFeatures {
		return fmt.Errorf("%d columns; want 1 to %d", b.Columns, forest.MaxFeatures)
	}
	if len(b.Rows) != len(b.Labels)*b.Columns {
		return fmt.Errorf("%d values for %d labels of %d columns", len(b.Rows), len(b.Labels), b.Columns)
	}
	if b.Weights != nil && len(b.Weights) != len(b.Labels) {
		return fmt.Errorf("%d weights for %d rows", len(b.Weights), len(b.Labels))
	}
	return nil
}

// fillKnown copies rows to out with missing values replaced. firstRow is the
// number of the first row, for the message.
func fillKnown(out, rows []float32, columns, firstRow int) error {
	for i, x := range rows {
		if x != x {
			x = forest.Sentinel
		} else if err := forest.CheckValue(x); err != nil {
			return fmt.Errorf("row %d column %d: %w", firstRow+i/columns, i%columns, err)
		}
		out[i] = x
	}
	return nil
}
