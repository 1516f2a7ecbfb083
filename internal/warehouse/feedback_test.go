package warehouse_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

func TestFeedbackIsKeptOnce(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	first := schema.Feedback{FeedbackID: "r1", PredictionID: "p1", Kind: schema.FeedbackOutcome, DelayMinutes: 9, Comment: "waited", Instance: "api-1", GivenAt: at(t, "29 12:00")}
	second := schema.Feedback{FeedbackID: "r2", PredictionID: "p1", Kind: schema.FeedbackUseless, GivenAt: at(t, "29 12:01"), Instance: "api-1"}
	for _, f := range []schema.Feedback{first, second, first} {
		if err := db.SaveFeedback(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	got, err := db.FeedbackOn(t.Context(), "p1")
	if want := []schema.Feedback{second, first}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
	if got, err := db.FeedbackOn(t.Context(), "p2"); err != nil || len(got) != 0 {
		t.Errorf("of another prediction: %+v, %v", got, err)
	}
}

func TestTruthOfOneForecast(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	event := planned(t, "1", rail.Arrival, "29 10:00")
	prediction := forecast(event, "p1", 30)
	if got, err := db.TruthOf(t.Context(), prediction); err != nil || got != (schema.Outcome{}) {
		t.Errorf("before it settled: %+v, %v", got, err)
	}
	for i, delay := range []int{4, 9} {
		if err := db.InsertTruth(t.Context(), batch(fmt.Sprint("truth", i)), at(t, "29 13:00").Add(time.Duration(i)*time.Hour), []rail.Truth{settled(event, delay)}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := db.TruthOf(t.Context(), prediction)
	want := schema.Outcome{Settled: true, Actual: event.Planned.Add(9 * time.Minute), DelayMinutes: 9, Evidence: string(rail.ChangeObserved)}
	if err != nil || got != want {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

// Ten trains are called 80 % likely to be on time, and eight are: five minutes
// late is on time, six is not. What was cancelled, did not settle, was asked at
// another horizon or came from a shadow is not counted.
func TestReliability(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	var forecasts []schema.Prediction
	var truths []rail.Truth
	call := func(n int, p float64, delay int, cancelled bool) {
		event := planned(t, fmt.Sprint(n), rail.Arrival, fmt.Sprintf("29 1%d:00", n%10))
		made := forecast(event, fmt.Sprint("p", n), 30)
		made.POnTime = p
		forecasts = append(forecasts, made)
		truth := settled(event, delay)
		truth.Cancelled = cancelled
		truths = append(truths, truth)
	}
	for n := range 8 {
		call(n, 0.75+0.01*float64(n), n-2, false)
	}
	call(8, 0.84, 6, false)
	call(9, 0.76, 40, false)
	call(20, 0.80, 0, true)
	call(21, 0.20, 12, false)
	open := planned(t, "30", rail.Arrival, "29 15:00")
	early, shadow := forecast(open, "open", 30), forecasts[0]
	other := forecasts[1]
	shadow.PredictionID, shadow.Role, shadow.POnTime = "shadow", schema.RoleShadow, 0.1
	other.PredictionID, other.HorizonMinutes, other.POnTime = "other", 5, 0.1
	forecasts = append(forecasts, early, shadow, other)
	if err := db.InsertPredictions(t.Context(), "t", forecasts); err != nil {
		t.Fatal(err)
	}
	if err := db.InsertTruth(t.Context(), batch("truth"), at(t, "30 02:00"), truths); err != nil {
		t.Fatal(err)
	}
	got, err := db.Reliability(t.Context(), schema.ReliabilityQuery{Model: "punctuality", DataSource: "test", From: "2024-10-29", Until: "2024-10-30", HorizonMinutes: 30})
	if err != nil || len(got) != 2 {
		t.Fatalf("got %+v, %v", got, err)
	}
	low, high := got[0], got[1]
	if low.Tenth != 2 || low.Events != 1 || low.OnTime != 0 || high.Tenth != 8 || high.Events != 10 || high.OnTime != 8 || high.Days != 1 || high.First != "2024-10-29" || high.Last != "2024-10-29" {
		t.Errorf("got %+v", got)
	}
	if want := (8*0.75 + 0.28 + 0.84 + 0.76) / 10; high.MeanForecast < want-1e-9 || high.MeanForecast > want+1e-9 {
		t.Errorf("mean forecast %v, want %v", high.MeanForecast, want)
	}
}
