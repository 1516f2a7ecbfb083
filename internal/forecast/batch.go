package forecast

import (
	"fmt"
	"math"
	"slices"

	"puenktlich/internal/forest"
)

// Batch holds the forecasts of many rows. Its storage is used again by the next
// call that fills it.
type Batch struct {
	Edges      []int     // whole minutes
	Cumulative []float64 // rows x len(Edges), row-major: P(delay <= edge | runs)
	Cancelled  []float64 // rows: P(cancelled)
	onTime     int

	margins       []float32
	probabilities []float64
}

// Rows is the number of forecasts.
func (b *Batch) Rows() int { return len(b.Cancelled) }

// At is the forecast of row i, sharing the batch's storage.
func (b *Batch) At(i int) Distribution {
	n := len(b.Edges)
	return Distribution{Edges: b.Edges, Cumulative: b.Cumulative[i*n : (i+1)*n : (i+1)*n], Cancelled: b.Cancelled[i], onTime: b.onTime}
}

// Reset empties a batch of a model with these edges.
func (b *Batch) Reset(edges []int) {
	b.Edges, b.Cumulative, b.Cancelled = edges, b.Cumulative[:0], b.Cancelled[:0]
}

// Append adds the forecasts of another batch of the same model.
func (b *Batch) Append(other *Batch) {
	b.Edges, b.onTime = other.Edges, other.onTime
	b.Cumulative = append(b.Cumulative, other.Cumulative...)
	b.Cancelled = append(b.Cancelled, other.Cancelled...)
}

// RowError names the value that a batch cannot be evaluated for.
type RowError struct {
	Row    int    // from 0
	Column string // a feature
	Err    error
}

// Error counts rows from 0, as clients do.
func (e *RowError) Error() string { return fmt.Sprintf("row %d, %s: %v", e.Row, e.Column, e.Err) }

// Unwrap is the cause.
func (e *RowError) Unwrap() error { return e.Err }

// Forecasts fills b with the forecasts of rows (row-major, rows x features, NaN
// = not known), each at its horizon in minutes and each equal bit for bit to
// what Forecast answers. It keeps neither slice. A value that is infinite or
// below the sentinel is a *RowError; ErrNoProbability names the first row that has none.
func (m *Model) Forecasts(b *Batch, rows []float32, horizonMinutes []float64) error {
	n, width := len(horizonMinutes), len(m.artefact.Features)
	if len(rows) != n*width {
		return fmt.Errorf("forecasts: %d values for %d rows of %d features", len(rows), n, width)
	}
	if err := m.CheckRows(rows); err != nil {
		return err
	}
	classes := m.buckets.Classes()
	b.Edges, b.onTime = m.artefact.Edges, m.onTime
	b.Cumulative, b.Cancelled = resize(b.Cumulative, n*(classes-1)), resize(b.Cancelled, n)
	b.margins, b.probabilities = resize(b.margins, n*classes), resize(b.probabilities, n*classes)
	m.buckets.Margins(b.margins, rows)
	m.buckets.Probabilities(b.probabilities, b.margins)
	for i := range n {
		cumulative := b.At(i).Cumulative
		cumulate(cumulative, b.probabilities[i*classes:(i+1)*classes])
		if none(cumulative, 0) {
			return fmt.Errorf("row %d: %w", i, ErrNoProbability)
		}
		m.artefact.Calibration.ApplyCumulative(cumulative, cumulative, horizonMinutes[i])
	}
	m.cancellations(b, rows, horizonMinutes)
	if i := slices.IndexFunc(b.Cancelled, math.IsNaN); i >= 0 {
		return fmt.Errorf("row %d: %w", i, ErrNoProbability)
	}
	return nil
}

func (m *Model) cancellations(b *Batch, rows []float32, horizonMinutes []float64) {
	if m.cancel == nil {
		for i := range b.Cancelled {
			b.Cancelled[i] = m.artefact.CancelRate
		}
		return
	}
	margins := b.margins[:len(b.Cancelled)]
	m.cancel.Margins(margins, rows)
	m.cancel.Probabilities(b.Cancelled, margins)
	if c := m.artefact.CancelCalibration; c != nil {
		for i := range b.Cancelled {
			p := b.Cancelled[i : i+1]
			c.ApplyCumulative(p, p, horizonMinutes[i])
		}
	}
}

// CheckRows finds the first value of rows that no forecast can be made of: a
// *RowError.
func (m *Model) CheckRows(rows []float32) error {
	for i, x := range rows {
		if x-x == 0 && x >= forest.Sentinel || math.IsNaN(float64(x)) {
			continue
		}
		width := len(m.artefact.Features)
		return &RowError{Row: i / width, Column: m.artefact.Features[i%width], Err: forest.CheckValue(x)}
	}
	return nil
}

func resize[T any](s []T, n int) []T { return slices.Grow(s[:0], n)[:n] }
