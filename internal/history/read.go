package history

import (
	"context"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
)

// Read visits the rows of one row group in order, in batches; Survey comes
// first. The visitor may keep the batch; its error ends the read and is
// returned as it is.
func (r *Release) Read(ctx context.Context, group int, visit func(Batch) error) error {
	return r.records(ctx, group, r.columns.read(), func(c cells, first int64, rows int) error {
		reader := rowReader{release: r, cells: c, batch: Batch{FirstRow: first, Rows: rows}}
		for i := range rows {
			reader.row(i)
		}
		return visit(reader.batch)
	})
}

// records visits some columns of a row group; cells live for their visit only.
// Columns are read one after the other here: the library's own reader of records
// starts goroutines, and what those make of damaged bytes ends the process.
func (r *Release) records(ctx context.Context, group int, names []string, visit func(c cells, first int64, rows int) error) error {
	var open columns
	if err := guard(func() (err error) { open, err = r.open(ctx, group, names); return err }); err != nil {
		return r.failed(group, err)
	}
	defer open.release()
	first, left := r.RowsBefore(group), r.source.MetaData().RowGroup(group).NumRows()
	for left > 0 {
		rows := min(left, BatchRows)
		var c cells
		if err := guard(func() (err error) { c, err = open.next(rows); return err }); err != nil {
			return r.failed(group, err)
		}
		err := visit(c, first, int(rows))
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

func (r *Release) failed(group int, err error) error {
	return fmt.Errorf("read %s, row group %d of %d: %w", r.name, group+1, r.Groups(), err)
}

// columns are open for reading, by name.
type columns map[string]*pqarrow.ColumnReader

func (r *Release) open(ctx context.Context, group int, names []string) (columns, error) {
	open := columns{}
	for _, name := range names {
		if err := r.within(group, name); err != nil {
			open.release()
			return nil, err
		}
		leaf := r.leaf(name)
		reader, err := r.arrows.GetFieldReader(ctx, r.field(name), map[int]bool{leaf: true}, []int{group})
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
func (r *Release) leaf(name string) int { return r.source.MetaData().Schema.ColumnIndexByName(name) }

func (r *Release) field(name string) int {
	for i := range r.arrows.Manifest.Fields {
		if r.arrows.Manifest.Fields[i].Field.Name == name {
			return i
		}
	}
	return -1
}

// within refuses a column that does not lie in the file, before memory is asked
// for it.
func (r *Release) within(group int, name string) error {
	chunk, err := r.source.MetaData().RowGroup(group).ColumnChunk(r.leaf(name))
	if err != nil {
		return fmt.Errorf("column %s: %w", name, err)
	}
	at, size := chunk.DataPageOffset(), chunk.TotalCompressedSize()
	if at < 0 || chunk.HasDictionaryPage() && chunk.DictionaryPageOffset() < 0 || size < 0 || size > r.size {
		return fmt.Errorf("column %s: %d bytes at %d in a file of %d", name, size, at, r.size)
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
