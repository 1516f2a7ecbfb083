package history

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Bounds of a CSV file. A quote that is never closed would else make one value
// of all that follows.
const (
	maxLineBytes   = 1 << 20
	maxRecordBytes = 64 << 10
	maxRecordLines = 64
)

// record is one row of a CSV file (RFC 4180), which may go over several lines.
type record struct {
	line   int64 // from 1
	text   string
	fields []string
	bad    string // what is wrong with it, then without fields
}

// recordReader reads records. After one that cannot be read it goes on with the
// line after its first: what follows a broken quote is not lost.
type recordReader struct {
	file  string
	in    *bufio.Reader
	comma string
	at    Place    // after what was handed out
	queue []string // lines that were read ahead
}

// next answers the next record that is not blank, io.EOF at the end.
func (r *recordReader) next() (record, error) {
	for {
		first, err := r.take()
		if err != nil {
			return record{}, err
		}
		out := record{line: r.at.Line, text: first}
		if strings.TrimRight(first, "\r\n") == "" {
			continue
		}
		if !strings.Contains(first, `"`) {
			out.fields = strings.Split(strings.TrimRight(first, "\r\n"), r.comma)
			return out, nil
		}
		return r.quoted(out)
	}
}

// quoted reads a record with quotes to its end.
func (r *recordReader) quoted(out record) (record, error) {
	text, ahead := out.text, []string(nil)
	for unclosed(text) && len(text) < maxRecordBytes && len(ahead) < maxRecordLines {
		line, err := r.read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return out, err
		}
		ahead = append(ahead, line)
		text += line
	}
	out.fields, out.bad = split(text, r.comma)
	if out.bad != "" {
		r.queue = append(ahead, r.queue...)
		return out, nil
	}
	out.text = text
	for _, line := range ahead {
		r.passed(line)
	}
	return out, nil
}

// unclosed says that a quote is not closed: their number is odd.
func unclosed(text string) bool { return strings.Count(text, `"`)%2 == 1 }

func split(text, comma string) (fields []string, bad string) {
	if unclosed(text) {
		return nil, "a quote is opened and not closed"
	}
	reader := csv.NewReader(strings.NewReader(text))
	reader.Comma, _ = utf8.DecodeRuneInString(comma)
	reader.FieldsPerRecord = -1
	fields, err := reader.Read()
	var broken *csv.ParseError
	switch {
	case errors.As(err, &broken) && errors.Is(err, csv.ErrBareQuote):
		return nil, "a quote stands inside a value that is not quoted: quote the value and write the quote twice"
	case errors.As(err, &broken) && errors.Is(err, csv.ErrQuote):
		return nil, "a quote is closed before the value ends: write a quote inside a value twice"
	case err != nil:
		return nil, err.Error()
	}
	return fields, ""
}

// take hands out a line.
func (r *recordReader) take() (string, error) {
	line, err := r.read()
	if err == nil {
		r.passed(line)
	}
	return line, err
}

func (r *recordReader) passed(line string) {
	r.at.Line++
	r.at.Offset += int64(len(line))
}

// read answers the next line with its end, of those read ahead first.
func (r *recordReader) read() (string, error) {
	if len(r.queue) > 0 {
		line := r.queue[0]
		r.queue = r.queue[1:]
		return line, nil
	}
	line, err := r.in.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return "", &FormatError{r.file, r.at.Line + 1, "", excerpt(string(line[:2*excerptBytes])), fmt.Sprintf("a line of more than %d bytes: is that a CSV file?", maxLineBytes)}
	case errors.Is(err, io.EOF) && len(line) > 0:
		return string(line), nil
	case err != nil:
		return "", err
	}
	return string(line), nil
}
