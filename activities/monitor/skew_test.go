package monitor

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/feature"
	"puenktlich/internal/livestate"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Of each hour's four forecasts, made from what the store knew, one was made from
// another delay. Features that a consumer gave belong to no event and are not
// computed again.
func TestSkewIsNamedByFeature(t *testing.T) {
	t.Parallel()
	r := newRailway(t)
	r.learn()
	events := r.plan(measured)
	state, err := livestate.Fill(t.Context(), r.db, livestate.Span{Source: "test", From: measured.Start(), Until: measured.End()}, 0)
	require.NoError(t, err)
	histories := &livestate.Histories{Store: r.db, Source: "test"}
	at := slices.Index(feature.Names(), "forecast_delay")
	for _, wrong := range []bool{false, true} {
		var rows []schema.Prediction
		for i, e := range events {
			cutoff := e.Planned.Add(-time.Hour)
			known, found := state.At(e.Key(), cutoff)
			require.True(t, found)
			history, err := histories.At(t.Context(), cutoff)
			require.NoError(t, err)
			vector := make([]float32, feature.Width())
			feature.Vector(vector, &known, history)
			if wrong && i%4 == 1 {
				vector[at] = 77
			}
			rows = append(rows, schema.Prediction{RequestID: "r", PredictionID: fmt.Sprint("served", i), Source: schema.FromPanel, DataSource: "test", Group: "g", Model: schemas.DefaultModel,
				Version: 7, Digest: "d7", Role: schema.RoleChampion, EVA: e.EVA, StopID: string(e.Stop), Kind: string(e.Kind), EventDay: string(measured), Planned: e.Planned,
				PredictedAt: cutoff, HorizonMinutes: 60, Features: vector, Cumulative: []float64{1}, POnTime: 0.8, PBaseline: 0.7})
		}
		given := rows[0]
		given.PredictionID, given.Source, given.StopID, given.Kind = "given", schema.FromRequest, "", ""
		require.NoError(t, r.db.InsertPredictions(t.Context(), fmt.Sprint("served", wrong), append(rows, given)))
		s := r.measure(schemas.MonitorInput{Day: string(measured), AsOf: morning})
		skew := s.Signal(schemas.SignalSkew)
		require.Equal(t, 4, skew.Events)
		if !wrong {
			require.Zero(t, *skew.Value, skew.Note)
			continue
		}
		require.InDelta(t, 0.25, *skew.Value, 1e-12)
		require.Equal(t, "differs: forecast_delay in 1", skew.Note)
	}
}
