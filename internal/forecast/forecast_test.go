package forecast_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"puenktlich/internal/calibrate"
	"puenktlich/internal/feature"
	"puenktlich/internal/forecast"
	"puenktlich/internal/serving/servingtest"
)

// vector knows the railway's forecast alone; NaN = not even that.
func vector(delay float64) []float32 {
	v := make([]float32, feature.Width())
	for i := range v {
		v[i] = float32(math.NaN())
	}
	v[slices.Index(feature.Names(), "forecast_delay")] = float32(delay)
	return v
}

func load(t *testing.T, change func(*forecast.Artefact)) *forecast.Model {
	t.Helper()
	a := servingtest.Artefact()
	if change != nil {
		change(&a)
	}
	m, err := forecast.Load(a)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-6 }

// The tiny model's margins are 1 for the buckets of the likelier side and 0 for
// the others, four of each: a bucket has e/(4e+4) or 1/(4e+4).
func TestDistributionByHand(t *testing.T) {
	t.Parallel()
	m := load(t, nil)
	likely, unlikely := math.E/(4*math.E+4), 1/(4*math.E+4)
	for _, test := range []struct {
		delay           float64
		punctual, late  float64
		median, ninety  int
		beyond, beyond9 bool
	}{
		{0, likely, unlikely, 2, 14, false, false},          // 0.183 0.366 0.548 0.731 0.798 0.866 0.933
		{9, unlikely, likely, 14, 29, false, true},          // 0.067 0.134 0.202 0.269 0.452 0.634 0.817
		{math.NaN(), likely, unlikely, 2, 14, false, false}, // as without a delay
	} {
		d, err := m.Forecast(vector(test.delay), 60)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for i, got := range d.Cumulative {
			if sum += test.punctual; i > 3 {
				sum += test.late - test.punctual
			}
			if !near(got, sum) {
				t.Errorf("delay %v: P(delay <= %d) = %v, want %v", test.delay, d.Edges[i], got, sum)
			}
		}
		if !near(d.OnTime(), 4*test.punctual) || !near(d.Late(), 1-4*test.punctual) || d.Cancelled != 0.02 {
			t.Errorf("delay %v: on time %v, late %v, cancelled %v", test.delay, d.OnTime(), d.Late(), d.Cancelled)
		}
		if minutes, beyond := d.Quantile(0.5); minutes != test.median || beyond != test.beyond {
			t.Errorf("delay %v: median %d, beyond %v", test.delay, minutes, beyond)
		}
		if minutes, beyond := d.Quantile(0.85); minutes != test.ninety || beyond != test.beyond9 {
			t.Errorf("delay %v: 85 %% by %d, beyond %v", test.delay, minutes, beyond)
		}
	}
}

// Whatever the calibration, the distribution ascends within [0,1], and so does
// its calibrated value at every horizon.
func TestCumulativeIsMonotone(t *testing.T) {
	t.Parallel()
	for _, p := range []calibrate.Platt{{Slope: 1}, {Slope: 0.3, Intercept: 2}, {Slope: 4, Intercept: -3}, {Slope: 0}, {Slope: 30, Intercept: 20}} {
		m := load(t, func(a *forecast.Artefact) {
			a.Calibration = calibrate.Horizons{Pooled: p, Grid: []calibrate.HorizonPlatt{{HorizonMinutes: 5, Platt: p}, {HorizonMinutes: 60, Platt: calibrate.Platt{Slope: 1}}}}
		})
		for _, delay := range []float64{-5, 0, 5, 6, 200, math.NaN()} {
			for _, horizon := range []float64{0, 5, 30, 42.5, 1000} {
				d, err := m.Forecast(vector(delay), horizon)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.IsSorted(d.Cumulative) || d.Cumulative[0] < 0 || d.Cumulative[len(d.Cumulative)-1] > 1 || slices.ContainsFunc(d.Cumulative, math.IsNaN) {
					t.Errorf("calibration %+v, delay %v, horizon %v: %v", p, delay, horizon, d.Cumulative)
				}
			}
		}
	}
}

// Two leaves of 3e38 are more than a float32 holds: nothing but an error may come of that.
func TestTreesThatOverflowHaveNoForecast(t *testing.T) {
	t.Parallel()
	m, err := forecast.Load(servingtest.Overflowing("forecast_delay", 6))
	if err != nil {
		t.Fatal(err)
	}
	if d, err := m.Forecast(vector(0), 60); err != nil || !near(d.OnTime(), servingtest.Confident) {
		t.Errorf("below the split: %v, %v", d, err)
	}
	if d, err := m.Forecast(vector(9), 60); !errors.Is(err, forecast.ErrNoProbability) {
		t.Errorf("above the split: %v, %v", d, err)
	}
	var b forecast.Batch
	err = m.Forecasts(&b, slices.Concat(vector(0), vector(9)), []float64{60, 60})
	if !errors.Is(err, forecast.ErrNoProbability) || !strings.Contains(err.Error(), "row 1: ") {
		t.Errorf("a batch: %v", err)
	}
	if err := m.Forecasts(&b, vector(0), []float64{60}); err != nil {
		t.Error(err)
	}
}

func TestCumulate(t *testing.T) {
	t.Parallel()
	got := forecast.Cumulate([]float64{0.5, 0.25, 0.25, 1e-9})
	if !slices.Equal(got, []float64{0.5, 0.75, 1}) {
		t.Errorf("%v", got)
	}
	if got := forecast.Cumulate([]float64{0.9, 0.2, 0}); !slices.Equal(got, []float64{0.9, 1}) {
		t.Errorf("rounding above 1: %v", got)
	}
}

// Three quarters of the training went left: a tree of a punctual bucket answers
// 0.75 on average, one of a late bucket 0.25. A forecast on time moves them by
// +0.25 and -0.25, one of nine minutes by -0.75 and +0.75.
func TestContributionsByHand(t *testing.T) {
	t.Parallel()
	m := load(t, nil)
	for delay, want := range map[float64]float64{0: -0.5, 9: 1.5} {
		for _, c := range m.Contributions(vector(delay)) {
			expected := 0.0
			if c.Feature == "forecast_delay" {
				expected = want
			}
			if !near(c.Value, expected) {
				t.Errorf("delay %v: %s contributes %v, want %v", delay, c.Feature, c.Value, expected)
			}
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*forecast.Artefact)
		want   string
	}{
		"no on-time edge":   {func(a *forecast.Artefact) { a.Edges = []int{-1, 0, 2, 6, 9, 14, 29} }, "lack the on-time edge 5"},
		"an edge too few":   {func(a *forecast.Artefact) { a.Edges = a.Edges[:6] }, "8 classes for 6 edges"},
		"an edge too many":  {func(a *forecast.Artefact) { a.Edges = append(a.Edges, 60) }, "8 classes for 8 edges"},
		"edges in disorder": {func(a *forecast.Artefact) { a.Edges = []int{-1, 2, 0, 5, 9, 14, 29} }, "do not ascend"},
		"an edge twice":     {func(a *forecast.Artefact) { a.Edges = []int{-1, 0, 0, 5, 9, 14, 29} }, "do not ascend"},
		"a feature too few": {func(a *forecast.Artefact) { a.Features = a.Features[1:] },
			fmt.Sprintf("%d features in the trees, %d in the artefact", feature.Width(), feature.Width()-1)},
		"no trees":                              {func(a *forecast.Artefact) { a.Buckets = nil }, "load delay model"},
		"no model":                              {func(a *forecast.Artefact) { a.Buckets = json.RawMessage(`{"version":[1,7,4]}`) }, "load delay model"},
		"a cancellation model of eight classes": {func(a *forecast.Artefact) { a.Cancel = a.Buckets }, "load cancellation model: 8 classes"},
		"a broken cancellation model":           {func(a *forecast.Artefact) { a.Cancel = json.RawMessage(`{}`) }, "load cancellation model"},
	}
	for name, test := range tests {
		a := servingtest.Artefact()
		test.change(&a)
		if _, err := forecast.Load(a); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

func TestForecastRefuses(t *testing.T) {
	t.Parallel()
	m := load(t, nil)
	if _, err := m.Forecast([]float32{1, 2, 3}, 60); err == nil || !strings.Contains(err.Error(), "3 values for") {
		t.Errorf("a short vector: %v", err)
	}
	for _, infinite := range []float64{math.Inf(1), math.Inf(-1)} {
		if _, err := m.Forecast(vector(infinite), 60); err == nil {
			t.Errorf("a delay of %v: no error", infinite)
		}
	}
}
