package xgb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/ebitengine/purego"
)

// matrix is a QuantileDMatrix of the library and what was seen while it was
// built.
type matrix struct {
	l         *Library
	handle    unsafe.Pointer
	rows      int
	columns   int
	classRows []int // rows by label
}

func (m *matrix) free() {
	if m != nil && m.handle != nil {
		m.l.c.matrixFree(m.handle)
		m.handle = nil
	}
}

// feed hands batches to the library, which calls back for them in several
// passes. It remembers the first error: a callback that reports one to the
// library would be called for ever.
type feed struct {
	l      *Library
	ctx    context.Context
	source Batches
	params Params
	proxy  unsafe.Pointer
	err    error

	columns   int
	weighted  bool
	batches   int // of this pass
	rows      int // of this pass
	passRows  int // of the first complete pass, -1 before
	classRows []int
	current   Batch // a copy of the batch the library is reading
	pinned    runtime.Pinner
}

// The library knows a feed by its number: it must hold no Go pointer. The
// number of callbacks a process can make is limited, so all feeds share two.
var (
	feeds     sync.Map // uintptr -> *feed
	feedCount atomic.Uintptr
	callbacks = sync.OnceValues(func() (reset, next uintptr) {
		return purego.NewCallback(resetFeed), purego.NewCallback(nextBatch)
	})
)

func resetFeed(id uintptr) {
	if f, ok := feeds.Load(id); ok {
		f.(*feed).reset()
	}
}

// nextBatch answers 1 with a batch set, or 0 at the end and after an error;
// never -1, which the library takes for one more batch.
func nextBatch(id uintptr) uintptr {
	f, ok := feeds.Load(id)
	if !ok || !f.(*feed).next() {
		return 0
	}
	return 1
}

// newMatrix builds a matrix from all batches. reference, if not nil, is the
// training matrix whose bins it takes over.
func (l *Library) newMatrix(ctx context.Context, source Batches, params Params, reference *matrix) (*matrix, error) {
	f := &feed{l: l, ctx: ctx, source: source, params: params, passRows: -1}
	if err := f.first(); err != nil {
		return nil, err
	}
	if err := l.check("create proxy matrix", l.c.proxyCreate(&f.proxy)); err != nil {
		return nil, err
	}
	defer l.c.matrixFree(f.proxy)
	id := feedCount.Add(1)
	feeds.Store(id, f)
	defer feeds.Delete(id)
	defer f.pinned.Unpin()

	m := &matrix{l: l, columns: f.columns}
	var from unsafe.Pointer
	if reference != nil {
		from = reference.handle
	}
	reset, next := callbacks()
	config := fmt.Sprintf(`{"missing":NaN,"nthread":%d,"max_bin":%d}`, params.Threads, params.MaxBin)
	code := l.c.quantileCreate(id, f.proxy, from, reset, next, config, &m.handle)
	err := f.err
	if err == nil {
		err = l.check("create matrix", code)
	}
	if err == nil {
		err = m.complete(f)
	}
	if err != nil {
		m.free()
		return nil, err
	}
	return m, nil
}

// complete takes the counts of a feed and compares them with the library's.
func (m *matrix) complete(f *feed) error {
	var rows uint64
	if err := m.l.check("count rows", m.l.c.matrixRows(m.handle, &rows)); err != nil {
		return err
	}
	if int(rows) != f.passRows {
		return fmt.Errorf("the library has %d rows of %d", rows, f.passRows)
	}
	m.rows, m.classRows = f.passRows, f.classRows
	return nil
}

// first reads one batch before the library does: for the number of columns,
// and because the library does not answer well to a data set without rows.
func (f *feed) first() error {
	if err := f.source.Reset(); err != nil {
		return fmt.Errorf("reset batches: %w", err)
	}
	for {
		b, ok, err := f.source.Next()
		if err != nil {
			return fmt.Errorf("batch 0: %w", err)
		}
		if !ok {
			return errors.New("no rows")
		}
		if err := b.checkShape(); err != nil {
			return fmt.Errorf("batch 0: %w", err)
		}
		if len(b.Labels) > 0 {
			f.columns, f.weighted = b.Columns, b.Weights != nil
			return nil
		}
	}
}

func (f *feed) reset() {
	f.guard(func() error {
		f.batches, f.rows = 0, 0
		if f.passRows < 0 {
			f.classRows = make([]int, f.params.labels())
		}
		return f.source.Reset()
	})
}

// next sets the next batch on the proxy and says whether there was one.
func (f *feed) next() (more bool) {
	f.guard(func() error {
		if err := f.ctx.Err(); err != nil {
			return err
		}
		for {
			b, ok, err := f.source.Next()
			if err != nil {
				return err
			}
			if !ok {
				return f.endPass()
			}
			if len(b.Labels) == 0 && len(b.Rows) == 0 {
				continue
			}
			if err := f.hand(b); err != nil {
				return err
			}
			more = true
			return nil
		}
	})
	return more && f.err == nil
}

// guard keeps the first error; after it nothing more is read. A panic must not
// unwind through the library's frames.
func (f *feed) guard(step func() error) {
	if f.err != nil {
		return
	}
	defer func() {
		if cause := recover(); cause != nil {
			f.err = fmt.Errorf("batch %d: panic: %v", f.batches, cause)
		}
	}()
	if err := step(); err != nil {
		f.err = fmt.Errorf("batch %d: %w", f.batches, err)
	}
}

// endPass compares the passes.
func (f *feed) endPass() error {
	if f.passRows >= 0 && f.passRows != f.rows {
		return fmt.Errorf("%d rows in this pass, %d in the first; batches must be the same each time", f.rows, f.passRows)
	}
	f.passRows = f.rows
	return nil
}

// hand checks a batch, copies it and gives the copy to the library, which reads
// the values until the next call and copies labels and weights.
func (f *feed) hand(b Batch) error {
	if err := b.checkShape(); err != nil {
		return err
	}
	if b.Columns != f.columns || (b.Weights != nil) != f.weighted {
		return fmt.Errorf("%d columns, weights %t; the first batch has %d, %t", b.Columns, b.Weights != nil, f.columns, f.weighted)
	}
	if err := f.take(b); err != nil {
		return err
	}
	f.batches, f.rows = f.batches+1, f.rows+len(b.Labels)
	f.pinned.Unpin()
	if err := f.l.check("set rows", f.l.c.proxySetDense(f.proxy, f.array(f.current.Rows, b.Columns))); err != nil {
		return err
	}
	if err := f.l.check("set labels", f.l.c.matrixSetInfo(f.proxy, "label", f.array(f.current.Labels, 0))); err != nil {
		return err
	}
	if !f.weighted {
		return nil
	}
	return f.l.check("set weights", f.l.c.matrixSetInfo(f.proxy, "weight", f.array(f.current.Weights, 0)))
}

// take copies a batch, with missing values replaced, checks labels and weights
// and counts labels in the first pass.
func (f *feed) take(b Batch) error {
	if cap(f.current.Rows) < len(b.Rows) {
		f.current.Rows = make([]float32, len(b.Rows))
	}
	f.current.Rows = f.current.Rows[:len(b.Rows)]
	f.current.Labels = append(f.current.Labels[:0], b.Labels...)
	f.current.Weights = append(f.current.Weights[:0], b.Weights...)
	for i, label := range b.Labels {
		if !(label >= 0 && int(label) < f.params.labels()) || label != float32(int(label)) {
			return fmt.Errorf("row %d: label %v; want a whole number from 0 to %d", f.rows+i, label, f.params.labels()-1)
		}
		if f.passRows < 0 {
			f.classRows[int(label)]++
		}
	}
	for i, weight := range b.Weights {
		if w := float64(weight); !(w >= 0) || math.IsInf(w, 1) {
			return fmt.Errorf("row %d: weight %v; want a finite number >= 0", f.rows+i, weight)
		}
	}
	return fillKnown(f.current.Rows, b.Rows, b.Columns, f.rows)
}

// array describes pinned values as a NumPy array interface (version 3) of one
// dimension, or of two if columns > 0.
func (f *feed) array(values []float32, columns int) string {
	f.pinned.Pin(&values[0])
	return arrayInterface(values, columns)
}

func arrayInterface(values []float32, columns int) string {
	shape := fmt.Sprint(len(values))
	if columns > 0 {
		shape = fmt.Sprintf("%d,%d", len(values)/columns, columns)
	}
	return fmt.Sprintf(`{"data":[%d,true],"shape":[%s],"typestr":"<f4","version":3}`,
		uintptr(unsafe.Pointer(&values[0])), shape)
}
