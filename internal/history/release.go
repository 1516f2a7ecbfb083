// Package history reads the public monthly releases of the Timetables API's
// data: one Parquet file a month, one row a stop, as what was planned and what
// was seen in the end. It reads alone; docs/data-sources.md says what a row
// means and what it cannot tell.
package history

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"puenktlich/internal/rail"
)

// ErrDamaged says that a file is no whole Parquet file.
var ErrDamaged = errors.New("damaged Parquet file")

// BatchRows bounds the rows of one Batch, and with the compressed row group
// what is held in memory.
const BatchRows = 10_000

// Options of a Release.
type Options struct {
	// Ahead is how long before its hour a plan counts as published. Required.
	Ahead time.Duration
}

// Batch is what some rows that follow each other say.
type Batch struct {
	FirstRow int64 // of the file, from 0
	Rows     int
	Planned  []rail.PlannedEvent
	// Changes have no Seq: the writer of the station group gives it.
	Changes     []rail.Change
	Quarantined []Quarantined
	Equal       int // changed times that only repeat the plan, see Survey
	Unplanned   int // changed times without a planned one, left out
}

// Release is one open file. It is not safe for concurrent use.
type Release struct {
	name    string
	size    int64 // bytes
	ahead   time.Duration
	source  *file.Reader
	arrows  *pqarrow.FileReader
	columns layout
	fills   bool
}

// Open opens a file and checks its columns: those that are missing or of another
// type are errors of type *SchemaError, all joined; what is no Parquet file is
// ErrDamaged. The caller closes it.
func Open(path string, o Options) (*Release, error) {
	r := &Release{name: filepath.Base(path), ahead: o.Ahead}
	if err := r.start(path); err != nil {
		return nil, fmt.Errorf("open %s: %w", r.name, err)
	}
	return r, nil
}

func (r *Release) start(path string) error {
	opened, err := os.Open(path)
	if err != nil {
		return err
	}
	info, err := opened.Stat()
	if err != nil {
		_ = opened.Close()
		return err
	}
	r.size = info.Size()
	err = guard(func() (err error) {
		r.source, err = file.NewParquetReader(opened)
		return err
	})
	if err != nil {
		_ = opened.Close()
		return err
	}
	if err := r.check(); err != nil {
		_ = r.source.Close()
		return err
	}
	return nil
}

func (r *Release) check() error {
	var schema *arrow.Schema
	err := guard(func() (err error) {
		if r.arrows, err = pqarrow.NewFileReader(r.source, pqarrow.ArrowReadProperties{BatchSize: BatchRows}, memory.NewGoAllocator()); err != nil {
			return err
		}
		schema, err = r.arrows.Schema()
		return err
	})
	if err != nil {
		return err
	}
	r.columns, err = check(r.name, schema)
	return err
}

// Close closes the file.
func (r *Release) Close() error { return r.source.Close() }

// Name is the file's name without its directory.
func (r *Release) Name() string { return r.name }

// Rows counts the rows of the file.
func (r *Release) Rows() int64 { return r.source.NumRows() }

// Groups counts its row groups.
func (r *Release) Groups() int { return r.source.NumRowGroups() }

// RowsBefore counts the rows of the row groups before one.
func (r *Release) RowsBefore(group int) int64 {
	before := int64(0)
	for g := range group {
		before += r.source.MetaData().RowGroup(g).NumRows()
	}
	return before
}

// guard turns what the Parquet library makes of damaged bytes, panics too, into
// ErrDamaged.
func guard(read func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, p)
		}
	}()
	return damage(read())
}

// damage leaves errors of the disk what they are: those may pass.
func damage(err error) error {
	var disk *fs.PathError
	if err == nil || errors.As(err, &disk) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}
