package dataset

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"puenktlich/internal/rail"
	"puenktlich/schemas"
)

// KeepBytes is how much of a data set a Stream keeps decoded: small data sets
// are decoded once, of large ones a bounded part is held.
const KeepBytes = 256 << 20

// streamRows of a batch: each is held a few times over on its way to a learner.
const streamRows = 16 * 1024

// Stream reads the rows of a sealed data set in batches of at most 16,384, in
// the same order each time, without holding all of them. It is for
// one reader at a time.
type Stream struct {
	ctx     context.Context
	objects Objects
	id      string
	days    schemas.DayRange
	parts   []schemas.DatasetPart
	without map[string]struct{} // trips left out
	head    Table               // version, names and units of the parts
	keep    int64               // bytes that may still be kept
	kept    map[int][]*Table
	lost    map[int]bool // parts that did not fit
}

// Open prepares to read the parts of a valid data set whose days lie in the
// range; an empty range means all of them. It reads the first part, to know
// the columns. Batches are read under ctx; keepBytes bounds what is kept.
func Open(ctx context.Context, objects Objects, ref schemas.DatasetRef, days schemas.DayRange, keepBytes int64) (*Stream, error) {
	s := &Stream{ctx: ctx, objects: objects, id: ref.ID, days: days, keep: keepBytes, kept: map[int][]*Table{}, lost: map[int]bool{}}
	manifest, err := usable(ctx, objects, ref)
	if err != nil {
		return nil, err
	}
	for _, part := range manifest.Parts {
		if days.Empty() || days.From <= part.Day && part.Day < days.To {
			s.parts = append(s.parts, part)
		}
	}
	if len(s.parts) == 0 {
		return nil, &UnfitError{"data set " + ref.ID, ref.Manifest.Key, fmt.Errorf("%w %s", ErrNoPart, days)}
	}
	first, err := s.open(s.parts[0])
	if err != nil {
		return nil, err
	}
	defer first.close()
	s.head = *New(first.head.Version, first.head.Names, first.head.Units)
	return s, nil
}

// OpenTraining is Open without the trips that go on after the range, as
// LoadTraining is to Load.
func OpenTraining(ctx context.Context, objects Objects, ref schemas.DatasetRef, days schemas.DayRange, keepBytes int64) (*Stream, error) {
	s, err := Open(ctx, objects, ref, days, keepBytes)
	if err != nil || days.Empty() {
		return s, err
	}
	manifest, err := usable(ctx, objects, ref)
	if err != nil {
		return nil, err
	}
	s.without, err = goingOn(ctx, objects, manifest, days)
	return s, err
}

// Version is that of the feature catalogue.
func (s *Stream) Version() string { return s.head.Version }

// Names are the features in order.
func (s *Stream) Names() []string { return s.head.Names }

// Batches begins at the first row. The function it answers gives the next
// batch, which is not to be changed, and io.EOF after the last one.
func (s *Stream) Batches() func() (*Table, error) {
	c := &cursor{stream: s}
	return c.next
}

// cursor is one reading of a stream.
type cursor struct {
	stream *Stream
	part   int
	batch  int         // of a part that is kept
	reader *partReader // of the part under way, else nil
	fresh  []*Table    // of the part under way, while they may be kept
	bytes  int64
}

func (c *cursor) next() (*Table, error) {
	for c.part < len(c.stream.parts) {
		batch, err := c.step()
		if err != nil || batch != nil {
			return batch, err
		}
		c.part, c.batch = c.part+1, 0
	}
	return nil, io.EOF
}

// step gives the next batch of the part, nil at its end.
func (c *cursor) step() (*Table, error) {
	if kept, found := c.stream.kept[c.part]; found {
		if c.batch == len(kept) {
			return nil, nil
		}
		c.batch++
		return kept[c.batch-1], nil
	}
	if c.reader == nil {
		var err error
		if c.reader, err = c.stream.open(c.stream.parts[c.part]); err != nil {
			return nil, err
		}
		c.fresh, c.bytes = nil, 0
	}
	batch, err := c.reader.next()
	if err != nil {
		c.reader.close()
		return nil, c.stream.bad(c.stream.parts[c.part], err)
	}
	if batch == nil {
		c.endPart()
		return nil, nil
	}
	batch = c.stream.inRange(batch)
	c.remember(batch)
	return batch, nil
}

// inRange drops rows of other days and of trips left out, if any; a whole batch
// is not copied.
func (s *Stream) inRange(batch *Table) *Table {
	from, to := rail.Day(s.days.From), rail.Day(s.days.To)
	in := func(row Row) bool {
		if _, out := s.without[row.Trip]; out && row.Trip != "" {
			return false
		}
		return s.days.Empty() || row.EventDay >= from && row.EventDay < to
	}
	for _, row := range batch.Rows {
		if !in(row) {
			return batch.Filter(in)
		}
	}
	return batch
}

// rowBytes is about what a row takes beside its features: the strings of one
// batch share their storage.
const rowBytes = 400

// remember holds on to a batch as long as its part may fit.
func (c *cursor) remember(batch *Table) {
	if c.stream.lost[c.part] {
		return
	}
	c.bytes += int64(len(batch.Rows))*rowBytes + int64(len(batch.Features))*4
	if c.bytes > c.stream.keep {
		c.stream.lost[c.part], c.fresh = true, nil
		return
	}
	c.fresh = append(c.fresh, batch)
}

// endPart keeps a part that has been read whole and fits.
func (c *cursor) endPart() {
	c.reader.close()
	c.reader = nil
	if !c.stream.lost[c.part] {
		c.stream.kept[c.part] = c.fresh
		c.stream.keep -= c.bytes
	}
	c.fresh = nil
}

// open begins to read one part.
func (s *Stream) open(part schemas.DatasetPart) (*partReader, error) {
	body, err := content(s.ctx, s.objects, part.Object, s.what(part))
	if err != nil {
		return nil, err
	}
	p, err := newPartReader(s.ctx, body)
	if err != nil {
		return nil, s.bad(part, err)
	}
	if s.head.Names != nil && (p.head.Version != s.head.Version || len(p.head.Names) != len(s.head.Names)) {
		p.close()
		return nil, s.bad(part, fmt.Errorf("feature version %s beside %s", p.head.Version, s.head.Version))
	}
	return p, nil
}

// bad blames the part, unless reading was stopped.
func (s *Stream) bad(part schemas.DatasetPart, err error) error {
	if s.ctx.Err() != nil {
		return s.ctx.Err()
	}
	return &UnfitError{s.what(part), part.Object.Key, err}
}

func (s *Stream) what(part schemas.DatasetPart) string {
	return fmt.Sprintf("part %s of data set %s", part.Day, s.id)
}

// partReader reads one part, one batch at a time.
type partReader struct {
	head    *Table // without rows
	file    *file.Reader
	records pqarrow.RecordReader
}

func newPartReader(ctx context.Context, body []byte) (*partReader, error) {
	reader, err := file.NewParquetReader(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("read parquet: %w", err)
	}
	p := &partReader{file: reader}
	arrows, err := pqarrow.NewFileReader(reader, pqarrow.ArrowReadProperties{BatchSize: streamRows}, memory.DefaultAllocator)
	if err == nil {
		err = p.begin(ctx, arrows)
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *partReader) begin(ctx context.Context, arrows *pqarrow.FileReader) error {
	schema, err := arrows.Schema()
	if err != nil {
		return fmt.Errorf("read parquet schema: %w", err)
	}
	if p.head, err = tableFor(schema); err != nil {
		return err
	}
	if p.records, err = arrows.GetRecordReader(ctx, nil, nil); err != nil {
		return fmt.Errorf("read parquet rows: %w", err)
	}
	return nil
}

// next gives the next rows, nil at the end.
func (p *partReader) next() (*Table, error) {
	if !p.records.Next() {
		if err := p.records.Err(); err != nil && err != io.EOF {
			return nil, fmt.Errorf("read parquet rows: %w", err)
		}
		return nil, nil
	}
	batch := New(p.head.Version, p.head.Names, p.head.Units)
	rows := int(p.records.Record().NumRows())
	batch.Rows, batch.Features = make([]Row, 0, rows), make([]float32, 0, rows*len(batch.Names))
	batch.appendRecord(p.records.Record())
	return batch, nil
}

func (p *partReader) close() {
	if p.records != nil {
		p.records.Release()
	}
	_ = p.file.Close()
}
