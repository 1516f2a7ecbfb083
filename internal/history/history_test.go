package history_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/parquet/compress"

	"puenktlich/internal/history"
	"puenktlich/internal/history/historytest"
	"puenktlich/internal/rail"
)

func utc(t *testing.T, s string) time.Time {
	t.Helper()
	moment, err := time.Parse("2006-01-02T15:04Z", s)
	must(t, err)
	return moment
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// asText are the columns of a release whose times are text.
func asText() map[string]arrow.DataType {
	columns := historytest.Columns()
	for name, of := range columns {
		if of == historytest.Stamp {
			columns[name] = arrow.BinaryTypes.String
		}
	}
	return columns
}

func open(t *testing.T, f historytest.File) *history.Release {
	t.Helper()
	r, err := history.Open(historytest.Write(t, "data-2024-10.parquet", f), history.Options{Ahead: 6 * time.Hour})
	must(t, err)
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// read surveys and reads a release whole.
func read(t *testing.T, r *history.Release) (all []history.Batch) {
	t.Helper()
	must(t, r.Survey(t.Context(), func(int64) error { return nil }))
	must(t, r.Read(t.Context(), history.Place{}, func(b history.Batch) error { all = append(all, b); return nil }))
	return all
}

// gap is a row that shows that its file leaves empty what was not seen.
func gap() historytest.Row {
	return historytest.Row{"id": "9-2410011200-1", "eva": "8000105", "departure_planned_time": "2024-10-01 12:00:00"}
}

func stop(id string, pairs ...string) historytest.Row {
	row := historytest.Row{"id": id, "eva": "08000150", "train_type": "RE", "train_number": "4567", "line_number": "50", "is_canceled": "false"}
	for i := 0; i < len(pairs); i += 2 {
		row[pairs[i]] = pairs[i+1]
	}
	return row
}

func TestOneRow(t *testing.T) {
	t.Parallel()
	row := stop("-77-2410290758-3", "arrival_planned_time", "2024-10-29 08:20:00", "arrival_change_time", "2024-10-29 08:27:00",
		"departure_planned_time", "2024-10-29 08:22:00")
	planned := rail.PlannedEvent{EVA: 8000150, Stop: "-77-2410290758-3", Kind: rail.Arrival, Trip: "-77-2410290758", ServiceDay: "2024-10-29",
		Index: 3, Train: rail.Train{Category: "RE", Number: "4567", Class: rail.Regional}, Line: "50",
		Planned: utc(t, "2024-10-29T07:20Z"), PolledAt: utc(t, "2024-10-29T01:00Z")}
	departure := planned
	departure.Kind, departure.Planned = rail.Departure, utc(t, "2024-10-29T07:22Z")
	change := rail.Change{EVA: 8000150, Stop: planned.Stop, Kind: rail.Arrival, Changed: utc(t, "2024-10-29T07:27Z"), PolledAt: utc(t, "2024-10-29T08:57Z")}
	for form, columns := range map[string]map[string]arrow.DataType{"timestamps": historytest.Columns(), "text": asText()} {
		for _, codec := range []compress.Compression{compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Brotli, compress.Codecs.Zstd} {
			batches := read(t, open(t, historytest.File{Columns: columns, Rows: []historytest.Row{row}, Compress: codec}))
			want := []history.Batch{{Rows: 1, Planned: []rail.PlannedEvent{planned, departure}, Changes: []rail.Change{change}, Next: history.Place{Group: 1, Row: 1}}}
			if len(batches) == 1 && batches[0].Bytes > 0 {
				batches[0].Bytes = 0
			}
			if !reflect.DeepEqual(batches, want) {
				t.Errorf("%s, %s:\n%+v\nwant\n%+v", form, codec, batches, want)
			}
		}
	}
}

// told writes what a batch says of its events: planned and changed in UTC, when
// that counts as polled.
func told(b history.Batch) (lines []string) {
	for _, p := range b.Planned {
		line := string(p.Kind) + p.Planned.Format(" 02T15:04")
		for _, c := range b.Changes {
			if c.Key() == p.Key() && c.Status != "" {
				line += " " + string(c.Status)
			} else if c.Key() == p.Key() {
				line += c.Changed.Format(" ct 15:04")
			}
			if c.Key() == p.Key() {
				line += c.PolledAt.Format(" polled 15:04")
			}
		}
		lines = append(lines, line)
	}
	for _, q := range b.Quarantined {
		lines = append(lines, fmt.Sprintf("row %d %s %q: %s", q.Row, q.Column, q.Value, q.Reason))
	}
	return lines
}

func TestRows(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		row  historytest.Row
		want []string
	}{
		"no change seen": {stop("1-2410290758-1", "departure_planned_time", "2024-10-29 08:22:00"), []string{"departure 29T07:22"}},
		"on time, seen":  {stop("1-2410290758-1", "departure_planned_time", "2024-10-29 08:22:00", "departure_change_time", "2024-10-29 08:22:00"), []string{"departure 29T07:22 ct 07:22 polled 08:52"}},
		"two hours early: polled after the planned time": {stop("1-2410290758-2", "arrival_planned_time", "2024-10-29 08:22:00", "arrival_change_time", "2024-10-29 06:22:00"),
			[]string{"arrival 29T07:22 ct 05:22 polled 08:52"}},
		"cancelled, with the planned time filled in": {stop("1-2410290758-1", "departure_planned_time", "2024-10-29 08:22:00", "departure_change_time", "2024-10-29 08:22:00", "is_canceled", "true"),
			[]string{"departure 29T07:22 c polled 08:52"}},
		"before midnight, arrives after it": {stop("1-2410292330-2", "arrival_planned_time", "2024-10-30 00:10:00", "arrival_change_time", "2024-10-30 00:20:00"), []string{"arrival 29T23:10 ct 23:20 polled 00:50"}},
		"autumn: departs in the second hour after arriving in the first": {stop("1-2410270150-2", "arrival_planned_time", "2024-10-27 02:10:00", "arrival_change_time", "2024-10-27 02:50:00",
			"departure_planned_time", "2024-10-27 02:05:00", "departure_change_time", "2024-10-27 02:06:00"),
			[]string{"arrival 27T00:10 ct 00:50 polled 02:20", "departure 27T01:05 ct 01:06 polled 02:36"}},
		"autumn: delayed into the second hour": {stop("1-2410270150-2", "arrival_planned_time", "2024-10-27 02:50:00", "arrival_change_time", "2024-10-27 02:05:00"), []string{"arrival 27T00:50 ct 01:05 polled 02:35"}},
		"spring: the hour that does not exist": {stop("1-2403310150-2", "arrival_planned_time", "2024-03-31 02:30:00", "departure_planned_time", "2024-03-31 03:01:00"),
			[]string{"departure 31T01:01", `row 1 arrival_planned_time "2024-03-31 02:30:00": time "2403310230": does not exist in German local time (clock change)`}},
		"spring: changed into that hour": {stop("1-2403310150-2", "arrival_planned_time", "2024-03-31 01:59:00", "arrival_change_time", "2024-03-31 02:01:00"),
			[]string{"arrival 31T00:59", `row 1 arrival_change_time "2024-03-31 02:01:00": time "2403310201": does not exist in German local time (clock change)`}},
		"bad id":             {stop("2410290758-1", "departure_planned_time", "2024-10-29 08:22:00"), []string{`row 1 id "2410290758-1": want tripHash-YYMMDDHHMM-index`}},
		"no id":              {stop("", "departure_planned_time", "2024-10-29 08:22:00"), []string{`row 1 id "": want tripHash-YYMMDDHHMM-index`}},
		"stop zero":          {stop("1-2410290758-0", "departure_planned_time", "2024-10-29 08:22:00"), []string{`row 1 id "1-2410290758-0": want tripHash-YYMMDDHHMM-index`}},
		"stop beyond":        {stop("1-2410290758-65536", "departure_planned_time", "2024-10-29 08:22:00"), []string{`row 1 id "1-2410290758-65536": want tripHash-YYMMDDHHMM-index`}},
		"start of no day":    {stop("1-2413290758-1", "departure_planned_time", "2024-10-29 08:22:00"), []string{`row 1 id "1-2413290758-1": start of trip: time "2413290758": want ten digits YYMMDDHHMM`}},
		"start in 1970":      {stop("1-7010290758-1", "departure_planned_time", "2024-10-29 08:22:00"), []string{`row 1 id "1-7010290758-1": start of trip: want a year up to 2068`}},
		"no station":         {stop("1-2410290758-1", "departure_planned_time", "2024-10-29 08:22:00", "eva", "Hanau"), []string{`row 1 eva "Hanau": want the number of a station`}},
		"no time at all":     {stop("1-2410290758-1"), []string{`row 1 arrival_planned_time "": neither an arrival nor a departure: want at least one planned time`}},
		"change alone":       {stop("1-2410290758-1", "departure_change_time", "2024-10-29 08:22:00"), nil},
		"seconds":            {stop("1-2410290758-1", "departure_planned_time", "2024-10-29 08:22:30"), []string{`row 1 departure_planned_time "2024-10-29 08:22:30": want whole minutes`}},
		"another century":    {stop("1-2410290758-1", "departure_planned_time", "1924-10-29 08:22:00"), []string{`row 1 departure_planned_time "1924-10-29 08:22:00": year 1924: want 2000 to 2068`}},
		"a hundred years on": {stop("1-2410290758-1", "departure_planned_time", "2124-10-29 08:22:00"), []string{`row 1 departure_planned_time "2124-10-29 08:22:00": year 2124: want 2000 to 2068`}},
	}
	for name, test := range tests {
		for form, columns := range map[string]map[string]arrow.DataType{"timestamps": historytest.Columns(), "text": asText()} {
			t.Run(name+", "+form, func(t *testing.T) {
				t.Parallel()
				batches := read(t, open(t, historytest.File{Columns: columns, Rows: []historytest.Row{test.row, gap()}, GroupOf: 2}))
				batches[0].Planned = batches[0].Planned[:len(batches[0].Planned)-1] // without the gap
				if got := told(batches[0]); !reflect.DeepEqual(got, test.want) {
					t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
				}
				if change := name == "change alone"; (batches[0].Unplanned == 1) != change {
					t.Errorf("%d changes without a plan", batches[0].Unplanned)
				}
			})
		}
	}
}

// Text may be written in several ways, but not with a zone.
func TestTextTimes(t *testing.T) {
	t.Parallel()
	for value, ok := range map[string]bool{"2024-10-29T08:22:00": true, "2024-10-29 08:22": true, "2024-10-29T08:22": true, "2024-10-29 08:22:00.000000": true,
		"2410290822": true, "2024-10-29T08:22:00Z": false, "2024-10-29 08:22:00+01:00": false, "29.10.2024 08:22": false, "soon": false, "1730186520": false} {
		batch := read(t, open(t, historytest.File{Columns: asText(), Rows: []historytest.Row{stop("1-2410290758-1", "departure_planned_time", value)}}))[0]
		if ok && (len(batch.Planned) != 1 || !batch.Planned[0].Planned.Equal(utc(t, "2024-10-29T07:22Z"))) {
			t.Errorf("%s: %+v", value, batch)
		}
		if !ok && (len(batch.Planned) != 0 || len(batch.Quarantined) != 1 || batch.Quarantined[0].Value != value) {
			t.Errorf("%s: %+v, want it in quarantine", value, batch)
		}
	}
}

// A file in which every event that ran has a changed time was filled in: equal
// times are no evidence. One gap anywhere shows that it was not.
func TestEqualTimesAreEvidenceWhereGapsAreLeft(t *testing.T) {
	t.Parallel()
	rows := []historytest.Row{
		stop("1-2410290758-1", "departure_planned_time", "2024-10-29 08:22:00", "departure_change_time", "2024-10-29 08:22:00"),
		stop("2-2410290758-1", "departure_planned_time", "2024-10-29 08:32:00", "departure_change_time", "2024-10-29 08:33:00"),
		stop("3-2410290758-1", "departure_planned_time", "2024-10-29 08:42:00", "is_canceled", "true"), // has nothing to fill in
	}
	for name, test := range map[string]struct {
		rows           []historytest.Row
		fills          bool
		changes, equal int
	}{"filled": {rows, true, 2, 1}, "with a gap": {append(rows, gap()), false, 3, 0}} {
		r := open(t, historytest.File{Columns: historytest.Columns(), Rows: test.rows, GroupOf: 2})
		changes, equal := 0, 0
		for _, b := range read(t, r) {
			changes, equal = changes+len(b.Changes), equal+b.Equal
		}
		if r.Fills() != test.fills || changes != test.changes || equal != test.equal {
			t.Errorf("%s: fills %v, %d changes, %d equal; want %+v", name, r.Fills(), changes, equal, test)
		}
	}
}

// Some releases say which half was cancelled.
func TestCancelledHalf(t *testing.T) {
	t.Parallel()
	columns := historytest.Columns()
	delete(columns, "is_canceled")
	columns["arrival_is_canceled"], columns["departure_is_canceled"] = arrow.FixedWidthTypes.Boolean, arrow.FixedWidthTypes.Boolean
	row := stop("1-2410290758-2", "arrival_planned_time", "2024-10-29 08:20:00", "arrival_change_time", "2024-10-29 08:21:00",
		"departure_planned_time", "2024-10-29 08:22:00", "departure_is_canceled", "true")
	want := []string{"arrival 29T07:20 ct 07:21 polled 08:51", "departure 29T07:22 c polled 08:52"}
	if got := told(read(t, open(t, historytest.File{Columns: columns, Rows: []historytest.Row{row}}))[0]); !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// The library writes timestamps of every unit, whole numbers for stations, text
// from a dictionary; a column nobody filled has no type.
func TestOtherTypesOfTheSame(t *testing.T) {
	t.Parallel()
	row := stop("1-2410290758-1", "eva", "8000150", "departure_planned_time", "2024-10-29 08:22:00", "line_number", "")
	for name, change := range map[string]func(map[string]arrow.DataType){
		"milliseconds": func(c map[string]arrow.DataType) {
			c["departure_planned_time"] = &arrow.TimestampType{Unit: arrow.Millisecond}
		},
		"nanoseconds": func(c map[string]arrow.DataType) {
			c["departure_planned_time"] = &arrow.TimestampType{Unit: arrow.Nanosecond}
		},
		"station":       func(c map[string]arrow.DataType) { c["eva"] = arrow.PrimitiveTypes.Int64 },
		"never filled":  func(c map[string]arrow.DataType) { c["line_number"] = arrow.Null },
		"wide text":     func(c map[string]arrow.DataType) { c["id"] = arrow.BinaryTypes.LargeString },
		"further":       func(c map[string]arrow.DataType) { c["aaa_reason"] = arrow.PrimitiveTypes.Int32 },
		"delay as real": func(c map[string]arrow.DataType) { c["delay_in_min"] = arrow.PrimitiveTypes.Float64 },
	} {
		columns := historytest.Columns()
		change(columns)
		batch := read(t, open(t, historytest.File{Columns: columns, Rows: []historytest.Row{row}}))[0]
		if len(batch.Planned) != 1 || !batch.Planned[0].Planned.Equal(utc(t, "2024-10-29T07:22Z")) || batch.Planned[0].EVA != 8000150 || batch.Planned[0].Line != "" {
			t.Errorf("%s: %+v", name, batch)
		}
	}
}

func TestColumnsAreDemanded(t *testing.T) {
	t.Parallel()
	const moment = "German local time as text or as a timestamp without zone"
	tests := map[string]struct {
		retyped arrow.DataType // nil: left out
		want    string
	}{
		"id": {nil, "data.parquet: column id: got no such column: want text"}, "eva": {arrow.PrimitiveTypes.Float64, "data.parquet: column eva: got float64: want text or a whole number"},
		"is_canceled":            {arrow.BinaryTypes.String, "data.parquet: column is_canceled: got utf8: want a boolean"},
		"arrival_planned_time":   {arrow.PrimitiveTypes.Int64, "data.parquet: column arrival_planned_time: got int64: want " + moment},
		"departure_change_time":  {arrow.FixedWidthTypes.Timestamp_us, "data.parquet: column departure_change_time: got timestamp[us, tz=UTC]: want " + moment},
		"train_line_station_num": {arrow.BinaryTypes.String, "data.parquet: column train_line_station_num: got utf8: want a number"},
		"delay_in_min":           {nil, "data.parquet: column delay_in_min: got no such column: want a number"},
	}
	for name := range historytest.Columns() {
		test, given := tests[name]
		if !given {
			test.want = "data.parquet: column " + name + ": got no such column"
		}
		columns := historytest.Columns()
		if columns[name] = test.retyped; test.retyped == nil {
			delete(columns, name)
		}
		_, err := history.Open(historytest.Write(t, "data.parquet", historytest.File{Columns: columns}), history.Options{})
		var column *history.SchemaError
		if !errors.As(err, &column) || column.Column != name || !strings.Contains(err.Error(), test.want) || errors.Is(err, history.ErrDamaged) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	columns := historytest.Columns()
	maps.DeleteFunc(columns, func(name string, _ arrow.DataType) bool { return name != "eva" })
	_, err := history.Open(historytest.Write(t, "data.parquet", historytest.File{Columns: columns}), history.Options{})
	if err == nil || strings.Count(err.Error(), "no such column") != 15 {
		t.Errorf("%v: want all fifteen missing columns at once", err)
	}
}

func many(n int) (rows []historytest.Row) {
	for i := range n {
		rows = append(rows, stop(fmt.Sprintf("%d-2410290758-1", i), "departure_planned_time", "2024-10-29 08:22:00", "departure_change_time", "2024-10-29 08:29:00"))
	}
	return rows
}

func TestRowsComeInBoundedBatches(t *testing.T) {
	t.Parallel()
	r := open(t, historytest.File{Columns: historytest.Columns(), Rows: many(25_000), GroupOf: 12_500})
	var got [][2]int64
	seen := map[rail.StopID]bool{}
	for _, b := range read(t, r) {
		got = append(got, [2]int64{b.FirstRow, int64(b.Rows)})
		for _, p := range b.Planned {
			seen[p.Stop] = true
		}
	}
	want := [][2]int64{{0, 10_000}, {10_000, 2500}, {12_500, 10_000}, {22_500, 2500}}
	if !reflect.DeepEqual(got, want) || len(seen) != 25_000 || r.Rows() != 25_000 || r.Groups() != 2 {
		t.Errorf("batches %v of %d events, want %v", got, len(seen), want)
	}
}

func TestReadStops(t *testing.T) {
	t.Parallel()
	r := open(t, historytest.File{Columns: historytest.Columns(), Rows: many(25_000), GroupOf: 25_000})
	enough := errors.New("enough")
	if err := r.Read(t.Context(), history.Place{}, func(history.Batch) error { return enough }); err != enough {
		t.Errorf("%v, want the visitor's own error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	batches := 0
	err := r.Read(ctx, history.Place{}, func(history.Batch) error { batches++; cancel(); return nil })
	if !errors.Is(err, context.Canceled) || batches != 1 {
		t.Errorf("%d batches after the end, %v", batches, err)
	}
}

// A damaged file is an error of its own kind, never a crash and never silence
// where rows are missing.
func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(historytest.Write(t, "whole.parquet", historytest.File{Columns: historytest.Columns(), Rows: many(300), GroupOf: 100, Compress: compress.Codecs.Snappy}))
	must(t, err)
	path := filepath.Join(t.TempDir(), "data.parquet")
	try := func(body []byte) (events int, err error) {
		must(t, os.WriteFile(path, body, 0o600))
		r, err := history.Open(path, history.Options{Ahead: time.Hour})
		if err != nil {
			return 0, err
		}
		defer r.Close()
		if err := r.Survey(t.Context(), func(int64) error { return nil }); err != nil {
			return 0, err
		}
		err = r.Read(t.Context(), history.Place{}, func(b history.Batch) error {
			events += len(b.Planned) + len(b.Quarantined) + b.Unplanned
			return nil
		})
		return events, err
	}
	for _, size := range []int{0, 3, 8, len(whole) / 2, len(whole) - 1} {
		if _, err := try(whole[:size]); !errors.Is(err, history.ErrDamaged) {
			t.Errorf("cut after %d of %d bytes: %v", size, len(whole), err)
		}
	}
	for at := 0; at < len(whole); at += 31 {
		body := append([]byte(nil), whole...)
		body[at] ^= 0xff
		events, err := try(body)
		var column *history.SchemaError
		if err == nil && events < 300 || err != nil && !errors.Is(err, history.ErrDamaged) && !errors.As(err, &column) {
			t.Errorf("byte %d of %d turned: %d events, %v", at, len(whole), events, err)
		}
	}
}
