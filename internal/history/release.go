// Package history reads what others recorded: the public monthly releases of
// the Timetables API's data (one row a stop: what was planned and what was seen
// in the end), as Parquet or as CSV with a mapping of columns, and raw releases
// (one row a call of the API). It reads alone; docs/data-sources.md says what a
// row means and what it cannot tell.
package history

import (
	"context"
	"fmt"
	"path/filepath"
)

// Release is one open monthly release. It is not safe for concurrent use.
type Release struct {
	table
	*parquetFile
}

// Open opens a monthly release and checks its columns: those that are missing or
// of another type are errors of type *SchemaError, all joined; what is no
// Parquet file is ErrDamaged. The caller closes it.
func Open(path string, o Options) (*Release, error) {
	opened, err := openParquet(path, BatchRows)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", filepath.Base(path), err)
	}
	columns, err := check(opened.name, opened.schema)
	if err != nil {
		_ = opened.Close()
		return nil, err
	}
	return &Release{table: table{name: opened.name, size: opened.size, ahead: o.Ahead, columns: columns}, parquetFile: opened}, nil
}

// Survey finds out what a changed time that equals the planned one means in this
// file. Public releases write the planned time where no change was polled; that
// is no evidence, and the event stays unknown. A file that leaves the changed
// time of some event empty does no such thing: there, equal times were seen.
// step is told after each batch how many rows were looked at; its error ends
// the survey.
func (r *Release) Survey(ctx context.Context, step func(rows int64) error) (err error) {
	r.fills, err = survey(r.columns, step, func(visit func(values, span) error) error {
		return r.records(ctx, Place{}, want{r.columns.times(), BatchRows}, func(c cells, s span) error { return visit(c, s) })
	})
	return err
}

// Read visits the rows from a place on in order, in batches; Survey or Surveyed
// comes first. Wherever it starts, batches have the same bounds. The visitor may
// keep the batch; its error ends the read and is returned as it is.
func (r *Release) Read(ctx context.Context, from Place, visit func(Batch) error) error {
	return r.records(ctx, from, want{r.columns.read(), BatchRows}, func(c cells, s span) error {
		reader := rowReader{table: &r.table, values: c, batch: Batch{Group: s.group, FirstRow: s.first, Rows: s.rows,
			Next: s.next(), Bytes: r.bytes(s.next().Row)}}
		for i := range s.rows {
			reader.row(i)
		}
		return visit(reader.batch)
	})
}
