package warehouse_test

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/internal/warehouse"
	schema "puenktlich/schemas/clickhouse"
)

func forecast(event rail.PlannedEvent, id string, horizon int32) schema.Prediction {
	return schema.Prediction{
		RequestID: "request-" + id, PredictionID: id, Source: schema.FromPanel, DataSource: "test", Group: "frankfurt-hbf",
		Model: "punctuality", Version: 7, Digest: "00ff", Role: schema.RoleChampion, Instance: "api-1",
		EVA: event.EVA, StopID: string(event.Stop), Kind: string(event.Kind), EventDay: string(rail.DayOf(event.Planned)),
		Planned: event.Planned, PredictedAt: event.Planned.Add(-time.Duration(horizon) * time.Minute), HorizonMinutes: horizon,
		LastSeq: 41, Features: []float32{1.5, -0.25}, Cumulative: []float64{0.1, 0.5, 0.9}, POnTime: 0.7, PCancelled: 0.01,
		PBaseline: 0.6, LatencyMicros: 900,
	}
}

func TestPredictionByID(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	prediction := forecast(planned(t, "1", rail.Arrival, "29 10:00"), "p1", 30)
	for _, token := range []string{"spool-1", "spool-1 after a restart"} {
		if err := db.InsertPredictions(t.Context(), token, []schema.Prediction{prediction}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := db.PredictionByID(t.Context(), "p1")
	if err != nil || !reflect.DeepEqual(got, prediction) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, prediction)
	}
	all, err := db.PredictionsByRequest(t.Context(), "request-p1")
	if err != nil || len(all) != 1 {
		t.Errorf("by request: got %d, %v, want 1", len(all), err)
	}
	if _, err := db.PredictionByID(t.Context(), "p2"); !errors.Is(err, warehouse.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

func TestPredictionKeepsNaN(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	prediction := forecast(planned(t, "1", rail.Arrival, "29 10:00"), "p1", 30)
	prediction.Features, prediction.PBaseline = []float32{float32(math.NaN()), 0}, math.NaN()
	if err := db.InsertPredictions(t.Context(), "t", []schema.Prediction{prediction}); err != nil {
		t.Fatal(err)
	}
	got, err := db.PredictionByID(t.Context(), "p1")
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Features) != 2 || !math.IsNaN(float64(got.Features[0])) || got.Features[1] != 0 || !math.IsNaN(got.PBaseline) {
		t.Errorf("got features %v and baseline %v, want [NaN 0] and NaN", got.Features, got.PBaseline)
	}
}

func TestPredictionsMeetTheirTruth(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	ctx := t.Context()
	late, open := planned(t, "1", rail.Arrival, "29 10:00"), planned(t, "2", rail.Arrival, "29 11:00")
	again := forecast(late, "p1 of another instance", 30)
	again.PredictedAt = again.PredictedAt.Add(time.Second)
	asked, shadow, otherSource := forecast(late, "asked", 30), forecast(late, "shadow", 30), forecast(late, "sim", 30)
	asked.Source, shadow.Role, shadow.Version, otherSource.DataSource = schema.FromRequest, schema.RoleShadow, 8, "simulated"
	all := []schema.Prediction{forecast(open, "p3", 5), forecast(late, "p2", 5), forecast(late, "p1", 30), again, asked, shadow, otherSource}
	if err := db.InsertPredictions(ctx, "t", all); err != nil {
		t.Fatal(err)
	}
	if err := db.InsertTruth(ctx, batch("truth"), at(t, "29 13:00"), []rail.Truth{settled(late, 9)}); err != nil {
		t.Fatal(err)
	}
	base := schema.PredictionQuery{Model: "punctuality", Source: schema.FromPanel, DataSource: "test", From: "2024-10-29", Until: "2024-10-30"}
	cases := map[string]struct {
		edit func(*schema.PredictionQuery)
		want []string
	}{
		"the panel, once an event, horizon and version": {func(*schema.PredictionQuery) {}, []string{"p2 9", "p1 9", "shadow 9", "p3 ?"}},
		"requests":            {func(q *schema.PredictionQuery) { q.Source = schema.FromRequest }, []string{"asked 9"}},
		"before it settled":   {func(q *schema.PredictionQuery) { q.SettledUntil = at(t, "29 12:59") }, []string{"p2 ?", "p1 ?", "shadow ?", "p3 ?"}},
		"before the last was": {func(q *schema.PredictionQuery) { q.PredictedUntil = at(t, "29 09:30") }, []string{"p1 9", "shadow 9"}},
		"with features":       {func(q *schema.PredictionQuery) { q.WithFeatures = true }, []string{"p2 9", "p1 9", "shadow 9", "p3 ?"}},
		"another day":         {func(q *schema.PredictionQuery) { q.From, q.Until = "2024-10-30", "2024-10-31" }, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			query := base
			c.edit(&query)
			var got []string
			err := db.PredictionsWithTruth(ctx, query, func(p schema.Prediction, o schema.Outcome) error {
				if query.WithFeatures != (len(p.Features) == 2) || !slices.Equal(p.Cumulative, []float64{0.1, 0.5, 0.9}) {
					t.Errorf("%s: features %v, cumulative %v", p.PredictionID, p.Features, p.Cumulative)
				}
				got = append(got, p.PredictionID+" "+outcome(t, late, o))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// outcome is the delay in minutes, or ? for what is not settled.
func outcome(t *testing.T, event rail.PlannedEvent, o schema.Outcome) string {
	t.Helper()
	if !o.Settled {
		if o != (schema.Outcome{}) {
			t.Errorf("not settled, and yet %+v", o)
		}
		return "?"
	}
	if want := event.Planned.Add(9 * time.Minute); !o.Actual.Equal(want) || o.Cancelled || o.Evidence != string(rail.ChangeObserved) {
		t.Errorf("got %+v, want %s with an observed change", o, want)
	}
	return fmt.Sprint(o.DelayMinutes)
}
