package warehouse_test

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/internal/warehouse"
	schema "puenktlich/schemas/clickhouse"
)

// Rows are what the driver would have written of the same predictions: the engine
// itself reads them, into columns of its own types.
func TestPredictionRowsAreTheSameRows(t *testing.T) {
	t.Parallel()
	event := planned(t, "1", rail.Arrival, "29 10:00")
	whole, bare := forecast(event, "whole", 30), forecast(event, "bare", -3)
	whole.PredictedAt = whole.PredictedAt.Add(123 * time.Millisecond)
	whole.RequestID = strings.Repeat("long ", 100) // its length takes two bytes
	whole.LastSeq, whole.EVA, whole.Version, whole.LatencyMicros = math.MaxUint64, math.MinInt64, math.MaxUint32, math.MaxUint32
	bare.Features, bare.Cumulative, bare.Group, bare.StopID = nil, nil, "", "Köln 'Hbf'\n"
	bare.EventDay, bare.Planned = "2106-02-07", time.Date(2106, 2, 7, 6, 28, 15, 0, time.UTC)
	all := []schema.Prediction{whole, bare}

	byDriver, byRow := migrated(t), migrated(t)
	if err := byDriver.InsertPredictions(t.Context(), "t", all); err != nil {
		t.Fatal(err)
	}
	for range 2 { // one sent again changes nothing
		if err := byRow.InsertPredictionRows(t.Context(), "t", bytesOf(t, all...), len(all)); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"whole", "bare"} {
		want, err := byDriver.PredictionByID(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		got, err := byRow.PredictionByID(t.Context(), id)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v\nwant %+v", got, err, want)
		}
	}
	if same, err := byRow.PredictionsByRequest(t.Context(), whole.RequestID); err != nil || len(same) != 1 {
		t.Errorf("%d rows, %v; want 1", len(same), err)
	}
}

func TestPredictionRowsThatAreNone(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	row := bytesOf(t, forecast(planned(t, "1", rail.Arrival, "29 10:00"), "p1", 30))
	if err := db.InsertPredictionRows(t.Context(), "cut", row[:len(row)-1], 1); !errors.Is(err, warehouse.ErrRejected) {
		t.Errorf("cut: got %v, want ErrRejected", err)
	}
	if err := db.InsertPredictionRows(t.Context(), "", row, 1); err == nil || !strings.Contains(err.Error(), "a deduplication token is required") {
		t.Errorf("no token: got %v", err)
	}
	if err := db.InsertPredictionRows(t.Context(), "none", nil, 0); err != nil {
		t.Errorf("none: got %v", err)
	}
	if _, err := db.PredictionByID(t.Context(), "p1"); !errors.Is(err, warehouse.ErrNotFound) {
		t.Errorf("got %v, want nothing of it", err)
	}
}

func bytesOf(t testing.TB, predictions ...schema.Prediction) (all []byte) {
	t.Helper()
	rows, err := schema.Rows(predictions)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		all = row.AppendTo(all)
	}
	return all
}
