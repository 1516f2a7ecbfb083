package spool

import (
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	schema "puenktlich/schemas/clickhouse"
)

// prediction is one with every field set.
func prediction(id string) schema.Prediction {
	return schema.Prediction{
		RequestID: "r-" + id, PredictionID: id, Source: schema.FromRequest, DataSource: "test", Group: "main",
		Model: "punctuality", Version: 7, Digest: "00ff", Role: schema.RoleChampion, Instance: "api-1",
		EVA: 8000105, StopID: "-1234-2410290900-4", Kind: "arrival", EventDay: "2024-10-29",
		Planned: time.Date(2024, 10, 29, 9, 30, 0, 0, time.UTC), PredictedAt: time.Date(2024, 10, 29, 9, 0, 0, 5e6, time.UTC),
		HorizonMinutes: -3, LastSeq: 1 << 60, Features: []float32{1.5, -0.25, 0}, Cumulative: []float64{0.1, 0.5, 0.9},
		POnTime: 0.5, PCancelled: 0.01, PBaseline: 0.6, LatencyMicros: 900,
	}
}

func TestRecordsComeBackWhole(t *testing.T) {
	t.Parallel()
	want := prediction("p1")
	filled := reflect.ValueOf(want)
	for i := range filled.NumField() {
		if filled.Field(i).IsZero() {
			t.Errorf("the test leaves %s at zero and would not see it lost", filled.Type().Field(i).Name)
		}
	}
	frame, err := appendFrame(nil, &want)
	if err != nil {
		t.Fatal(err)
	}
	got, size, err := readFrame(frame)
	if err != nil || size != len(frame) || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v (%d of %d bytes, %v)\nwant %+v", got, size, len(frame), err, want)
	}
}

// What is read of many frames shares memory, and is what is read of each alone:
// lists of different lengths, empty ones too, and none that grows into the next.
func TestManyFramesAreReadAsEachAlone(t *testing.T) {
	t.Parallel()
	var frames []byte
	var want []schema.Prediction
	for i := range 50 {
		p := prediction(fmt.Sprint("p", i))
		p.Features, p.Cumulative = make([]float32, i%7), make([]float64, i%5)
		for j := range p.Features {
			p.Features[j] = float32(100*i + j)
		}
		for j := range p.Cumulative {
			p.Cumulative[j] = float64(i) / float64(j+1)
		}
		want = append(want, p)
		var err error
		if frames, err = appendFrame(frames, &p); err != nil {
			t.Fatal(err)
		}
	}
	all := newSlab(frames)
	var got []schema.Prediction
	for len(all.rest) > 0 {
		p, err := all.next()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, p)
	}
	for i := range got {
		_ = append(got[i].Features, -1)
		_ = append(got[i].Cumulative, -1)
	}
	if len(got) != len(want) {
		t.Fatalf("%d predictions, want %d", len(got), len(want))
	}
	for i := range got {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("got %+v\nwant %+v", got[i], want[i])
		}
	}
}

func TestNaNSurvives(t *testing.T) {
	t.Parallel()
	p := prediction("p1")
	p.Features[1], p.PBaseline = float32(math.NaN()), math.NaN()
	frame, err := appendFrame(nil, &p)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := readFrame(frame)
	if err != nil || !math.IsNaN(float64(got.Features[1])) || !math.IsNaN(got.PBaseline) || got.Features[0] != 1.5 {
		t.Errorf("got %v, %v, %v", got.Features, got.PBaseline, err)
	}
}

// A frame that is cut or has one bit flipped anywhere is never taken for whole.
func TestDamageIsSeen(t *testing.T) {
	t.Parallel()
	p := prediction("p1")
	frame, err := appendFrame(nil, &p)
	if err != nil {
		t.Fatal(err)
	}
	for n := range frame {
		if _, _, err := readFrame(frame[:n]); err == nil {
			t.Fatalf("cut to %d of %d bytes: taken for whole", n, len(frame))
		}
		for bit := range 8 {
			damaged := append([]byte(nil), frame...)
			damaged[n] ^= 1 << bit
			if _, _, err := readFrame(damaged); err == nil {
				t.Fatalf("bit %d of byte %d flipped: taken for whole", bit, n)
			}
		}
	}
}

func FuzzReadFrame(f *testing.F) {
	p := prediction("p1")
	frame, err := appendFrame(nil, &p)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(frame)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, size, err := readFrame(data); err == nil && (size > len(data) || len(got.Features) > len(data)) {
			t.Errorf("%d bytes read of %d", size, len(data))
		}
		_, _ = readRecord(data)
	})
}

func ids(n int) []schema.Prediction {
	all := make([]schema.Prediction, n)
	for i := range all {
		all[i] = prediction(fmt.Sprint("p", i))
	}
	return all
}
