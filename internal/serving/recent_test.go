package serving_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/feature"
	"puenktlich/internal/rail"
	"puenktlich/internal/serving"
	"puenktlich/internal/serving/servingtest"
	schema "puenktlich/schemas/clickhouse"
)

// counted is a world that says when it changed, and counts how often features
// were computed.
type counted struct {
	*world
	generation uint64
	computed   int
}

func (w *counted) Generation() uint64 { return w.generation }

func (w *counted) Vector(key rail.EventKey, cutoff time.Time) ([]float32, feature.Knowledge, uint64, bool) {
	w.computed++
	return w.world.Vector(key, cutoff)
}

// What is asked twice of one moment is computed once and logged twice; what was
// observed in between, another moment and another package are computed anew.
func TestTheSameMomentIsComputedOnce(t *testing.T) {
	t.Parallel()
	w := &counted{world: newWorld()}
	key := w.add(30, 9)
	c := champion(t, t.TempDir(), &servingtest.Packages{})
	require.NoError(t, c.Load(t.Context(), servingtest.Ref(7)))
	f := serving.NewForecaster(serving.Options{Champion: c, State: w, Log: w, DataSource: "test", Instance: "api-1"})
	ask := func(at time.Time, explain bool) serving.Forecast {
		t.Helper()
		result, err := f.Answer(serving.Request{Events: []rail.EventKey{key}, At: at, Explain: explain})
		require.NoError(t, err)
		require.Len(t, result.Forecasts, 1)
		return result.Forecasts[0]
	}
	first, second, third := ask(now, false), ask(now, true), ask(now, true)
	require.Equal(t, 1, w.computed)
	require.Len(t, w.rows, 3)
	require.NotEqual(t, first.PredictionID, second.PredictionID)
	require.Empty(t, first.Reasons)
	require.NotEmpty(t, second.Reasons)
	require.Equal(t, second.Reasons, third.Reasons)
	require.Equal(t, first.POnTime, third.POnTime)

	planned := now.Add(30 * time.Minute)
	w.AddChanges([]rail.Change{{EVA: 1, Stop: key.Stop, Kind: rail.Departure, Seq: 2, PolledAt: now.Add(-time.Minute), Changed: planned}})
	w.generation++
	changed := ask(now, true)
	require.Equal(t, 2, w.computed)
	require.Greater(t, changed.POnTime, first.POnTime, "it is on time again")
	require.NotEqual(t, second.Reasons, changed.Reasons)

	ask(now.Add(-time.Minute), false)
	ask(now.Add(-time.Minute), false)
	require.Equal(t, 4, w.computed, "the past is not remembered")
	ask(now, false)
	require.Equal(t, 4, w.computed, "and does not displace the present")
	later := ask(now.Add(time.Second), false)
	require.Equal(t, 5, w.computed)
	require.Less(t, later.HorizonMinutes, changed.HorizonMinutes)
	for _, row := range w.rows {
		require.Equal(t, schema.FromRequest, row.Source)
	}
}
