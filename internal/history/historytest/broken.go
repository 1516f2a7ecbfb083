package historytest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
)

// Broken are wrong inputs that are no text, by the name of their file: each call
// writes one and answers its path.
func Broken() map[string]func(testing.TB) string {
	return map[string]func(testing.TB) string{
		"missing-columns.parquet": func(t testing.TB) string { return month(t, "missing-columns.parquet", without("id", "eva")) },
		"retyped-columns.parquet": func(t testing.TB) string {
			return month(t, "retyped-columns.parquet", retyped("eva", arrow.PrimitiveTypes.Float64, "is_canceled", arrow.BinaryTypes.String))
		},
		"zoned-times.parquet": func(t testing.TB) string {
			return month(t, "zoned-times.parquet", retyped("arrival_planned_time", arrow.FixedWidthTypes.Timestamp_us))
		},
		"raw-missing-columns.parquet": func(t testing.TB) string {
			columns := RawColumns()
			delete(columns, "status_code")
			return Write(t, "raw-missing-columns.parquet", File{Columns: columns})
		},
		"raw-retyped-columns.parquet": func(t testing.TB) string {
			columns := RawColumns()
			columns["response_data"] = arrow.PrimitiveTypes.Int64
			return Write(t, "raw-retyped-columns.parquet", File{Columns: columns})
		},
		"truncated.parquet":    func(t testing.TB) string { return cut(t, "truncated.parquet", 0.5) },
		"damaged-page.parquet": func(t testing.TB) string { return hollow(t, "damaged-page.parquet") },
		"not-parquet.parquet":  func(t testing.TB) string { return put(t, "not-parquet.parquet", []byte("<html>404</html>")) },
		"empty.parquet":        func(t testing.TB) string { return put(t, "empty.parquet", nil) },
		"spring-gap.parquet":   func(t testing.TB) string { return times(t, "spring-gap.parquet", "2024-03-31 02:30:00", "") },
		"absurd-delay.parquet": func(t testing.TB) string {
			return times(t, "absurd-delay.parquet", "2024-03-31 12:00:00", "2036-03-31 12:00:00")
		},
		"nothing-usable.parquet": func(t testing.TB) string { return times(t, "nothing-usable.parquet", "2024-03-31 12:00:30", "") },
		"utf-16.csv":             func(t testing.TB) string { return put(t, "utf-16.csv", []byte("\xff\xfei\x00d\x00,\x00")) },
		"long-line.csv": func(t testing.TB) string {
			return put(t, "long-line.csv", append([]byte(Header), make([]byte, 3<<20)...))
		},
	}
}

// Header is the first line of the CSV files of the corpus.
const Header = "id,eva,train_type,train_number,line_number,is_canceled,arrival_planned_time,arrival_change_time,departure_planned_time,departure_change_time\n"

func month(t testing.TB, name string, change func(map[string]arrow.DataType)) string {
	columns := Columns()
	change(columns)
	return Write(t, name, File{Columns: columns})
}

func without(names ...string) func(map[string]arrow.DataType) {
	return func(columns map[string]arrow.DataType) {
		for _, name := range names {
			delete(columns, name)
		}
	}
}

// retyped takes names and types in turn.
func retyped(pairs ...any) func(map[string]arrow.DataType) {
	return func(columns map[string]arrow.DataType) {
		for i := 0; i < len(pairs); i += 2 {
			columns[pairs[i].(string)] = pairs[i+1].(arrow.DataType)
		}
	}
}

// times is a file of one departure; one of another train that nothing is wrong
// with stands beside it, unless the time has seconds.
func times(t testing.TB, name, planned, changed string) string {
	row := func(id string) Row {
		return Row{"id": id, "eva": "8000105", "train_type": "RE", "train_number": "1", "is_canceled": "false"}
	}
	bad, good := row("1-2403310150-1"), row("2-2403310150-1")
	bad["departure_planned_time"], bad["departure_change_time"] = planned, changed
	good["departure_planned_time"] = "2024-03-31 13:00:00"
	rows := []Row{bad, good}
	if planned[len(planned)-2:] != "00" {
		rows = rows[:1]
	}
	return Write(t, name, File{Columns: Columns(), Rows: rows})
}

// groups is a file of three row groups.
func groups(t testing.TB) []byte {
	f := File{Columns: Columns(), GroupOf: 100}
	for i := range 300 {
		f.Rows = append(f.Rows, Row{"id": fmt.Sprintf("%d-2403310150-1", i), "eva": "8000105", "train_type": "RE", "train_number": "1", "is_canceled": "false",
			"departure_planned_time": "2024-03-31 13:00:00"})
	}
	body, err := os.ReadFile(Write(t, "whole.parquet", f))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func cut(t testing.TB, name string, share float64) string {
	body := groups(t)
	return put(t, name, body[:int(share*float64(len(body)))])
}

// hollow overwrites the middle of a file, whose ends are those of a whole one.
func hollow(t testing.TB, name string) string {
	body := groups(t)
	for i := len(body) * 5 / 10; i < len(body)*55/100; i++ {
		body[i] = 0xff
	}
	return put(t, name, body)
}

func put(t testing.TB, name string, body []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
