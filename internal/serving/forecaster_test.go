package serving_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"puenktlich/internal/feature"
	"puenktlich/internal/rail"
	"puenktlich/internal/serving"
	"puenktlich/internal/serving/servingtest"
	schema "puenktlich/schemas/clickhouse"
)

// now is the domain time of these tests.
var now = time.Date(2024, 10, 29, 9, 0, 0, 0, time.UTC)

// world is a State with a clock, and the other parts around a Forecaster.
type world struct {
	*feature.State
	mu   sync.Mutex
	now  time.Time
	rows []schema.Prediction
	fail error
}

func newWorld() *world { return &world{State: feature.NewState(feature.Options{}), now: now} }

func (w *world) Vector(key rail.EventKey, cutoff time.Time) ([]float32, feature.Knowledge, uint64, bool) {
	k, ok := w.At(key, cutoff)
	if !ok {
		return nil, k, 0, false
	}
	vector := make([]float32, feature.Width())
	feature.Vector(vector, &k, nil)
	return vector, k, 77, true
}

func (w *world) Age() time.Duration { return 42 * time.Second }
func (w *world) Ready() bool        { return true }
func (w *world) Stations() []int64  { return []int64{1} }
func (w *world) Board(eva int64, from, to time.Time) []*rail.PlannedEvent {
	return w.Plans(eva, from, to)
}

func (w *world) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) Append(rows []schema.PredictionRow) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		return w.fail
	}
	for _, row := range rows {
		p, err := schema.ReadPrediction(row.AppendTo(nil))
		if err != nil {
			return err
		}
		w.rows = append(w.rows, p)
	}
	return nil
}

// add plans a departure so many minutes after now, and says how late the
// railway expects it, unless that is negative.
func (w *world) add(minutes, delay int) rail.EventKey {
	planned := now.Add(time.Duration(minutes) * time.Minute)
	stop := rail.StopID("77-" + rail.FormatTime(planned) + "-1")
	plan := rail.PlannedEvent{EVA: 1, Stop: stop, Kind: rail.Departure, Trip: "77", Index: 1, Planned: planned, Line: "54",
		Train: rail.Train{Category: "RE", Number: "4600"}, Platform: "5", Path: []string{"Hanau Hbf", "Würzburg Hbf"}, PolledAt: now.Add(-2 * time.Hour)}
	w.AddPlan([]rail.PlannedEvent{plan})
	if delay >= 0 {
		w.AddChanges([]rail.Change{{EVA: 1, Stop: stop, Kind: rail.Departure, Seq: 1, PolledAt: now.Add(-time.Hour), Changed: planned.Add(time.Duration(delay) * time.Minute)}})
	}
	return plan.Key()
}

func (w *world) forecaster(t testing.TB) *serving.Forecaster {
	t.Helper()
	c := champion(t, t.TempDir(), &servingtest.Packages{})
	if err := c.Load(t.Context(), servingtest.Ref(7)); err != nil {
		t.Fatal(err)
	}
	return serving.NewForecaster(serving.Options{Champion: c, State: w, Log: w, DataSource: "test", Instance: "api-1", GroupOf: func(int64) string { return "main" }})
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld()
	late, onTime := w.add(50, 9), w.add(12, 0)
	unknown := rail.EventKey{Stop: "1-2410290900-1", Kind: rail.Arrival}
	r, err := w.forecaster(t).Answer(serving.Request{ID: "r1", Events: []rail.EventKey{late, unknown, onTime}, At: now, Explain: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Forecasts) != 2 || !slices.Equal(r.Unknown, []rail.EventKey{unknown}) {
		t.Fatalf("%d forecasts, unknown %v", len(r.Forecasts), r.Unknown)
	}
	f, g := r.Forecasts[0], r.Forecasts[1]
	close := func(name string, got, want float64) {
		if math.Abs(got-want) > 1e-6 {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	close("P(on time) when 9 minutes late", f.POnTime, 1-servingtest.Confident)
	close("P(on time) when on time", g.POnTime, servingtest.Confident)
	close("P(delay <= -1)", f.Cumulative[0].P, (1-servingtest.Confident)/4)
	close("P(delay <= 29)", f.Cumulative[6].P, 1-servingtest.Confident/4)
	close("baseline when 9 minutes late", f.Baseline.POnTime, 0.2)
	close("baseline when on time", g.Baseline.POnTime, 0.9)
	if f.Baseline.HorizonMinutes != 60 || g.Baseline.HorizonMinutes != 15 || f.HorizonMinutes != 50 {
		t.Errorf("horizons %v of %v, %v of %v", f.Baseline.HorizonMinutes, f.HorizonMinutes, g.Baseline.HorizonMinutes, g.HorizonMinutes)
	}
	// Cumulative of the late train in quarters of each side: .067 .134 .202 .269 .452 .634 .817.
	if f.Quantiles[0].Level != 0.1 || *f.Quantiles[0].AtMostMinutes != 0 || *f.Median.AtMostMinutes != 14 || f.Quantiles[2].AtMostMinutes != nil || *f.Quantiles[2].AboveMinutes != 29 {
		t.Errorf("quantiles %+v, median %+v", f.Quantiles, f.Median)
	}
	if *f.Railway.DelayMinutes != 9 || f.Direction != "Würzburg Hbf" || f.Train != "RE 4600" || f.Version != 7 || *f.DataAgeSeconds != 42 {
		t.Errorf("%+v", f)
	}
	if len(f.Reasons) != 1 || f.Reasons[0].Feature != "forecast_delay" || f.Reasons[0].Towards != serving.TowardsLate ||
		f.Reasons[0].Text != "Its last forecast against the plan, negative when early: 9 min. This speaks for a delay." {
		t.Errorf("reasons %+v, want the one feature the trees look at", f.Reasons)
	}
	if g.Reasons[0].Towards != serving.TowardsOnTime {
		t.Errorf("reasons %+v, want on time", g.Reasons)
	}
	if len(w.rows) != 2 || w.rows[0].PredictionID != f.PredictionID || w.rows[0].LastSeq != 77 || w.rows[0].HorizonMinutes != 50 ||
		w.rows[0].Group != "main" || w.rows[0].Source != schema.FromRequest || w.rows[0].RequestID != "r1" || len(w.rows[0].Features) != feature.Width() {
		t.Errorf("logged %+v", w.rows)
	}
}

func TestNothingIsGivenOutUnlogged(t *testing.T) {
	t.Parallel()
	w := newWorld()
	key := w.add(50, 9)
	w.fail = errors.New("no space left")
	r, err := w.forecaster(t).Answer(serving.Request{Events: []rail.EventKey{key}, At: now})
	if !errors.Is(err, serving.ErrNotLogged) || !errors.Is(err, w.fail) {
		t.Errorf("got %v with %d forecasts", err, len(r.Forecasts))
	}
}

func TestNoForecastWithoutAChampion(t *testing.T) {
	t.Parallel()
	w := newWorld()
	f := serving.NewForecaster(serving.Options{Champion: champion(t, t.TempDir(), &servingtest.Packages{}), State: w, Log: w})
	if _, err := f.Answer(serving.Request{At: now}); !errors.Is(err, serving.ErrNoChampion) {
		t.Errorf("got %v", err)
	}
}

// Every feature must make a sentence, whatever its unit.
func TestReasonsReadWell(t *testing.T) {
	t.Parallel()
	for _, f := range feature.Catalogue() {
		value := 0.25
		text := serving.Sentence(f, serving.Reason{Value: &value, Towards: serving.TowardsLate})
		if strings.Contains(text, "NaN") || strings.Contains(text, "..") || !strings.HasSuffix(text, "This speaks for a delay.") {
			t.Errorf("%s: %q", f.Name, text)
		}
		if text := serving.Sentence(f, serving.Reason{Towards: serving.TowardsOnTime}); !strings.Contains(text, ": not known. This speaks for on time.") {
			t.Errorf("%s unknown: %q", f.Name, text)
		}
	}
}
