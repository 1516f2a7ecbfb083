package history

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"
)

// FormatError is one place of a CSV file at which it cannot be read on.
type FormatError struct {
	File   string
	Line   int64  // from 1
	Column string // empty for the line as a whole
	Value  string // as it stood there, cut to 120 bytes
	Reason string // what is wrong and what was wanted
}

func (e *FormatError) Error() string {
	where := fmt.Sprintf("%s: line %d", e.File, e.Line)
	if e.Column != "" {
		where += ", column " + e.Column
	}
	return fmt.Sprintf("%s: %q: %s", where, e.Value, e.Reason)
}

// CSV is one open file of the rows of a monthly release. It is not safe for
// concurrent use.
type CSV struct {
	table
	file    *os.File
	mapping Mapping
	times   timeForm
	width   int            // columns of the header
	at      map[string]int // field to the place of its column
	start   Place          // of the first row
}

// OpenCSV opens a file and reads its header, in which every column of the
// mapping must stand once. What is wrong with it is a *FormatError, one a
// column, joined. The caller closes it.
func OpenCSV(path string, m Mapping, o Options) (*CSV, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", filepath.Base(path), err)
	}
	c := &CSV{file: file, mapping: m, times: m.times(), table: table{name: filepath.Base(path), ahead: o.Ahead, columns: m.layout()}}
	info, err := file.Stat()
	if err == nil {
		c.size = info.Size()
		err = c.header()
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return c, nil
}

// Close closes the file.
func (c *CSV) Close() error { return c.file.Close() }

// Rows is 0: a CSV file does not tell how many it has.
func (c *CSV) Rows() int64 { return 0 }

func (c *CSV) header() error {
	input := bufio.NewReaderSize(c.file, maxLineBytes)
	mark, _ := input.Peek(3)
	switch {
	case len(mark) == 0:
		return &FormatError{c.name, 1, "", "", "the file is empty: want a line that names the columns"}
	case strings.HasPrefix(string(mark), "\xff\xfe"), strings.HasPrefix(string(mark), "\xfe\xff"):
		return &FormatError{c.name, 1, "", excerpt(string(mark)), "the file is UTF-16: want UTF-8"}
	}
	records := recordReader{file: c.name, in: input, comma: c.mapping.delimiter()}
	if string(mark) == byteOrderMark {
		_, _ = input.Discard(len(mark))
		records.at.Offset = int64(len(mark))
	}
	head, err := records.next()
	switch {
	case errors.Is(err, io.EOF):
		return &FormatError{c.name, 1, "", "", "the file holds blank lines alone: want one that names the columns"}
	case err != nil:
		return err
	case head.bad != "":
		return &FormatError{c.name, head.line, "", excerpt(head.text), head.bad}
	case !utf8.ValidString(head.text):
		return &FormatError{c.name, head.line, "", excerpt(head.text), notUTF8}
	}
	c.width, c.start = len(head.fields), records.at
	return c.find(head)
}

const (
	byteOrderMark = "\xef\xbb\xbf"
	notUTF8       = "not UTF-8: convert the file, from Latin 1 with iconv -f latin1 -t utf-8"
)

// find places the columns of the mapping.
func (c *CSV) find(head record) error {
	c.at = map[string]int{}
	if len(head.fields) == 1 && len(c.mapping.Columns) > 1 {
		return &FormatError{c.name, head.line, "", excerpt(head.text), fmt.Sprintf("split at %q the header has but one column: is that the delimiter?", c.mapping.delimiter())}
	}
	var errs []error
	all, _ := mapped()
	for _, field := range all {
		want, named := c.mapping.Columns[field]
		if !named {
			continue
		}
		found := 0
		for i, name := range head.fields {
			if name == want {
				c.at[field] = i
				found++
			}
		}
		switch {
		case found == 0:
			errs = append(errs, &FormatError{c.name, head.line, c.label(field), excerpt(head.text), "no such column in the header"})
		case found > 1:
			errs = append(errs, &FormatError{c.name, head.line, c.label(field), excerpt(head.text), fmt.Sprintf("%d columns of that name", found)})
		}
	}
	return errors.Join(errs...)
}

// label is a column as the file calls it, with the field it is read as.
func (c *CSV) label(field string) string {
	if name := c.mapping.Columns[field]; name != field && name != "" {
		return fmt.Sprintf("%s (%s)", name, field)
	}
	return field
}

// Survey is that of a Release.
func (c *CSV) Survey(ctx context.Context, step func(rows int64) error) (err error) {
	c.fills, err = survey(c.columns, step, func(visit func(values, span) error) error {
		return c.batches(ctx, Place{}, func(rows *lines, _ Batch) error {
			return visit(rows, span{first: rows.first, rows: len(rows.records)})
		})
	})
	return err
}

// Read visits the rows from a place on in order, in batches; Survey or Surveyed
// comes first. A line that cannot be read is quarantined, and so is each value.
// The visitor may keep the batch; its error ends the read and is returned as it
// is.
func (c *CSV) Read(ctx context.Context, from Place, visit func(Batch) error) error {
	return c.batches(ctx, from, func(rows *lines, batch Batch) error {
		reader := rowReader{table: &c.table, values: rows, batch: batch}
		for i, r := range rows.records {
			if r.bad != "" {
				reader.refuse(i, r)
				continue
			}
			reader.row(i)
		}
		return visit(reader.batch)
	})
}

// batches reads BatchRows at a time.
func (c *CSV) batches(ctx context.Context, from Place, visit func(*lines, Batch) error) error {
	if from.Offset < c.start.Offset {
		from = c.start
	}
	if _, err := c.file.Seek(from.Offset, io.SeekStart); err != nil {
		return fmt.Errorf("read %s: %w", c.name, err)
	}
	records := recordReader{file: c.name, in: bufio.NewReaderSize(c.file, maxLineBytes), comma: c.mapping.delimiter(), at: from}
	for {
		rows := &lines{csv: c, first: records.at.Row}
		err := rows.fill(&records)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if len(rows.records) > 0 {
			batch := Batch{FirstRow: rows.first, Rows: len(rows.records), Next: records.at, Bytes: records.at.Offset}
			if err := visit(rows, batch); err != nil {
				return err
			}
		}
		if err != nil {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// lines are the values of some rows of a CSV file.
type lines struct {
	csv     *CSV
	first   int64
	records []record
}

func (l *lines) fill(from *recordReader) error {
	for len(l.records) < BatchRows {
		r, err := from.next()
		if err != nil {
			return err
		}
		l.csv.judge(&r)
		from.at.Row++
		l.records = append(l.records, r)
	}
	return nil
}

// judge says what is wrong with a row as a whole.
func (c *CSV) judge(r *record) {
	switch {
	case r.bad != "":
	case len(r.fields) != c.width:
		r.bad = fmt.Sprintf("%d values where the header has %d columns: is a value that holds a %q not quoted?", len(r.fields), c.width, c.mapping.delimiter())
	case !utf8.ValidString(r.text):
		for field, at := range c.at {
			if !utf8.ValidString(r.fields[at]) && c.reads(field) {
				r.bad = notUTF8
			}
		}
	}
}

// reads says whether a field matters.
func (c *CSV) reads(field string) bool {
	for _, name := range c.columns.read() {
		if name == field {
			return true
		}
	}
	return false
}

func (l *lines) text(name string, i int) string {
	at, found := l.csv.at[name]
	if !found || l.records[i].bad != "" {
		return ""
	}
	value := l.records[i].fields[at]
	for _, missing := range l.csv.mapping.Missing {
		if value == missing {
			return ""
		}
	}
	return value
}

func (l *lines) has(name string, i int) bool { return l.text(name, i) != "" }

func (l *lines) flag(name string, i int) (bool, error) {
	value := l.text(name, i)
	if value == "" {
		return false, nil
	}
	return l.csv.mapping.flag(value)
}

func (l *lines) time(name string, i int, near time.Time) (time.Time, error) {
	value := l.text(name, i)
	if value == "" {
		return time.Time{}, nil
	}
	return l.csv.times.read(value, near)
}

func (l *lines) label(name string) string { return l.csv.label(name) }
func (l *lines) line(i int) int64         { return l.records[i].line }
