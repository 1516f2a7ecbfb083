package history_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"puenktlich/internal/history"
)

// german is a mapping to the columns of a file with German headers.
const german = `{"delimiter": ";", "time_layout": "02.01.2006 15:04", "cancelled": ["ja"], "runs": ["nein"], "missing": ["-"],
 "columns": {"id": "Halt", "eva": "Bahnhof", "train_type": "Gattung", "train_number": "Zug", "line_number": "Linie", "is_canceled": "Ausfall",
  "arrival_planned_time": "Ankunft", "arrival_change_time": "Ankunft neu", "departure_planned_time": "Abfahrt", "departure_change_time": "Abfahrt neu"}}`

const germanHeader = "Zug;Gattung;Linie;Halt;Bahnhof;Ankunft;Ankunft neu;Abfahrt;Abfahrt neu;Ausfall;Bemerkung\n"

func mapping(t *testing.T, text string) history.Mapping {
	t.Helper()
	m, err := history.ParseMapping([]byte(text))
	must(t, err)
	return m
}

func csvFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "halte.csv")
	must(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func openCSV(t *testing.T, path, m string) *history.CSV {
	t.Helper()
	c, err := history.OpenCSV(path, mapping(t, m), history.Options{Ahead: 6 * time.Hour})
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// readCSV surveys and reads a file from a place on.
func readCSV(t *testing.T, c *history.CSV, from history.Place) (all []history.Batch) {
	t.Helper()
	must(t, c.Survey(t.Context(), func(int64) error { return nil }))
	must(t, c.Read(t.Context(), from, func(b history.Batch) error { all = append(all, b); return nil }))
	return all
}

// One line says of its events what the same row of a release says.
func TestCSVRows(t *testing.T) {
	t.Parallel()
	const gap = "9;S;1;9-2410011200-1;8000105;;;01.10.2024 12:00;;nein;\n"
	tests := map[string]struct {
		line string
		want []string
	}{
		"both halves": {"4567;RE;50;-77-2410290758-3;08000150;29.10.2024 08:20;29.10.2024 08:27;29.10.2024 08:22;-;nein;\n", []string{"arrival 29T07:20 ct 07:27 polled 08:57", "departure 29T07:22"}},
		"cancelled":   {"4567;RE;-;1-2410290758-1;8000150;;;29.10.2024 08:22;;ja;\n", []string{"departure 29T07:22 c polled 08:52"}},
		"a quoted delimiter, a doubled quote, a line inside a value": {"4567;RE;50;1-2410290758-1;8000150;;;29.10.2024 08:22;29.10.2024 08:22;nein;\"er sagt \"\"gut\"\";\nund mehr\"\r\n",
			[]string{"departure 29T07:22 ct 07:22 polled 08:52"}},
		"Windows line end":              {"4567;RE;50;1-2410290758-1;8000150;;;29.10.2024 08:22;;nein;\r\n", []string{"departure 29T07:22"}},
		"no line end":                   {"4567;RE;50;1-2410290758-1;8000150;;;29.10.2024 08:22;;nein;", []string{"departure 29T07:22"}},
		"not cancelled, without saying": {"4567;RE;50;1-2410290758-1;8000150;;;29.10.2024 08:22;;;\n", []string{"departure 29T07:22"}},
		"autumn: the departure is not before the arrival": {"4;RE;5;1-2410270150-2;8000150;27.10.2024 02:10;27.10.2024 02:50;27.10.2024 02:05;27.10.2024 02:06;nein;\n",
			[]string{"arrival 27T00:10 ct 00:50 polled 02:20", "departure 27T01:05 ct 01:06 polled 02:36"}},
		"Latin 1 in a column that is not read": {"4567;RE;50;1-2410290758-1;8000150;;;29.10.2024 08:22;;nein;M\xfcnchen\n", []string{"departure 29T07:22"}},
		"Latin 1 in one that is":               {"4567;RE\xfc;50;1-2410290758-1;8000150;;;29.10.2024 08:22;;nein;\n", []string{"line 3 : not UTF-8: convert the file, from Latin 1 with iconv -f latin1 -t utf-8"}},
		"an American time":                     {"4567;RE;50;1-2410290758-1;8000150;;;10/29/2024 08:22;;nein;\n", []string{"line 3 Abfahrt (departure_planned_time): want a time such as 29.10.2024 15:48"}},
		"cancelled perhaps": {"4567;RE;50;1-2410290758-1;8000150;;;29.10.2024 08:22;29.10.2024 08:30;vielleicht;\n",
			[]string{"departure 29T07:22", "line 3 Ausfall (is_canceled): want ja, or nein"}},
		"station as a real number": {"4567;RE;50;1-2410290758-1;8000150.0;;;29.10.2024 08:22;;nein;\n", []string{"line 3 Bahnhof (eva): want the number of a station"}},
		"a year late": {"4567;RE;50;1-2410290758-1;8000150;;;29.10.2024 08:22;29.10.2025 08:22;nein;\n",
			[]string{"departure 29T07:22", "line 3 Abfahrt neu (departure_change_time): 365.0 days from the planned time: want at most 1.0 days"}},
		"a planned time of another week": {"4567;RE;50;1-2410290758-1;8000150;;;09.11.2024 08:22;;nein;\n",
			[]string{"line 3 Abfahrt (departure_planned_time): 11.0 days from the start of its trip, 2410290758: want at most 4.0 days"}},
		"the hour the spring change leaves out": {"4567;RE;50;1-2403310150-1;8000150;;;31.03.2024 02:30;;nein;\n",
			[]string{"line 3 Abfahrt (departure_planned_time): time \"2403310230\": does not exist in German local time (clock change)"}},
		"values too few": {"4567;RE;50;1-2410290758-1\n", []string{"line 3 : 4 values where the header has 11 columns: is a value that holds a \";\" not quoted?"}},
		"a quote that is not closed, then a good line": {"4567;RE;50;1-2410290758-1;8000150;;;29.10.2024 08:22;;nein;\"offen\n4568;RE;50;2-2410290758-1;8000150;;;29.10.2024 09:22;;nein;\n",
			[]string{"departure 29T08:22", "line 3 : a quote is opened and not closed"}},
		"a quote inside a value": {"4567;RE;50;1-2410290758-1;8000150;;;29.10.2024 08:22;;nein;er \"sagt\" es\n", []string{"line 3 : a quote stands inside a value that is not quoted: quote the value and write the quote twice"}},
		"text after a quote":     {"4567;RE;50;1-2410290758-1;8000150;;;29.10.2024 08:22;;nein;\"er\" sagt es\n", []string{"line 3 : a quote is closed before the value ends: write a quote inside a value twice"}},
	}
	for name, test := range tests {
		batches := readCSV(t, openCSV(t, csvFile(t, germanHeader+gap+test.line), german), history.Place{})
		if len(batches) != 1 {
			t.Fatalf("%s: %d batches", name, len(batches))
		}
		var got []string
		for _, line := range told(batches[0])[1:] {
			got = append(got, strings.NewReplacer("row 2 ", "").Replace(line))
		}
		if len(batches[0].Quarantined) > 0 {
			q := batches[0].Quarantined[0]
			got[len(got)-1] = fmt.Sprintf("line %d %s: %s", q.Line, q.Column, q.Reason)
		}
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s:\n%q\nwant\n%q", name, got, test.want)
		}
	}
}

// A file can be read on from the end of any batch, whatever stands in it.
func TestCSVGoesOn(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("\xef\xbb\xbf" + germanHeader)
	for i := range 25_000 {
		note := ""
		if i%1000 == 7 {
			note = "\"zwei\nZeilen\""
		}
		if i == 9_999 || i == 19_999 {
			note = "\"offen"
		}
		fmt.Fprintf(&text, "4567;RE;50;%d-2410290758-1;8000150;;;29.10.2024 08:22;29.10.2024 08:29;nein;%s\n", i, note)
	}
	path := csvFile(t, text.String())
	whole := readCSV(t, openCSV(t, path, german), history.Place{})
	if len(whole) != 3 || whole[0].Rows != history.BatchRows || whole[2].Next.Offset != int64(text.Len()) || whole[2].Next.Row != 25_000 || whole[2].Bytes != int64(text.Len()) {
		t.Fatalf("%d batches, the last ends at %+v", len(whole), whole[len(whole)-1].Next)
	}
	if q := whole[0].Quarantined; len(q) != 1 || q[0].Line != 10_011 || q[0].Row != 10_000 { // ten rows before have two lines
		t.Errorf("quarantined %+v", q)
	}
	for i := range whole {
		if rest := readCSV(t, openCSV(t, path, german), whole[i].Next); !reflect.DeepEqual(rest, whole[i+1:]) && len(whole[i+1:]) > 0 {
			t.Errorf("from %+v: %d batches, not those of the whole file", whole[i].Next, len(rest))
		}
	}
}

func TestMappings(t *testing.T) {
	t.Parallel()
	change := func(change func(m map[string]any)) string {
		var m map[string]any
		must(t, json.Unmarshal([]byte(german), &m))
		change(m)
		text, err := json.Marshal(m)
		must(t, err)
		return string(text)
	}
	columns := func(m map[string]any) map[string]any { return m["columns"].(map[string]any) }
	for name, test := range map[string]struct{ text, want string }{
		"no JSON":        {"delimiter: ;", "mapping: invalid character"},
		"two":            {german + "{}", "mapping: something follows the JSON value"},
		"unknown key":    {change(func(m map[string]any) { m["delimeter"] = ";" }), `unknown field "delimeter": want columns, delimiter, time_layout, zone, cancelled, runs, missing`},
		"unknown field":  {change(func(m map[string]any) { columns(m)["arival"] = "x" }), `columns: unknown field "arival": want some of station_name, eva,`},
		"missing fields": {`{"columns": {"eva": "a", "is_canceled": "b"}}`, "columns: id is needed\ncolumns: train_type is needed\n"},
		"no cancelled":   {change(func(m map[string]any) { delete(columns(m), "is_canceled") }), "columns: want is_canceled, or arrival_is_canceled and departure_is_canceled"},
		"half cancelled": {change(func(m map[string]any) { delete(columns(m), "is_canceled"); columns(m)["arrival_is_canceled"] = "x" }), "columns: want is_canceled, or"},
		"no column":      {change(func(m map[string]any) { columns(m)["eva"] = "" }), "columns: eva: want the name of a column"},
		"delimiter":      {change(func(m map[string]any) { m["delimiter"] = "||" }), `delimiter "||": want one character`},
		"quote":          {change(func(m map[string]any) { m["delimiter"] = "\"" }), "want one character, no quote"},
		"zone":           {change(func(m map[string]any) { m["zone"] = "CET" }), `zone "CET": want Europe/Berlin or UTC`},
		"layout":         {change(func(m map[string]any) { m["time_layout"] = "%Y-%m-%d %H:%M" }), `time_layout "%Y-%m-%d %H:%M": want year, month, day, hour and minute`},
		"no minute":      {change(func(m map[string]any) { m["time_layout"] = "2006-01-02 15" }), "want year, month, day, hour and minute"},
		"two zones": {change(func(m map[string]any) { m["time_layout"], m["zone"] = "2006-01-02T15:04Z07:00", "UTC" }),
			`zone "UTC": time_layout "2006-01-02T15:04Z07:00" has an offset of its own`},
		"cancelled alone": {change(func(m map[string]any) { delete(m, "runs") }), "cancelled and runs: want both or neither"},
	} {
		if _, err := history.ParseMapping([]byte(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v\nwant %s", name, err, test.want)
		}
	}
}

// Times are read in the zone the mapping says.
func TestCSVZones(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ times, value string }{
		"German":    {`"zone": "Europe/Berlin"`, "2024-10-29 08:22:00"},
		"unstated":  {`"missing": ["-"]`, "2024-10-29T08:22"},
		"UTC":       {`"zone": "UTC"`, "2024-10-29 07:22:00"},
		"an offset": {`"time_layout": "2006-01-02T15:04:05-07:00"`, "2024-10-29T02:22:00-05:00"},
	} {
		m := `{"columns": {"id": "id", "eva": "eva", "train_type": "type", "train_number": "number", "is_canceled": "off", "arrival_planned_time": "a",
			"arrival_change_time": "ac", "departure_planned_time": "d", "departure_change_time": "dc"}, ` + test.times + "}"
		path := csvFile(t, "id,eva,type,number,off,a,ac,d,dc\n1-2410290758-1,8000150,ICE,9,false,,,"+test.value+",\n")
		batch := readCSV(t, openCSV(t, path, m), history.Place{})[0]
		if len(batch.Planned) != 1 || !batch.Planned[0].Planned.Equal(utc(t, "2024-10-29T07:22Z")) || batch.Planned[0].Line != "" {
			t.Errorf("%s: %+v", name, batch)
		}
	}
}

// What is wrong with a file as a whole is one error, with its place.
func TestCSVHeaders(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, want string }{
		"empty":          {"", `halte.csv: line 1: "": the file is empty: want a line that names the columns`},
		"blank":          {"\n\r\n", `halte.csv: line 1: "": the file holds blank lines alone`},
		"UTF-16":         {"\xff\xfeH\x00a\x00", "the file is UTF-16: want UTF-8"},
		"Latin 1":        {strings.Replace(germanHeader, "Bemerkung", "Verz\xf6gerung", 1), "not UTF-8: convert the file"},
		"an open quote":  {"\"" + germanHeader, "halte.csv: line 1: \"\\\"Zug;Gattung;Linie"},
		"delimiter":      {strings.ReplaceAll(germanHeader, ";", ","), `halte.csv: line 1: "Zug,Gattung,Linie,Halt,Bahnhof,Ankunft,Ankunft neu,Abfahrt,Abfahrt neu,Ausfall,Bemerkung\n": split at ";" the header has but one column: is that the delimiter?`},
		"missing column": {strings.Replace(germanHeader, "Ausfall", "Storno", 1), "halte.csv: line 1, column Ausfall (is_canceled): "},
		"twice":          {strings.Replace(germanHeader, "Bemerkung", "Halt", 1), "column Halt (id): "},
	} {
		_, err := history.OpenCSV(csvFile(t, test.text), mapping(t, german), history.Options{})
		var format *history.FormatError
		if !errors.As(err, &format) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v\nwant %s", name, err, test.want)
		}
	}
	// A line without end is no value to hold.
	long := openCSV(t, csvFile(t, germanHeader+strings.Repeat("x", 2<<20)), german)
	var format *history.FormatError
	if err := long.Survey(t.Context(), func(int64) error { return nil }); !errors.As(err, &format) || format.Line != 2 || !strings.Contains(err.Error(), "a line of more than 1048576 bytes") {
		t.Errorf("a long line: %v", err)
	}
}
