package learn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"puenktlich/internal/dataset"
	"puenktlich/internal/learn/xgb"
	"puenktlich/internal/rail"
)

// Source is the rows of a data set, the same in the same order each time, those
// of one day together.
type Source interface {
	// Version is that of the feature catalogue, Names the features in order.
	Version() string
	Names() []string
	// Batches begins at the first row. The function it answers gives the next
	// batch, which is not to be changed, and io.EOF after the last one. One
	// reading ends before the next begins.
	Batches() func() (*dataset.Table, error)
}

// Whole is a Source of one table in memory.
func Whole(table *dataset.Table) Source { return whole{table} }

type whole struct{ table *dataset.Table }

func (w whole) Version() string { return w.table.Version }
func (w whole) Names() []string { return w.table.Names }

func (w whole) Batches() func() (*dataset.Table, error) {
	given := false
	return func() (*dataset.Table, error) {
		if given {
			return nil, io.EOF
		}
		given = true
		return w.table, nil
	}
}

// StorageError says that data could not be read, or a checkpoint not be read or
// written: it has nothing to do with what is learned.
type StorageError struct{ Err error }

func (e *StorageError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *StorageError) Unwrap() error { return e.Err }

// stored marks an error of reading or writing.
func stored(err error) error {
	if err == nil {
		return nil
	}
	return &StorageError{Err: err}
}

// Data is the part of a Source that a learner is given: some rows, with some
// features hidden.
type Data struct {
	source Source
	keep   func(dataset.Row) bool // nil keeps every settled event
	hidden []bool                 // by feature; nil hides none
	days   []rail.Day             // kept, ascending; nil where they were not told
	weight map[rail.Day]float32   // of a row of each kept day; nil weighs all alike
}

// each visits the rows batch by batch; a batch without rows is left out. A
// hidden feature is NaN, as if it were not known.
func (d Data) each(ctx context.Context, visit func(*dataset.Table) error) error {
	next := d.batches(ctx)
	for {
		batch, err := next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := visit(batch); err != nil {
			return err
		}
	}
}

func (d Data) batches(ctx context.Context) func() (*dataset.Table, error) {
	next := d.source.Batches()
	return func() (*dataset.Table, error) {
		for {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			batch, err := next()
			if errors.Is(err, io.EOF) {
				return nil, io.EOF
			}
			if err != nil {
				return nil, stored(err)
			}
			if batch = d.part(batch); len(batch.Rows) > 0 {
				return batch, nil
			}
		}
	}
}

// part is what the learner may see of a batch: a copy, unless that is all.
func (d Data) part(batch *dataset.Table) *dataset.Table {
	if d.keep == nil && d.hidden == nil {
		return batch
	}
	batch = batch.Filter(func(r dataset.Row) bool { return d.keep == nil || d.keep(r) })
	for column, hide := range d.hidden {
		if !hide {
			continue
		}
		for i := column; i < len(batch.Features); i += len(batch.Names) {
			batch.Features[i] = float32(math.NaN())
		}
	}
	return batch
}

// on keeps the rows of these days, ascending, that a delay can be learned from.
func (d Data) on(days []rail.Day) Data {
	d.days, d.keep = days, func(r dataset.Row) bool { return ran(r) && among(days, r.EventDay) }
	return d
}

// aged weighs rows by the age of their day: half as much with each half-life that it
// lies before the newest kept day, one on the mean of the days, so that parameters
// that weigh rows against a constant keep their meaning.
func (d Data) aged(halfLifeDays float64) Data {
	if halfLifeDays == 0 || len(d.days) == 0 {
		return d
	}
	newest, sum := d.days[len(d.days)-1].Start(), 0.0
	weights := make([]float64, len(d.days))
	for i, day := range d.days {
		weights[i] = math.Exp2(-math.Round(newest.Sub(day.Start()).Hours()/24) / halfLifeDays)
		sum += weights[i]
	}
	d.weight = make(map[rail.Day]float32, len(d.days))
	for i, day := range d.days {
		d.weight[day] = float32(weights[i] * float64(len(d.days)) / sum)
	}
	return d
}

// without drops the rows of some trips.
func (d Data) without(trips map[string]struct{}) Data {
	if len(trips) == 0 {
		return d
	}
	before := d.keep
	d.keep = func(r dataset.Row) bool {
		_, out := trips[r.Trip]
		return !out && (before == nil || before(r))
	}
	return d
}

// ran says that a delay can be learned from the row: the event ran, with a
// changed time observed.
func ran(r dataset.Row) bool { return !r.Cancelled && r.Evidence == rail.ChangeObserved }

// labelled feeds the data to the XGBoost library.
func (d Data) labelled(ctx context.Context, label func(dataset.Row) float32) xgb.Batches {
	return &feed{ctx: ctx, data: d, label: label}
}

type feed struct {
	ctx   context.Context
	data  Data
	label func(dataset.Row) float32
	next  func() (*dataset.Table, error)
}

func (f *feed) Reset() error {
	f.next = f.data.batches(f.ctx)
	return nil
}

func (f *feed) Next() (xgb.Batch, bool, error) {
	rows, err := f.next()
	if errors.Is(err, io.EOF) {
		return xgb.Batch{}, false, nil
	}
	if err != nil {
		return xgb.Batch{}, false, err
	}
	labels := make([]float32, len(rows.Rows))
	for i, row := range rows.Rows {
		labels[i] = f.label(row)
	}
	return xgb.Batch{Rows: rows.Features, Columns: len(rows.Names), Labels: labels, Weights: f.data.weights(rows)}, true, nil
}

// weights are those of the rows, nil where all weigh alike.
func (d Data) weights(rows *dataset.Table) []float32 {
	if d.weight == nil {
		return nil
	}
	weights := make([]float32, len(rows.Rows))
	for i, row := range rows.Rows {
		weights[i] = d.weight[row.EventDay]
	}
	return weights
}

// hide gives the hidden features, nil for none. It refuses a feature the data
// does not have and a set that leaves none.
func hide(names []string, visible func(string) bool) ([]bool, error) {
	if visible == nil {
		return nil, nil
	}
	hidden, seen := make([]bool, len(names)), 0
	for i, name := range names {
		if hidden[i] = !visible(name); !hidden[i] {
			seen++
		}
	}
	if seen == 0 {
		return nil, fmt.Errorf("train: the feature set has none of the %d features of the data set", len(names))
	}
	return hidden, nil
}
