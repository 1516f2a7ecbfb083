package mlflow

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"puenktlich/internal/vectors"
)

// ErrEncoding: the text is not UTF-8.
var ErrEncoding = errors.New("the CSV text is not UTF-8: save it as UTF-8")

// missing are the texts that stand for a value that is not known, as pandas
// reads and writes them.
func missing() []string { return []string{"", "NaN", "nan", "null", "NA", "N/A", "<NA>", "None"} }

// DecodeCSV reads a body of text/csv: a line of column names, then rows. It
// fails with ErrEncoding, else with an *vectors.Error.
func DecodeCSV(body []byte, layout *vectors.Layout) (*vectors.Table, error) {
	if !utf8.Valid(body) {
		return nil, ErrEncoding
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(body, []byte("\ufeff"))))
	r.ReuseRecord = true
	d := &decoder{layout: layout, table: layout.Table(0), bytes: len(body)}
	columns, err := d.heading(r)
	if err != nil {
		return nil, err
	}
	gone := missing()
	for row := 0; ; row++ {
		line, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, vectors.Wrong("the CSV text cannot be read: %v", err)
		}
		if err := d.addRow(); err != nil {
			return nil, err
		}
		for i, text := range line {
			value, err := number(strings.TrimSpace(text), gone)
			if err != nil {
				return nil, vectors.Wrong("row %d, column %s: %.64q is no number", row, layoutName(layout, columns[i]), text)
			}
			d.table.Set(row, columns[i], value)
		}
	}
	if d.table.Rows() == 0 {
		return d.table, nil
	}
	return d.table, d.table.Finish()
}

func (d *decoder) heading(r *csv.Reader) ([]int, error) {
	line, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, vectors.Wrong("the CSV text is empty: its first line names the columns")
	}
	if err != nil {
		return nil, vectors.Wrong("the CSV text cannot be read: %v", err)
	}
	var columns []int
	for _, name := range line {
		column, err := d.give(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		columns = append(columns, column)
	}
	return columns, d.layout.Check(d.table.Given())
}

// number takes decimal numbers alone: no hexadecimal ones and no infinities.
func number(text string, missing []string) (float64, error) {
	if slices.Contains(missing, text) {
		return math.NaN(), nil
	}
	if strings.Trim(text, "0123456789+-.eE") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseFloat(text, 64)
}

func layoutName(l *vectors.Layout, column int) string {
	if column == l.Horizon() {
		return vectors.HorizonColumn
	}
	return l.Features()[column]
}
