package serving_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/rail"
	"puenktlich/internal/serving"
	"puenktlich/internal/serving/servingtest"
)

// aged is a world whose knowledge has an age that a test sets.
type aged struct {
	*counted
	age time.Duration
}

func (w *aged) Age() time.Duration { return w.age }

// What is written of a forecast that was remembered is what the library writes of
// it, byte for byte, whatever its texts, its age and its ids are.
func TestWrittenAsTheLibraryWrites(t *testing.T) {
	t.Parallel()
	w := &aged{counted: &counted{world: newWorld(), generation: 1}}
	c := champion(t, t.TempDir(), &servingtest.Packages{})
	require.NoError(t, c.Load(t.Context(), servingtest.Ref(7)))
	f := serving.NewForecaster(serving.Options{Champion: c, State: w, Log: w, DataSource: "test", Instance: "api-1"})
	keys := []rail.EventKey{w.add(50, 9), w.add(12, 0), w.add(20, -1)}
	odd := rail.PlannedEvent{EVA: 1, Stop: "78-2410290930-1", Kind: rail.Departure, Trip: "78", Index: 1, Planned: now.Add(30 * time.Minute), Line: `"data_age_seconds":null`,
		Train: rail.Train{Category: "<RE>", Number: "46&\u2028\xff"}, Platform: `5"\`, Path: []string{"Würzburg Hbf"}, PolledAt: now.Add(-2 * time.Hour)}
	w.AddPlan([]rail.PlannedEvent{odd})
	keys = append(keys, odd.Key())
	for _, age := range []time.Duration{0, 1, time.Microsecond, time.Millisecond, 120 * time.Millisecond, 1500 * time.Millisecond, 42 * time.Second, 42010 * time.Millisecond, 12345678901234, math.MaxInt64} {
		for _, id := range []string{"r1", `a "quoted" id`, "ü", "4bf92f35.x_Y-9"} {
			for _, explain := range []bool{false, true, false} {
				w.age = age
				r, err := f.Answer(serving.Request{ID: id, Events: keys, At: now, Explain: explain})
				require.NoError(t, err)
				require.Len(t, r.Forecasts, len(keys))
				for i := range r.Forecasts {
					want, err := json.Marshal(r.Forecasts[i])
					require.NoError(t, err)
					got, err := r.Forecasts[i].AppendJSON([]byte("before "))
					require.NoError(t, err)
					require.Equal(t, "before "+string(want), string(got))
				}
			}
		}
	}
	require.Equal(t, len(keys), w.computed)
	lone := serving.Forecast{Statement: &serving.Statement{StopID: "1"}}
	want, err := json.Marshal(lone)
	require.NoError(t, err)
	got, err := lone.AppendJSON(nil)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

// What cannot be written, such as a probability that is no number, is an error
// each time, and nothing half written.
func TestWhatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	broken := serving.Forecast{Statement: &serving.Statement{StopID: "1", POnTime: math.NaN()}}
	for range 2 {
		_, err := broken.AppendJSON(nil)
		require.Error(t, err)
	}
}
