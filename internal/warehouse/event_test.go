package warehouse_test

import (
	"testing"

	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

func TestForecastsOfAnEvent(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	first, second := planned(t, "1", rail.Arrival, "29 11:00"), planned(t, "2", rail.Departure, "29 10:00")
	elsewhere, tomorrow := planned(t, "3", rail.Arrival, "29 11:00"), planned(t, "4", rail.Arrival, "29 23:30")
	elsewhere.EVA++
	insertPlan(t, db, batch("plan"), 1, first, second, elsewhere, tomorrow)
	insertPlan(t, db, batch("again"), 10, first)
	plan, err := db.DayPlan(t.Context(), "test", first.EVA, "2024-10-29")
	if err != nil || len(plan) != 2 || plan[0].Key() != second.Key() || plan[1].Key() != first.Key() || plan[1].Path[1] != "Köln Hbf" {
		t.Errorf("plan %+v, %v", plan, err)
	}
	late, early, other := forecast(first, "late", 5), forecast(first, "early", 60), forecast(second, "other", 5)
	for _, token := range []string{"a", "b"} {
		if err := db.InsertPredictions(t.Context(), token, []schema.Prediction{late, early, other}); err != nil {
			t.Fatal(err)
		}
	}
	made, err := db.ForecastsOf(t.Context(), "test", first)
	if err != nil || len(made) != 2 || made[0].PredictionID != "early" || made[1].PredictionID != "late" {
		t.Errorf("forecasts %+v, %v", made, err)
	}
}
