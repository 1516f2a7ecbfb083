package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
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

func frameOf(t testing.TB, p schema.Prediction) []byte {
	t.Helper()
	frame, err := appendFrame(nil, rows(t, p)[0])
	if err != nil {
		t.Fatal(err)
	}
	return frame
}

func TestRecordsComeBackWhole(t *testing.T) {
	t.Parallel()
	want := prediction("p1")
	frame := frameOf(t, want)
	got, size, err := readFrame(frame)
	if err != nil || size != len(frame) || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v (%d of %d bytes, %v)\nwant %+v", got, size, len(frame), err, want)
	}
}

// What another version of the program wrote is not taken for damage, which would be
// cut off.
func TestARecordOfAnotherVersionIsNamed(t *testing.T) {
	t.Parallel()
	frame := frameOf(t, prediction("p1"))
	frame[frameHeader] = 1
	binary.LittleEndian.PutUint32(frame[4:], crc32.Checksum(frame[frameHeader:], castagnoli))
	_, _, err := readFrame(frame)
	if err == nil || errors.Is(err, errTorn) || err.Error() != "record of version 1, this program reads 2: start the program that wrote it until its log has arrived in ClickHouse" {
		t.Errorf("got %v", err)
	}
}

// A frame that is cut or has one bit flipped anywhere is never taken for whole.
func TestDamageIsSeen(t *testing.T) {
	t.Parallel()
	frame := frameOf(t, prediction("p1"))
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
	f.Add(frameOf(f, prediction("p1")))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, size, err := readFrame(data); err == nil && (size > len(data) || len(got.Features) > len(data)) {
			t.Errorf("%d bytes read of %d", size, len(data))
		}
	})
}

func ids(n int) []schema.Prediction {
	all := make([]schema.Prediction, n)
	for i := range all {
		all[i] = prediction(fmt.Sprint("p", i))
	}
	return all
}
