package history

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
)

// ErrDamaged says that a file is no whole Parquet file.
var ErrDamaged = errors.New("damaged Parquet file")

// parquetFile is one open file of any columns.
type parquetFile struct {
	name   string
	size   int64 // bytes
	source *file.Reader
	arrows *pqarrow.FileReader
	schema *arrow.Schema
}

// openParquet opens a file; what is no Parquet file is ErrDamaged. batchRows is
// what is decoded at a time.
func openParquet(path string, batchRows int64) (*parquetFile, error) {
	p := &parquetFile{name: filepath.Base(path)}
	opened, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := opened.Stat()
	if err == nil {
		p.size = info.Size()
		err = whole(opened, p.size)
	}
	if err == nil {
		err = guard(func() error { return p.start(opened, batchRows) })
	}
	if err != nil {
		_ = opened.Close()
		return nil, err
	}
	return p, nil
}

// pageBuffer is read of a column at a time: a column of a row group may be
// larger than memory.
const pageBuffer = 1 << 20

func (p *parquetFile) start(opened *os.File, batchRows int64) (err error) {
	properties := parquet.NewReaderProperties(memory.NewGoAllocator())
	properties.BufferedStreamEnabled, properties.BufferSize = true, pageBuffer
	if p.source, err = file.NewParquetReader(opened, file.WithReadProps(properties)); err != nil {
		return err
	}
	if p.arrows, err = pqarrow.NewFileReader(p.source, pqarrow.ArrowReadProperties{BatchSize: batchRows}, memory.NewGoAllocator()); err != nil {
		return err
	}
	p.schema, err = p.arrows.Schema()
	return err
}

// magic stands at both ends of a Parquet file.
const magic = "PAR1"

// whole looks at both ends: most files that are none are told by that, in words
// that help.
func whole(file io.ReaderAt, size int64) error {
	head, tail := make([]byte, len(magic)), make([]byte, len(magic))
	n, err := file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch {
	case size == 0:
		return fmt.Errorf("%w: the file is empty", ErrDamaged)
	case string(head) != magic:
		return fmt.Errorf("%w: it begins with %q, a Parquet file with %q", ErrDamaged, head[:n], magic)
	}
	if _, err := file.ReadAt(tail, max(0, size-int64(len(magic)))); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if string(tail) != magic {
		return fmt.Errorf("%w: it is cut short: after %d bytes it ends with %q, a whole one with %q: fetch it again", ErrDamaged, size, tail, magic)
	}
	return nil
}

// Close closes the file.
func (p *parquetFile) Close() error { return p.source.Close() }

// Rows counts the rows of the file.
func (p *parquetFile) Rows() int64 { return p.source.NumRows() }

// Groups counts its row groups.
func (p *parquetFile) Groups() int { return p.source.NumRowGroups() }

// rowsBefore counts the rows of the row groups before one.
func (p *parquetFile) rowsBefore(group int) int64 {
	before := int64(0)
	for g := range group {
		before += p.source.MetaData().RowGroup(g).NumRows()
	}
	return before
}

// span is some rows of one row group.
type span struct {
	group int
	first int64 // row of the file
	rows  int
	last  bool // of its group
}

// next is the place after the rows.
func (s span) next() Place {
	at := Place{Group: s.group, Row: s.first + int64(s.rows)}
	if s.last {
		at.Group++
	}
	return at
}

// bytes is about how much of the file lies before a row.
func (p *parquetFile) bytes(row int64) int64 {
	if rows := p.Rows(); rows > 0 {
		return int64(float64(p.size) * (float64(row) / float64(rows)))
	}
	return p.size
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
