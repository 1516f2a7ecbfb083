package forecast_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"puenktlich/internal/calibrate"
	"puenktlich/internal/feature"
	"puenktlich/internal/forecast"
)

// Whatever the number of rows, which decides how the trees are walked, a row of
// a batch has the bits of the forecast alone.
func TestBatchHasTheBitsOfSingleForecasts(t *testing.T) {
	t.Parallel()
	models := map[string]*forecast.Model{
		"rate of cancellations": load(t, nil),
		"calibrated by horizon": load(t, func(a *forecast.Artefact) {
			a.Calibration = calibrate.Horizons{Pooled: calibrate.Platt{Slope: 1},
				Grid: []calibrate.HorizonPlatt{{HorizonMinutes: 5, Platt: calibrate.Platt{Slope: 0.7, Intercept: 0.3}}, {HorizonMinutes: 60, Platt: calibrate.Platt{Slope: 1.3, Intercept: -0.1}}}}
		}),
		"cancellations calibrated": load(t, func(a *forecast.Artefact) {
			a.Cancel = cancelTrees(t, a.Buckets)
			a.CancelCalibration = &calibrate.Horizons{Pooled: calibrate.Identity(),
				Grid: []calibrate.HorizonPlatt{{HorizonMinutes: 5, Platt: calibrate.Platt{Slope: 0.7, Intercept: -1}}, {HorizonMinutes: 60, Platt: calibrate.Platt{Slope: 1.3, Intercept: -2}}}}
		}),
	}
	var batch forecast.Batch // one for all, to use its storage again
	for name, m := range models {
		for _, n := range []int{0, 1, 11, 12, 64, 65, 200} {
			rows, horizons := random(n)
			if err := m.Forecasts(&batch, rows, horizons); err != nil {
				t.Fatal(err)
			}
			if batch.Rows() != n {
				t.Fatalf("%s: %d rows, want %d", name, batch.Rows(), n)
			}
			for i := range n {
				want, err := m.Forecast(rows[i*feature.Width():(i+1)*feature.Width()], horizons[i])
				if err != nil {
					t.Fatal(err)
				}
				got := batch.At(i)
				if !slices.Equal(got.Cumulative, want.Cumulative) || got.Cancelled != want.Cancelled || got.OnTime() != want.OnTime() {
					t.Fatalf("%s, row %d of %d: %+v, alone %+v", name, i, n, got, want)
				}
			}
		}
	}
}

// cancelTrees is the first tree of a model of classes as a binary model.
func cancelTrees(t *testing.T, buckets json.RawMessage) json.RawMessage {
	t.Helper()
	file := string(buckets)
	for _, change := range [][2]string{{`multi:softprob`, `binary:logistic`}, {`"num_class":"8"`, `"num_class":"0"`}, {`"tree_info":[0,1,2,3,4,5,6,7]`, `"tree_info":[0,0,0,0,0,0,0,0]`}} {
		if !strings.Contains(file, change[0]) {
			t.Fatalf("%s is not in the model", change[0])
		}
		file = strings.Replace(file, change[0], change[1], 1)
	}
	return json.RawMessage(file)
}

// All eight trees of the tiny model in one margin give 4 on either side, so the
// raw P(cancelled) is 1/(1+e^-4); Platt scaling of its logit 4 is by hand.
func TestCancelledIsCalibratedByHorizon(t *testing.T) {
	t.Parallel()
	m := load(t, func(a *forecast.Artefact) {
		a.Cancel = cancelTrees(t, a.Buckets)
		a.CancelCalibration = &calibrate.Horizons{Pooled: calibrate.Identity(),
			Grid: []calibrate.HorizonPlatt{{HorizonMinutes: 20, Platt: calibrate.Platt{Slope: 0.5, Intercept: -5}}, {HorizonMinutes: 40, Platt: calibrate.Platt{Slope: 1, Intercept: -3}}}}
	})
	plain := load(t, func(a *forecast.Artefact) { a.Cancel = cancelTrees(t, a.Buckets) })
	row := make([]float32, feature.Width())
	for _, test := range []struct {
		model          *forecast.Model
		horizon, logit float64
	}{{plain, 30, 4}, {m, 20, 0.5*4 - 5}, {m, 40, 4 - 3}, {m, 30, 0.75*4 - 4}} {
		d, err := test.model.Forecast(row, test.horizon)
		if want := 1 / (1 + math.Exp(-test.logit)); err != nil || !near(d.Cancelled, want) {
			t.Errorf("%v minutes: P(cancelled) %v, %v; want %v", test.horizon, d.Cancelled, err, want)
		}
	}
}

// random rows, a third of their values not known, at horizons between and
// beyond the grid.
func random(n int) (rows []float32, horizons []float64) {
	source := rand.New(rand.NewPCG(1, uint64(n)))
	for range n {
		for range feature.Width() {
			v := float32(source.Float64()*20 - 5)
			if source.IntN(3) == 0 {
				v = float32(math.NaN())
			}
			rows = append(rows, v)
		}
		horizons = append(horizons, source.Float64()*150)
	}
	return rows, horizons
}

func TestBatchNamesTheValueItRefuses(t *testing.T) {
	t.Parallel()
	m := load(t, nil)
	for _, test := range []struct {
		value float32
		want  string
	}{{float32(math.Inf(1)), "infinite"}, {float32(math.Inf(-1)), "infinite"}, {-1e6, "stands for a missing value"}} {
		rows, horizons := random(3)
		rows[feature.Width()+2] = test.value
		var wrong *forecast.RowError
		err := m.Forecasts(&forecast.Batch{}, rows, horizons)
		if !errors.As(err, &wrong) || wrong.Row != 1 || wrong.Column != feature.Names()[2] || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: %v, want row 1, %s and %q", test.value, err, feature.Names()[2], test.want)
		}
	}
	if err := m.Forecasts(&forecast.Batch{}, make([]float32, 5), []float64{60}); err == nil || !strings.Contains(err.Error(), "5 values for 1 rows") {
		t.Errorf("a short row: %v", err)
	}
}
