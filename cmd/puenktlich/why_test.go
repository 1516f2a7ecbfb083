package main

import (
	"bytes"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/config"
	"puenktlich/internal/feature"
	"puenktlich/internal/rail"
	"puenktlich/internal/testenv"
	"puenktlich/internal/warehouse"
	schema "puenktlich/schemas/clickhouse"
)

// An RE 54 of 11:05 was called likely to be on time while the railway said nothing,
// then unlikely once it said nine minutes, and came twelve minutes late.
func TestWhyTellsHowAForecastMoved(t *testing.T) {
	t.Parallel()
	db, err := warehouse.Open(warehouse.Options(testenv.ClickHouse(t)))
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	_, err = db.Migrate(t.Context())
	require.NoError(t, err)
	planned := time.Date(2024, 10, 29, 10, 5, 0, 0, time.UTC)
	event := rail.PlannedEvent{EVA: 8000105, Stop: "-1-2410291000-2", Kind: rail.Departure, Trip: "-1-2410291000", ServiceDay: "2024-10-29", Index: 2,
		Train: rail.Train{Category: "RE", Number: "4602"}, Line: "54", Planned: planned, PolledAt: planned.Add(-3 * time.Hour)}
	require.NoError(t, db.InsertPlan(t.Context(), schema.Batch{Token: "plan", Source: "simulation", Group: "main"}, []rail.PlannedEvent{event}, 1))
	made := func(horizon int32, pOnTime float64, said float32) schema.Prediction {
		features := make([]float32, feature.Width())
		features[slices.Index(feature.Names(), "forecast_delay")] = said
		return schema.Prediction{PredictionID: string(rune('a' + horizon)), Source: schema.FromPanel, DataSource: "simulation", Model: "punctuality", Version: 7, Role: schema.RoleChampion,
			EVA: event.EVA, StopID: string(event.Stop), Kind: string(event.Kind), EventDay: "2024-10-29", Planned: planned, PredictedAt: planned.Add(-time.Duration(horizon) * time.Minute),
			HorizonMinutes: horizon, Features: features, POnTime: pOnTime, PCancelled: 0.01, PBaseline: 0.9}
	}
	require.NoError(t, db.InsertPredictions(t.Context(), "panel", []schema.Prediction{made(5, 0.12, 9), made(60, 0.81, float32(math.NaN()))}))
	q := whyQuestion{whyInput{train: "re4602", station: "frankfurt main hbf"}, config.Config{Source: config.SourceSimulation},
		[]rail.Station{{EVA: 8000105, Name: "Frankfurt(Main)Hbf"}}, "2024-10-29"}

	told, err := tell(t.Context(), db, q)
	require.NoError(t, err)
	require.Equal(t, "It has not settled yet, or its outcome stayed unknown.", told.Ended)
	truth := rail.Truth{EVA: event.EVA, Stop: event.Stop, Kind: event.Kind, Planned: planned, Actual: planned.Add(12 * time.Minute), Evidence: rail.ChangeObserved, LastSeen: planned.Add(time.Hour)}
	require.NoError(t, db.InsertTruth(t.Context(), schema.Batch{Token: "truth", Source: "simulation"}, planned.Add(3*time.Hour), []rail.Truth{truth}))
	told, err = tell(t.Context(), db, q)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, program{out: &out}.printStory(told))
	require.Equal(t, `RE 4602 (54), departure at 11:05, Frankfurt(Main)Hbf, 2024-10-29 (stop -1-2410291000-2)

  min before  known at          model         P(on time)  P(cancelled)      DB said  P by DB's alone
          60     10:05  punctuality@7  panel        81 %           1 %  no forecast             90 %
           5     11:00  punctuality@7  panel        12 %           1 %       +9 min             90 %

It was late: 11:17, +12 min (change observed).
`, out.String())

	for name, c := range map[string]struct {
		edit func(*whyInput)
		want string
	}{
		"train":   {func(in *whyInput) { in.train = "RE 4622" }, `no train "RE 4622" at Frankfurt(Main)Hbf on 2024-10-29 among 1 planned events; near it: RE 4602 (54), departure at 11:05`},
		"station": {func(in *whyInput) { in.station = "frankfurt" }, `no station "frankfurt" is collected; near it: Frankfurt(Main)Hbf (8000105)`},
		"day":     {func(in *whyInput) { in.date = "yesterday" }, `--date "yesterday": want YYYY-MM-DD`},
		"event":   {func(in *whyInput) { in.event = "stop" }, `--event "stop": want arrival or departure`},
	} {
		asked := q
		c.edit(&asked.whyInput)
		_, err := tell(t.Context(), db, asked)
		require.EqualError(t, err, c.want, name)
	}
}
