package history_test

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"puenktlich/internal/history"
	"puenktlich/internal/history/historytest"
)

func rawFile(t *testing.T, rows ...historytest.Row) string {
	t.Helper()
	return historytest.Write(t, "raw.parquet", historytest.File{Columns: historytest.RawColumns(), Rows: rows})
}

func readRaw(t *testing.T, path string, from history.Place, last time.Time) (all []history.RawBatch) {
	t.Helper()
	r, err := history.OpenRaw(path)
	must(t, err)
	defer r.Close()
	must(t, r.Read(t.Context(), from, last, func(b history.RawBatch) error { all = append(all, b); return nil }))
	return all
}

func with(row historytest.Row, pairs ...string) historytest.Row {
	row = maps.Clone(row)
	for i := 0; i < len(pairs); i += 2 {
		row[pairs[i]] = pairs[i+1]
	}
	return row
}

// heard writes what a batch says of its calls: moment in UTC, call, how it ended.
func heard(b history.RawBatch) (lines []string) {
	for _, c := range b.Calls {
		line := fmt.Sprintf("%s %s %d", c.PolledAt.Format("02T15:04:05.999"), c.Call.Kind, c.Call.EVA)
		if !c.Call.Hour.IsZero() {
			line += c.Call.Hour.Format(" 02T15")
		}
		lines = append(lines, line+fmt.Sprintf(" %d%s %s", c.Status, c.Error, c.Body))
	}
	for _, q := range b.Quarantined {
		lines = append(lines, fmt.Sprintf("row %d %s %q: %s", q.Row, q.Column, q.Value, q.Reason))
	}
	if b.Foreign > 0 {
		lines = append(lines, fmt.Sprintf("%d foreign", b.Foreign))
	}
	return lines
}

func TestRawRows(t *testing.T) {
	t.Parallel()
	fchg := historytest.Call("2024-10-29 08:22:01", "fchg/8000105", "<timetable/>")
	plan := historytest.Call("2024-10-29 08:22:01", "plan/08000105/241029/14", "<timetable/>")
	for name, test := range map[string]struct {
		row  historytest.Row
		want string
	}{
		"changes":                 {fchg, "29T07:22:01 fchg 8000105 200 <timetable/>"},
		"recent":                  {historytest.Call("2024-10-29 08:22:01.25", "rchg/8000105", "x"), "29T07:22:01.25 rchg 8000105 200 x"},
		"a plan":                  {plan, "29T07:22:01 plan 8000105 29T13 200 <timetable/>"},
		"refused":                 {with(fchg, "status_code", "429", "error", "Too Many Requests", "response_data", ""), "29T07:22:01 fchg 8000105 429Too Many Requests "},
		"no answer":               {with(fchg, "status_code", "", "error", "timeout"), "29T07:22:01 fchg 8000105 0timeout <timetable/>"},
		"status as a real number": {with(fchg, "status_code", "200.0"), "29T07:22:01 fchg 8000105 200 <timetable/>"},
		"parameters tell the call": {with(plan, "url", "https://example.org/timetables/v1/plan", "query_params", `{"evaNo": 8000105, "date": "241029", "hour": 9}`),
			"29T07:22:01 plan 8000105 29T08 200 <timetable/>"},
		"name and parameters tell it": {with(plan, "url", "https://example.org/call", "query_params", `{"eva": "8000105", "date": "241029", "hour": "09"}`),
			"29T07:22:01 plan 8000105 29T08 200 <timetable/>"},
		"the same twice":     {with(plan, "query_params", `{"eva": "8000105", "date": "241029", "hour": "14"}`), "29T07:22:01 plan 8000105 29T13 200 <timetable/>"},
		"stations":           {historytest.Call("2024-10-29 08:22:01", "station/*", "x"), "1 foreign"},
		"another API":        {with(fchg, "url", "https://apis.deutschebahn.com/db-api-marketplace/apis/station-data/v2/stations", "api_name", "station-data/v2/stations"), "1 foreign"},
		"another station":    {with(fchg, "query_params", `{"eva": "8000150"}`), `row 1 url "https://apis.deutschebahn.com/db-api-marketplace/apis/timetables/v1/fchg/8000105": station "8000105", but query_params say "8000150"`},
		"another hour":       {with(plan, "query_params", `{"hour": 15}`), `hour "14", but query_params say "15"`},
		"another call":       {with(fchg, "api_name", "timetables/v1/plan"), `api_name: "timetables/v1/plan" calls another one`},
		"no station":         {with(fchg, "url", "https://x.org/timetables/v1/fchg/"), `station "": want a number`},
		"no hour":            {with(plan, "url", "https://x.org/timetables/v1/plan/8000105/241029"), "want .../plan/EVA/YYMMDD/HH"},
		"an hour left out":   {historytest.Call("2024-03-30 08:22:01", "plan/8000105/240331/02", "x"), "hour of the plan: time \"2403310200\": does not exist in German local time (clock change)"},
		"parameters no JSON": {with(fchg, "query_params", "eva=8000105"), `query_params "eva=8000105": want a JSON object`},
		"a status in words":  {with(fchg, "status_code", "OK"), `row 1 status_code "OK": want a status of HTTP, 100 to 599, or nothing where no answer came`},
		"no time":            {with(fchg, "timestamp", ""), `row 1 timestamp "": want the time of the call`},
		"a year too early":   {with(fchg, "timestamp", "1970-01-01 00:00:00"), "year 1970: want 2000 to 2068"},
		"the hour the spring change leaves out": {with(fchg, "timestamp", "2024-03-31 02:22:01"),
			`row 1 timestamp "2024-03-31 02:22:01": time "2403310222": does not exist in German local time (clock change)`},
	} {
		got := strings.Join(heard(readRaw(t, rawFile(t, test.row), history.Place{}, time.Time{})[0]), "\n")
		if strings.HasPrefix(test.want, "29T") && got != test.want || !strings.Contains(got, test.want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, test.want)
		}
	}
}

// A time with its distance from UTC is what it says; without one it is that of
// German clocks, and counted.
func TestRawTimes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		of       arrow.DataType
		value    string
		zoneless int
	}{
		"no zone":        {historytest.Stamp, "2024-10-29 08:22:01", 1},
		"nanoseconds":    {&arrow.TimestampType{Unit: arrow.Nanosecond}, "2024-10-29 08:22:01", 1},
		"UTC":            {arrow.FixedWidthTypes.Timestamp_us, "2024-10-29T07:22:01Z", 0},
		"Berlin":         {&arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "Europe/Berlin"}, "2024-10-29T07:22:01Z", 0},
		"text":           {arrow.BinaryTypes.String, "2024-10-29T08:22:01", 1},
		"text, offset":   {arrow.BinaryTypes.String, "2024-10-29T02:22:01-05:00", 0},
		"text, spelt so": {arrow.BinaryTypes.String, "2024-10-29 07:22:01+00:00", 0},
	} {
		columns := historytest.RawColumns()
		columns["timestamp"] = test.of
		path := historytest.Write(t, "raw.parquet", historytest.File{Columns: columns, Rows: []historytest.Row{historytest.Call(test.value, "fchg/8000105", "")}})
		b := readRaw(t, path, history.Place{}, time.Time{})[0]
		if want := utc(t, "2024-10-29T07:22Z").Add(time.Second); len(b.Calls) != 1 || !b.Calls[0].PolledAt.Equal(want) || b.Zoneless != test.zoneless || !b.Last.Equal(want) {
			t.Errorf("%s: %+v", name, b)
		}
	}
}

// In the hour that autumn repeats, a time is the instant nearest to the call
// before it, also where reading begins in the middle.
func TestRawRepeatedHour(t *testing.T) {
	t.Parallel()
	var rows []historytest.Row
	for _, at := range []string{"02:00", "02:20", "02:40", "02:00", "02:20", "02:19", "02:40", "03:00"} {
		rows = append(rows, historytest.Call("2024-10-27 "+at+":00", "fchg/8000105", ""))
	}
	want := []string{"00:00", "00:20", "00:40", "01:00", "01:20", "01:19", "01:40", "02:00"}
	path := historytest.Write(t, "raw.parquet", historytest.File{Columns: historytest.RawColumns(), Rows: rows, GroupOf: 5})
	moments := func(batches []history.RawBatch) (got []string) {
		for _, b := range batches {
			for _, c := range b.Calls {
				got = append(got, c.PolledAt.Format("15:04"))
			}
		}
		return got
	}
	batches := readRaw(t, path, history.Place{}, time.Time{})
	if got := moments(batches); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := moments(readRaw(t, path, batches[0].Next, batches[0].Last)); !reflect.DeepEqual(got, want[5:]) {
		t.Errorf("from the second group: %v, want %v", got, want[5:])
	}
}

func TestRawColumnsAreDemanded(t *testing.T) {
	t.Parallel()
	for name := range historytest.RawColumns() {
		columns := historytest.RawColumns()
		delete(columns, name)
		_, err := history.OpenRaw(historytest.Write(t, "raw.parquet", historytest.File{Columns: columns}))
		var column *history.SchemaError
		if !errors.As(err, &column) || column.Column != name || !strings.Contains(err.Error(), "raw.parquet: column "+name+": got no such column: want ") {
			t.Errorf("without %s: %v", name, err)
		}
	}
	columns := historytest.RawColumns()
	columns["timestamp"] = arrow.PrimitiveTypes.Int64
	if _, err := history.OpenRaw(historytest.Write(t, "raw.parquet", historytest.File{Columns: columns})); err == nil ||
		!strings.Contains(err.Error(), "column timestamp: got int64: want a time as text or as a timestamp") {
		t.Errorf("a time as a number: %v", err)
	}
}

func TestIsRaw(t *testing.T) {
	t.Parallel()
	for want, columns := range map[bool]map[string]arrow.DataType{true: historytest.RawColumns(), false: historytest.Columns()} {
		got, err := history.IsRaw(historytest.Write(t, "data.parquet", historytest.File{Columns: columns}))
		if err != nil || got != want {
			t.Errorf("%v, %v, want %v", got, err, want)
		}
	}
	if _, err := history.IsRaw(csvFile(t, "timestamp,url\n")); !errors.Is(err, history.ErrDamaged) || !strings.Contains(err.Error(), `it begins with "time", a Parquet file with "PAR1"`) {
		t.Errorf("no Parquet file: %v", err)
	}
}
