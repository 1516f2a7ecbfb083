package clickhouse

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

// filled is a prediction with every field set.
func filled(id string) Prediction {
	return Prediction{
		RequestID: "r-" + id, PredictionID: id, Source: FromRequest, DataSource: "test", Group: "main",
		Model: "punctuality", Version: 7, Digest: "00ff", Role: RoleChampion, Instance: "api-1",
		EVA: 8000105, StopID: "-1234-2410290900-4", Kind: "arrival", EventDay: "2024-10-29",
		Planned: time.Date(2024, 10, 29, 9, 30, 0, 0, time.UTC), PredictedAt: time.Date(2024, 10, 29, 9, 0, 0, 5e6, time.UTC),
		HorizonMinutes: -3, LastSeq: 1 << 60, Features: []float32{1.5, -0.25, 0}, Cumulative: []float64{0.1, 0.5, 0.9},
		POnTime: 0.5, PCancelled: 0.01, PBaseline: 0.6, LatencyMicros: 900,
	}
}

func TestRowsComeBackWhole(t *testing.T) {
	t.Parallel()
	fields := reflect.ValueOf(filled("p"))
	for i := range fields.NumField() {
		if fields.Field(i).IsZero() {
			t.Errorf("the test leaves %s at zero and would not see it lost", fields.Type().Field(i).Name)
		}
	}
	var want []Prediction
	var all []byte
	for i := range 20 {
		p := filled(fmt.Sprint("p", i))
		p.Features, p.Cumulative = make([]float32, i%7), make([]float64, i%5)
		for j := range p.Features {
			p.Features[j] = float32(100*i + j)
		}
		p.StopID = strings.Repeat("x", 40*i) // lengths of one byte and of two
		want = append(want, p)
	}
	rows, err := Rows(want)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		alone, err := want[i].Row()
		if err != nil || !bytes.Equal(alone.AppendTo(nil), row.AppendTo(nil)) {
			t.Errorf("row %d alone differs, %v", i, err)
		}
		if id, err := PredictionID(row.AppendTo(nil)); err != nil || id != want[i].PredictionID {
			t.Errorf("id of row %d: %q, %v", i, id, err)
		}
		all = row.AppendTo(all)
	}
	got, err := ReadPredictions(all, len(want))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

// A NaN is a value like any other.
func TestNaNSurvives(t *testing.T) {
	t.Parallel()
	p := filled("p1")
	p.Features[1], p.PBaseline = float32(math.NaN()), math.NaN()
	row, err := p.Row()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ReadPrediction(row.AppendTo(nil))
	if err != nil || !math.IsNaN(float64(got.Features[1])) || !math.IsNaN(got.PBaseline) || got.Features[0] != 1.5 {
		t.Errorf("got %v, %v, %v", got.Features, got.PBaseline, err)
	}
}

func TestRowsThatTheTableCannotHold(t *testing.T) {
	t.Parallel()
	for want, edit := range map[string]func(*Prediction){
		`event day "29.10.2024": want YYYY-MM-DD`:                            func(p *Prediction) { p.EventDay = "29.10.2024" },
		`event day "2149-06-07": a Date holds 1970-01-01 to 2149-06-06`:      func(p *Prediction) { p.EventDay = "2149-06-07" },
		"planned 1969-12-31T23:59:59Z: a DateTime holds 1970 to 2106":        func(p *Prediction) { p.Planned = time.Unix(-1, 0).UTC() },
		"planned 2106-02-07T06:28:16Z: a DateTime holds 1970 to 2106":        func(p *Prediction) { p.Planned = time.Unix(1<<32, 0).UTC() },
		"predicted at 0001-01-01T00:00:00Z: a DateTime64 holds 1900 to 2299": func(p *Prediction) { p.PredictedAt = time.Time{} },
	} {
		p := filled("p1")
		edit(&p)
		if _, err := p.Row(); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if rows, err := Rows([]Prediction{filled("p0"), p}); err == nil || rows != nil || err.Error() != "prediction p1: "+want {
			t.Errorf("got %v, want it named", err)
		}
	}
}

// A row that is cut anywhere, or has a byte too many, is none.
func TestCutRowsAreRefused(t *testing.T) {
	t.Parallel()
	p := filled("p1")
	encoded, err := p.Row()
	if err != nil {
		t.Fatal(err)
	}
	row := encoded.AppendTo(nil)
	for n := range row {
		if _, err := ReadPrediction(row[:n]); !errors.Is(err, ErrRow) {
			t.Fatalf("cut to %d of %d bytes: got %v", n, len(row), err)
		}
	}
	if _, err := ReadPrediction(append(row, 0)); !errors.Is(err, ErrRow) {
		t.Errorf("a byte too many: got %v", err)
	}
	if _, err := ReadPredictions(row, 2); !errors.Is(err, ErrRow) {
		t.Errorf("one row too few: got %v", err)
	}
}

func FuzzReadPredictions(f *testing.F) {
	p := filled("p1")
	row, err := p.Row()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(row.AppendTo(nil), 1)
	f.Add(row.AppendTo(row.AppendTo(nil)), 2)
	f.Add([]byte{}, 0)
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		all, err := ReadPredictions(data, n)
		if err != nil {
			return
		}
		values := 0
		for _, p := range all {
			values += 4*len(p.Features) + 8*len(p.Cumulative)
		}
		if len(all) != max(n, 0) || values > len(data) {
			t.Errorf("%d of %d rows with %d bytes of lists read of %d", len(all), n, values, len(data))
		}
		_, _ = PredictionID(data)
	})
}
