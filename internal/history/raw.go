package history

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"puenktlich/internal/rail"
	"puenktlich/internal/timetables"
)

// Columns of a raw release. The duration is demanded, not read.
const (
	askedAt      = "timestamp"
	callURL      = "url"
	apiName      = "api_name"
	queryParams  = "query_params"
	responseData = "response_data"
	statusCode   = "status_code"
	callError    = "error"
	durationMS   = "duration_ms"
)

func demandedRaw() []column {
	return []column{{askedAt, moment}, {callURL, text}, {apiName, text}, {queryParams, text}, {responseData, text},
		{statusCode, textOrNumber}, {callError, text}, {durationMS, number}}
}

// Recorded is one call of the Timetables API that a raw release tells of.
type Recorded struct {
	Row      int64           // of the file, from 1
	Call     timetables.Call // AsOf is PolledAt
	PolledAt time.Time
	Status   int    // of HTTP; 0 = no answer came
	Error    string // what failed, empty where nothing did
	Body     []byte // the answer; the caller's own
}

// RawBatch is what some rows that follow each other say.
type RawBatch struct {
	FirstRow    int64 // of the file, from 0
	Rows        int
	Calls       []Recorded
	Quarantined []Quarantined
	Foreign     int       // calls of other APIs, left out
	Zoneless    int       // times taken as those of German clocks
	Last        time.Time // of the last call up to here, zero before the first
	// Next is where the rows after this batch begin, Bytes about how much of the
	// file lies before it.
	Next  Place
	Bytes int64
}

// rawRows bounds what is decoded at a time: an answer may have 241 kB.
const rawRows = 100

// Raw is one open raw release. It is not safe for concurrent use.
type Raw struct {
	*parquetFile
}

// IsRaw says whether a Parquet file is a raw release rather than a monthly one.
func IsRaw(path string) (bool, error) {
	opened, err := openParquet(path, rawRows)
	if err != nil {
		return false, fmt.Errorf("open %s: %w", filepath.Base(path), err)
	}
	defer func() { _ = opened.Close() }()
	own := 0
	for _, c := range demandedRaw() {
		if opened.schema.HasField(c.name) {
			own++
		}
	}
	return own >= 3 && !opened.schema.HasField(stopID), nil
}

// OpenRaw opens a raw release and checks its columns, as Open does.
func OpenRaw(path string) (*Raw, error) {
	opened, err := openParquet(path, rawRows)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", filepath.Base(path), err)
	}
	if err := checkColumns(opened.name, opened.schema, demandedRaw()); err != nil {
		_ = opened.Close()
		return nil, err
	}
	return &Raw{opened}, nil
}

// Name is the file's name without its directory.
func (r *Raw) Name() string { return r.name }

// SizeBytes is the size of the file.
func (r *Raw) SizeBytes() int64 { return r.size }

// Read visits the calls from a place on in the order of the file, in batches.
// last is the time of the call before that place: of two instants that German
// clocks showed alike, the one nearest to the call before is taken. The visitor
// may keep the batch; its error ends the read and is returned as it is.
func (r *Raw) Read(ctx context.Context, from Place, last time.Time, visit func(RawBatch) error) error {
	names := []string{askedAt, callURL, apiName, queryParams, responseData, statusCode, callError}
	return r.records(ctx, from, want{names, rawRows}, func(c cells, s span) error {
		reader := rawReader{file: r.name, cells: c, last: last, batch: RawBatch{FirstRow: s.first, Rows: s.rows, Next: s.next(), Bytes: r.bytes(s.next().Row)}}
		for i := range s.rows {
			reader.row(i)
		}
		last, reader.batch.Last = reader.last, reader.last
		return visit(reader.batch)
	})
}

// rawReader turns the rows of one record into a batch.
type rawReader struct {
	file  string
	cells cells
	last  time.Time
	batch RawBatch
}

func (r *rawReader) row(i int) {
	call, known, err := parseCall(r.cells.text(callURL, i), r.cells.text(apiName, i), r.cells.text(queryParams, i))
	if err == nil && !known {
		r.batch.Foreign++
		return
	}
	if err != nil {
		r.quarantine(i, callURL, call.EVA, err)
		return
	}
	at, err := r.moment(i)
	if err != nil {
		r.quarantine(i, askedAt, call.EVA, err)
		return
	}
	status, err := parseStatus(r.cells.text(statusCode, i))
	if err != nil {
		r.quarantine(i, statusCode, call.EVA, err)
		return
	}
	r.last, call.AsOf = at, at
	r.batch.Calls = append(r.batch.Calls, Recorded{Row: r.batch.FirstRow + int64(i) + 1, Call: call, PolledAt: at,
		Status: status, Error: r.cells.text(callError, i), Body: []byte(r.cells.text(responseData, i))})
}

func (r *rawReader) quarantine(i int, column string, eva int64, reason error) {
	near := r.last
	if near.IsZero() {
		near = time.Unix(0, 0).UTC()
	}
	r.batch.Quarantined = append(r.batch.Quarantined, Quarantined{File: r.file, Row: r.batch.FirstRow + int64(i) + 1,
		Column: column, Value: excerpt(r.cells.text(column, i)), Reason: reason.Error(), EVA: eva, Near: near})
}

// moment is when a call was made: an instant where the file tells its offset
// from UTC, else what German clocks showed.
func (r *rawReader) moment(i int) (time.Time, error) {
	if !r.cells.has(askedAt, i) {
		return time.Time{}, errors.New("want the time of the call")
	}
	if stamps, is := r.cells[askedAt].(*array.Timestamp); is {
		at := wallOf(stamps, i)
		if stamps.DataType().(*arrow.TimestampType).TimeZone != "" {
			return at.UTC(), saneYear(at)
		}
		return r.german(at)
	}
	value := r.cells.text(askedAt, i)
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05Z07:00"} {
		if at, err := time.Parse(layout, value); err == nil {
			return at.UTC(), saneYear(at)
		}
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05"} {
		if wall, err := time.Parse(layout, value); err == nil {
			return r.german(wall)
		}
	}
	return time.Time{}, errors.New("want a time such as 2024-10-29T15:48:00+01:00, or German local time without an offset")
}

func saneYear(t time.Time) error {
	if t.Year() < firstYear || t.Year() > lastYear {
		return fmt.Errorf("year %d: want %d to %d", t.Year(), firstYear, lastYear)
	}
	return nil
}

// german is the instant at which German clocks showed a time, to the second
// and below.
func (r *rawReader) german(wall time.Time) (time.Time, error) {
	if err := saneYear(wall); err != nil {
		return time.Time{}, err
	}
	minute := wall.Truncate(time.Minute)
	at, err := rail.ParseTime(minute.Format(wire), r.last)
	if err == nil {
		r.batch.Zoneless++
	}
	return at.Add(wall.Sub(minute)), err
}

// parseStatus reads a status of HTTP, 0 where there is none.
func parseStatus(s string) (int, error) {
	if s == "" || s == "NaN" {
		return 0, nil
	}
	status, err := strconv.Atoi(strings.TrimSuffix(s, ".0"))
	if err != nil || status != 0 && (status < 100 || status > 599) {
		return 0, errors.New("want a status of HTTP, 100 to 599, or nothing where no answer came")
	}
	return status, nil
}
