package columnar

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"puenktlich/internal/vectors"
)

// Marks at the beginning of files; an Arrow stream has none.
const (
	markParquet = "PAR1"
	markArrow   = "ARROW1\x00\x00" // then comes a stream, and an index behind it
)

// batchRows of a Parquet file are held at a time.
const batchRows = 16 * 1024

// File is a file of rows: Parquet, Arrow IPC, or an Arrow IPC stream. Columns
// that are none of the layout's may be there.
type File struct {
	path   string
	layout *vectors.Layout
	mark   string
}

// OpenFile looks what a file is.
func OpenFile(path string, layout *vectors.Layout) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, len(markArrow))
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	mark := ""
	switch head = head[:n]; {
	case bytes.HasPrefix(head, []byte(markParquet)):
		mark = markParquet
	case bytes.HasPrefix(head, []byte(markArrow)):
		mark = markArrow
	}
	return &File{path, layout, mark}, nil
}

// Rows counts the rows, having checked the columns. What is wrong with the file
// is a *vectors.Error.
func (f *File) Rows(ctx context.Context) (rows int64, err error) {
	if f.mark == markParquet {
		err = f.parquet(func(reader *file.Reader) error {
			rows = reader.NumRows()
			_, err := f.records(ctx, reader, []int{})
			return err
		})
		return rows, err
	}
	err = f.stream(ctx, func(record Record, _ *Columns) error { rows += record.NumRows(); return nil })
	return rows, err
}

// Range visits the rows [from, to): lo and hi bound those of a record.
func (f *File) Range(ctx context.Context, from, to int64, visit func(record Record, columns *Columns, lo, hi int) error) error {
	at := int64(0) // of the record's first row
	each := func(record Record, columns *Columns) error {
		lo, hi := max(from-at, 0), min(to-at, record.NumRows())
		at += record.NumRows()
		if lo < hi {
			if err := visit(record, columns, int(lo), int(hi)); err != nil {
				return err
			}
		}
		if at >= to {
			return errEnough
		}
		return nil
	}
	err := f.walk(ctx, from, to, &at, each)
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// errEnough ends a walk early.
var errEnough = errors.New("that was all")

func (f *File) walk(ctx context.Context, from, to int64, at *int64, each func(Record, *Columns) error) error {
	if f.mark != markParquet {
		return f.stream(ctx, each)
	}
	return f.parquet(func(reader *file.Reader) error {
		groups, first := overlapping(reader, from, to)
		*at = first
		source, err := f.records(ctx, reader, groups)
		if err != nil {
			return err
		}
		defer source.Release()
		columns, err := Match(source.Schema(), f.layout, true)
		for err == nil && source.Next() {
			err = each(source.Record(), columns)
		}
		if err == nil {
			err = source.Err()
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return err
	})
}

// overlapping are the row groups with rows in [from, to), and the first row of
// them.
func overlapping(reader *file.Reader, from, to int64) (groups []int, first int64) {
	at := int64(0)
	for i := range reader.NumRowGroups() {
		rows := reader.MetaData().RowGroup(i).NumRows()
		if at < to && at+rows > from {
			if len(groups) == 0 {
				first = at
			}
			groups = append(groups, i)
		}
		at += rows
	}
	return groups, first
}

// parquet opens the file for use. The library panics on some damaged files.
func (f *File) parquet(use func(*file.Reader) error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = vectors.Wrong("the Parquet file is damaged: %v", cause)
		}
	}()
	reader, err := file.OpenParquetFile(f.path, false)
	if err != nil {
		return vectors.Wrong("the Parquet file cannot be read: %v", err)
	}
	defer func() { _ = reader.Close() }()
	err = use(reader)
	var own *vectors.Error
	if err == nil || errors.Is(err, errEnough) || errors.As(err, &own) {
		return err
	}
	return fmt.Errorf("read Parquet file: %w", err)
}

// records reads the layout's columns of some row groups; of none it reads the
// schema.
func (f *File) records(ctx context.Context, reader *file.Reader, groups []int) (pqarrow.RecordReader, error) {
	arrows, err := pqarrow.NewFileReader(reader, pqarrow.ArrowReadProperties{BatchSize: batchRows}, DefaultAllocator())
	if err != nil {
		return nil, vectors.Wrong("the Parquet file cannot be read: %v", err)
	}
	schema, err := arrows.Schema()
	if err != nil {
		return nil, vectors.Wrong("the Parquet file's columns cannot be read: %v", err)
	}
	if _, err := Match(schema, f.layout, true); err != nil {
		return nil, err
	}
	if len(groups) == 0 {
		return nil, nil
	}
	var leaves []int
	for _, name := range f.layout.Inputs() {
		if at := reader.MetaData().Schema.ColumnIndexByName(name); at >= 0 {
			leaves = append(leaves, at)
		}
	}
	return arrows.GetRecordReader(ctx, leaves, groups)
}

// stream visits the record batches of an Arrow file or stream.
func (f *File) stream(ctx context.Context, each func(Record, *Columns) error) error {
	source, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	messages, err := f.messages(source)
	if err != nil {
		return err
	}
	in, err := open(messages, f.layout, &budget{Allocator: DefaultAllocator(), limit: MaxStreamBytes}, true)
	if err != nil {
		return err
	}
	defer in.Close()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		record, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = each(record, in.columns)
		}
		if err != nil {
			return err
		}
	}
}

// messages are the bytes of a file that are a stream: of an Arrow file those
// before its index, whose length stands before the mark at its end.
func (f *File) messages(source *os.File) (io.Reader, error) {
	if f.mark == "" {
		return source, nil
	}
	info, err := source.Stat()
	if err != nil {
		return nil, err
	}
	const tail = 4 + len("ARROW1")
	var end [tail]byte
	if _, err := source.ReadAt(end[:], info.Size()-int64(tail)); err != nil || string(end[4:]) != "ARROW1" {
		return nil, vectors.Wrong("the Arrow file has no end: it was not written whole")
	}
	size := info.Size() - int64(tail) - int64(binary.LittleEndian.Uint32(end[:]))
	if size < int64(len(f.mark)) {
		return nil, vectors.Wrong("the Arrow file says that its index has more bytes than the file")
	}
	return io.NewSectionReader(source, int64(len(f.mark)), size-int64(len(f.mark))), nil
}
