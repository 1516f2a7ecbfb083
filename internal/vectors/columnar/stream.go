package columnar

import (
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/float16"
	"github.com/apache/arrow/go/v17/arrow/ipc"

	"puenktlich/internal/vectors"
)

// Record is a record batch.
type Record = arrow.Record

// Stream reads an Arrow IPC stream, one record batch at a time.
type Stream struct {
	reader  *ipc.Reader
	columns *Columns
}

// Open reads the schema and holds it against the layout: every column is one of
// the model's, in any order. What is wrong with the stream is a *vectors.Error;
// what could not be read is a *ReadError. Its buffers take memory up to the
// limit, and beyond it, up to MaxStreamBytes, what raise lets them, else
// ErrMemory. The caller closes it.
func Open(r io.Reader, layout *vectors.Layout, mem Allocator, limitBytes int64, raise func(bytes int64) bool) (*Stream, error) {
	return open(r, layout, &budget{Allocator: mem, limit: limitBytes, raise: raise}, false)
}

// open lets other columns be there, where that is wanted.
func open(r io.Reader, layout *vectors.Layout, mem *budget, others bool) (*Stream, error) {
	s := &Stream{}
	source := &messages{r: r, mem: mem}
	var err error
	s.reader, err = ipc.NewReaderFromMessageReader(source, ipc.WithAllocator(mem))
	if err != nil {
		source.Release()
		return nil, unreadable(err)
	}
	if s.columns, err = Match(s.reader.Schema(), layout, others); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Next answers the next record batch, which is valid until the next call, and
// io.EOF after the last one.
func (s *Stream) Next() (arrow.Record, error) {
	if s.reader.Next() {
		record := s.reader.Record()
		if record.NumRows() > vectors.MaxRows {
			return nil, vectors.TooLarge("a record batch has %d rows, at most %d are taken: send more batches", record.NumRows(), vectors.MaxRows)
		}
		return record, nil
	}
	if err := s.reader.Err(); err != nil {
		return nil, unreadable(err)
	}
	return nil, io.EOF
}

// Columns say where the columns of the layout are.
func (s *Stream) Columns() *Columns { return s.columns }

// Close frees what the stream holds.
func (s *Stream) Close() { s.reader.Release() }

// unreadable makes a sentence of an error of Arrow's reader; one that names an
// own error is that one.
func unreadable(err error) error {
	var own *vectors.Error
	switch {
	case errors.As(err, &own):
		return own
	case errors.Is(err, ErrMemory):
		return ErrMemory
	case errors.Is(err, io.EOF):
		return vectors.Wrong("the Arrow stream is empty: it begins with a schema")
	}
	if lost := (*ReadError)(nil); errors.As(err, &lost) {
		return lost
	}
	return vectors.Wrong("the Arrow stream cannot be read: %v", err)
}

// ReadError says that the bytes of a stream could not be had, which is not what
// is wrong with them.
type ReadError struct{ Err error }

// Error is the cause.
func (e *ReadError) Error() string { return "read Arrow stream: " + e.Err.Error() }

// Unwrap is the cause.
func (e *ReadError) Unwrap() error { return e.Err }

// Columns are the columns of a schema that a layout knows.
type Columns struct {
	layout *vectors.Layout
	index  []int // by column of the table: field of the schema, -1 for none
}

// Match finds the columns of a layout among a schema's fields. Other columns are
// an error unless they may be there.
func Match(schema *arrow.Schema, layout *vectors.Layout, others bool) (*Columns, error) {
	c := &Columns{layout: layout, index: make([]int, layout.Width()+1)}
	for i := range c.index {
		c.index[i] = -1
	}
	for i, field := range schema.Fields() {
		column, err := layout.Column(field.Name)
		switch {
		case err != nil && others:
			continue
		case err != nil:
			return nil, err
		case c.index[column] >= 0:
			return nil, vectors.Wrong("column %.64q is there twice", field.Name)
		case fillerOf(field.Type) == nil:
			return nil, vectors.Wrong("column %q is of type %s: want floating-point or whole numbers, or bool", field.Name, field.Type)
		}
		c.index[column] = i
	}
	given := make([]bool, len(c.index))
	for column, i := range c.index {
		given[column] = i >= 0
	}
	return c, layout.Check(given)
}

// Fill makes table the rows [from, to) of a record. Null is not known, like
// NaN.
func (c *Columns) Fill(table *vectors.Table, record arrow.Record, from, to int) (err error) {
	defer func() {
		if cause := recover(); cause != nil { // buffers shorter than they said
			err = vectors.Wrong("the record batch is damaged: %v", cause)
		}
	}()
	table.Resize(0)
	table.Resize(to - from)
	for column, i := range c.index {
		if i < 0 {
			continue
		}
		values := record.Column(i)
		fill := fillerOf(values.DataType())
		if fill == nil {
			return vectors.Wrong("a column is of type %s", values.DataType())
		}
		fill(table, column, values, from)
	}
	if err := table.FillHorizons(c.index[c.layout.Horizon()] >= 0); err != nil {
		return fmt.Errorf("rows from %d on of the record batch: %w", from, err)
	}
	return nil
}

// filler sets one column of a table to the values of an array from a row on.
type filler func(t *vectors.Table, column int, values arrow.Array, from int)

// fillerOf is the one for a type; nil says that such columns are not taken.
func fillerOf(t arrow.DataType) filler {
	switch t.ID() {
	case arrow.FLOAT16:
		return halves
	case arrow.FLOAT32:
		return plain[float32]
	case arrow.FLOAT64:
		return plain[float64]
	case arrow.INT8:
		return plain[int8]
	case arrow.INT16:
		return plain[int16]
	case arrow.INT32:
		return plain[int32]
	case arrow.INT64:
		return plain[int64]
	case arrow.UINT8:
		return plain[uint8]
	case arrow.UINT16:
		return plain[uint16]
	case arrow.UINT32:
		return plain[uint32]
	case arrow.UINT64:
		return plain[uint64]
	case arrow.BOOL:
		return truths
	}
	return nil
}

// plain reads a column of numbers that Go has too.
func plain[T arrow.NumericType](t *vectors.Table, column int, a arrow.Array, from int) {
	values := arrow.GetValues[T](a.Data(), 1)[from:]
	if a.NullN() > 0 {
		each(t, column, a, from, func(row int) float64 { return float64(values[row]) })
		return
	}
	for row := range t.Rows() {
		t.Set(row, column, float64(values[row]))
	}
}

// halves reads a column of numbers of 16 bits, which Go has not.
func halves(t *vectors.Table, column int, a arrow.Array, from int) {
	values := arrow.GetValues[float16.Num](a.Data(), 1)[from:]
	each(t, column, a, from, func(row int) float64 { return float64(values[row].Float32()) })
}

// truths reads true as 1 and false as 0.
func truths(t *vectors.Table, column int, a arrow.Array, from int) {
	values := a.(*array.Boolean)
	each(t, column, a, from, func(row int) float64 {
		if values.Value(from + row) {
			return 1
		}
		return 0
	})
}

// each leaves nulls as they are, NaN; rows count from the one that the table begins
// with.
func each(t *vectors.Table, column int, a arrow.Array, from int, value func(row int) float64) {
	for row := range t.Rows() {
		if !a.IsNull(from + row) {
			t.Set(row, column, value(row))
		}
	}
}
