package history

import (
	"context"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
)

// want is what is decoded: which columns, how many rows at a time.
type want struct {
	columns []string
	rows    int64
}

// records visits some columns from a place on; cells live for their visit only.
func (p *parquetFile) records(ctx context.Context, from Place, w want, visit func(cells, span) error) error {
	for group := from.Group; group < p.Groups(); group++ {
		if err := p.group(ctx, group, w, func(c cells, s span) error {
			if s.first+int64(s.rows) <= from.Row {
				return nil
			}
			return visit(c, s)
		}); err != nil {
			return err
		}
	}
	return nil
}

// group visits the rows of one row group. Columns are read one after the other
// here: the library's own reader of records starts goroutines, and what those
// make of damaged bytes ends the process.
func (p *parquetFile) group(ctx context.Context, group int, w want, visit func(cells, span) error) error {
	var open columns
	if err := guard(func() (err error) { open, err = p.open(ctx, group, w.columns); return err }); err != nil {
		return p.failed(group, err)
	}
	defer open.release()
	first, left := p.rowsBefore(group), p.source.MetaData().RowGroup(group).NumRows()
	for left > 0 {
		rows := min(left, w.rows)
		var c cells
		if err := guard(func() (err error) { c, err = open.next(rows); return err }); err != nil {
			return p.failed(group, err)
		}
		err := visit(c, span{group: group, first: first, rows: int(rows), last: rows == left})
		c.release()
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		first, left = first+rows, left-rows
	}
	return nil
}

func (p *parquetFile) failed(group int, err error) error {
	return fmt.Errorf("read %s, row group %d of %d: %w", p.name, group+1, p.Groups(), err)
}

// columns are open for reading, by name.
type columns map[string]*pqarrow.ColumnReader

func (p *parquetFile) open(ctx context.Context, group int, names []string) (columns, error) {
	open := columns{}
	for _, name := range names {
		if err := p.within(group, name); err != nil {
			open.release()
			return nil, err
		}
		leaf := p.leaf(name)
		reader, err := p.arrows.GetFieldReader(ctx, p.field(name), map[int]bool{leaf: true}, []int{group})
		if err != nil {
			open.release()
			return nil, fmt.Errorf("column %s: %w", name, err)
		}
		open[name] = reader
	}
	return open, nil
}

// leaf is the place of a column among those of the file, field that among the
// fields of its schema. They differ where a column before has parts.
func (p *parquetFile) leaf(name string) int {
	return p.source.MetaData().Schema.ColumnIndexByName(name)
}

func (p *parquetFile) field(name string) int {
	for i := range p.arrows.Manifest.Fields {
		if p.arrows.Manifest.Fields[i].Field.Name == name {
			return i
		}
	}
	return -1
}

// within refuses a column that does not lie in the file, before memory is asked
// for it.
func (p *parquetFile) within(group int, name string) error {
	chunk, err := p.source.MetaData().RowGroup(group).ColumnChunk(p.leaf(name))
	if err != nil {
		return fmt.Errorf("column %s: %w", name, err)
	}
	at, size := chunk.DataPageOffset(), chunk.TotalCompressedSize()
	if at < 0 || chunk.HasDictionaryPage() && chunk.DictionaryPageOffset() < 0 || size < 0 || size > p.size {
		return fmt.Errorf("column %s: %d bytes at %d in a file of %d", name, size, at, p.size)
	}
	return nil
}

// next reads the next rows of every column.
func (open columns) next(rows int64) (cells, error) {
	c := cells{}
	for name, reader := range open {
		chunked, err := reader.NextBatch(rows)
		if err != nil {
			c.release()
			return nil, fmt.Errorf("column %s: %w", name, err)
		}
		values, err := joined(chunked)
		chunked.Release()
		if err == nil {
			c[name] = values
			if got := int64(values.Len()); got != rows {
				err = fmt.Errorf("%d values where %d rows follow", got, rows)
			}
		}
		if err != nil {
			c.release()
			return nil, fmt.Errorf("column %s: %w", name, err)
		}
	}
	return c, nil
}

// joined is one array of all chunks. The caller releases it.
func joined(chunked *arrow.Chunked) (arrow.Array, error) {
	if chunks := chunked.Chunks(); len(chunks) != 1 {
		return array.Concatenate(chunks, memory.NewGoAllocator())
	}
	only := chunked.Chunk(0)
	only.Retain()
	return only, nil
}

func (open columns) release() {
	for _, reader := range open {
		reader.Release()
	}
}
