package learn

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"puenktlich/internal/calibrate"
	"puenktlich/internal/dataset"
	"puenktlich/internal/forecast"
	"puenktlich/internal/learn/xgb"
	"puenktlich/internal/rail"
)

var openOnce = sync.OnceValues(func() (*xgb.Library, error) {
	path, err := xgb.Locate()
	if err != nil {
		return nil, err
	}
	return xgb.Open(path)
})

func trainer(t *testing.T) Trainer {
	t.Helper()
	library, err := openOnce()
	if err != nil {
		t.Fatal(err)
	}
	return Trainer{Library: library}
}

var quick = Settings{Algorithm: Buckets, SegmentRounds: 10, Rounds: 25, MaxDepth: 3, LearningRate: 0.3, MinChild: 1, Subsample: 0.8, ColSample: 1, Lambda: 1, Seed: 7}

// synthetic makes events of some days: where the first feature is positive, nine
// of ten are ten minutes late, else one of ten. The second feature is noise; a
// twentieth of each is not known. Every twentieth event is cancelled.
func synthetic(days, perDay int) *dataset.Table {
	r := rand.New(rand.NewPCG(11, uint64(days)))
	t := dataset.New("test", []string{"signal", "noise"}, []string{"min", "min"})
	for day := range days {
		for i := range perDay {
			x := []float32{float32(r.NormFloat64()), float32(r.NormFloat64())}
			row := dataset.Row{Stop: rail.StopID(fmt.Sprintf("%d-2410%02d1000-1", i, day+1)), Kind: rail.Arrival, Horizon: []int{60, 5}[i%2],
				EventDay: rail.Day("2024-10-01").Add(day), Planned: time.Date(2024, 10, day+1, 10, 0, 0, 0, time.UTC),
				Evidence: rail.ChangeObserved, Cancelled: i%20 == 19}
			if (x[0] > 0) == (r.IntN(10) > 0) {
				row.DelayMinutes = 10
			}
			if r.IntN(20) == 0 {
				x[r.IntN(2)] = float32(math.NaN())
			}
			t.Append(row, x)
		}
	}
	return t
}

func TestCrossValidation(t *testing.T) {
	t.Parallel()
	table := synthetic(4, 400)
	oof, err := trainer(t).CrossValidate(t.Context(), Whole(table), quick)
	if err != nil {
		t.Fatal(err)
	}
	// Three folds, each validated on 380 events that ran.
	if oof.Folds != 3 || oof.Events != 3*380 || len(oof.Late) != 3*380 || oof.Rounds < 1 || oof.Rounds > quick.Rounds {
		t.Errorf("%d folds, %d events, %d rows, %d rounds", oof.Folds, oof.Events, len(oof.Late), oof.Rounds)
	}
	late := 0
	for _, l := range oof.Late {
		if l {
			late++
		}
	}
	rate := float64(late) / float64(len(oof.Late))
	brier, logLoss := oof.Scores()
	// Who knows the sign of the signal scores 0.09; nobody scores much better.
	if base := rate * (1 - rate); brier > 0.6*base || brier < 0.07 || logLoss <= 0 || logLoss > 0.6 {
		t.Errorf("Brier %v, log loss %v; the base rate scores %v", brier, logLoss, base)
	}
	calibration, err := oof.Calibration()
	if err != nil {
		t.Fatal(err)
	}
	tried := calibration.Choice.Tried
	if len(tried) != len(calibrate.Methods()) || tried[0].Rows != 2*380 || oof.Fold[0] != 0 || oof.Fold[len(oof.Fold)-1] != 2 {
		t.Errorf("calibration %+v, want each method judged on the second and third fold", calibration)
	}
	for _, trial := range tried {
		if trial.Rows > 0 && trial.LogLoss < tried[slices.IndexFunc(tried, func(x calibrate.Trial) bool { return x.Method == calibration.Choice.Method })].LogLoss {
			t.Errorf("%s is better than the %s that was chosen", trial.Method, calibration.Choice.Method)
		}
	}
}

func TestTrainingIsRepeatable(t *testing.T) {
	t.Parallel()
	table, with := synthetic(3, 300), trainer(t)
	learn := func(s Settings) (OutOfFold, forecast.Artefact) {
		oof, err := with.CrossValidate(t.Context(), Whole(table), s)
		if err != nil {
			t.Fatal(err)
		}
		a, err := with.Refit(t.Context(), Whole(table), s, oof)
		if err != nil {
			t.Fatal(err)
		}
		return oof, a
	}
	oof, one := learn(quick)
	again, two := learn(quick)
	if fmt.Sprint(oof) != fmt.Sprint(again) || !bytes.Equal(one.Buckets, two.Buckets) || !bytes.Equal(one.Cancel, two.Cancel) || fmt.Sprint(one.Calibration) != fmt.Sprint(two.Calibration) {
		t.Error("the same seed gives two models")
	}
	other := quick
	other.Seed = 8
	if _, three := learn(other); bytes.Equal(one.Buckets, three.Buckets) {
		t.Error("another seed gives the same model: it does not reach the library")
	}
	if one.CancelRate != 0.05 || len(one.Cancel) == 0 {
		t.Errorf("cancel rate %v with a model of %d bytes; want 0.05 of 900 and a model of the 45", one.CancelRate, len(one.Cancel))
	}
	checkForecasts(t, one)
}

func checkForecasts(t *testing.T, a forecast.Artefact) {
	t.Helper()
	model, err := forecast.Load(a)
	if err != nil {
		t.Fatal(err)
	}
	for signal, late := range map[float32]bool{1: true, -1: false} {
		mean, toLate := 0.0, 0.0
		const steps = 21
		for step := range steps {
			vector := []float32{signal, float32(step-10) / 10}
			d, err := model.Forecast(vector, 60)
			if err != nil {
				t.Fatal(err)
			}
			mean += d.Late() / steps
			for _, c := range model.Contributions(vector) {
				if c.Feature == "signal" {
					toLate += c.Value / steps
				}
			}
		}
		if (mean > 0.7) != late || (mean < 0.3) == late || (toLate > 0) != late {
			t.Errorf("signal %v: mean P(late) %v, contribution %v", signal, mean, toLate)
		}
	}
}

// One day gives no fold: a fixed number of rounds, and no calibration.
func TestOneDay(t *testing.T) {
	t.Parallel()
	table, with := synthetic(1, 400), trainer(t)
	oof, err := with.CrossValidate(t.Context(), Whole(table), quick)
	if err != nil {
		t.Fatal(err)
	}
	if brier, _ := oof.Scores(); oof.Folds != 0 || oof.Rounds != quick.Rounds || !math.IsNaN(brier) {
		t.Errorf("%+v, Brier %v", oof, brier)
	}
	identity, err := oof.Calibration()
	if err != nil || len(identity.Grid) != 0 || identity.Pooled != (calibrate.Platt{Slope: 1}) {
		t.Errorf("calibration %+v, %v; want the identity", identity, err)
	}
	a, err := with.Refit(t.Context(), Whole(table), quick, oof)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Cancel) != 0 || a.CancelRate != 0.05 {
		t.Errorf("20 cancelled rows gave a model of %d bytes and rate %v; want the rate alone", len(a.Cancel), a.CancelRate)
	}
	checkForecasts(t, a)
}

// A fold whose training days have one outcome is left out, the others count.
func TestFoldOfOneClass(t *testing.T) {
	t.Parallel()
	table := synthetic(3, 200)
	for i := range table.Rows[:200] {
		table.Rows[i].DelayMinutes = 0
	}
	oof, err := trainer(t).CrossValidate(t.Context(), Whole(table), quick)
	if err != nil || oof.Folds != 1 || oof.Events != 190 {
		t.Errorf("%d folds, %d events, %v; want the fold that is validated on the third day", oof.Folds, oof.Events, err)
	}
}

func TestWhatNothingCanBeLearnedFrom(t *testing.T) {
	t.Parallel()
	with := trainer(t)
	tests := map[string]struct {
		spoil func(*dataset.Table)
		want  string
	}{
		"nobody late": {func(t *dataset.Table) { each(t, func(r *dataset.Row) { r.DelayMinutes = 5 }) }, "train: 0 of 190 rows are late: both outcomes are needed"},
		"all late":    {func(t *dataset.Table) { each(t, func(r *dataset.Row) { r.DelayMinutes = 6 }) }, "train: 190 of 190 rows are late: both outcomes are needed"},
		"all cancelled": {func(t *dataset.Table) { each(t, func(r *dataset.Row) { r.Cancelled = true }) },
			"train: the data set holds no event that ran with an observed change: settle truth first"},
		"no change observed": {func(t *dataset.Table) { each(t, func(r *dataset.Row) { r.Evidence = rail.PolledWithoutChange }) },
			"train: the data set holds no event that ran with an observed change: settle truth first"},
		"an infinite feature": {func(t *dataset.Table) { t.Features[3] = float32(math.Inf(1)) }, "feature noise of 1-2410011000-1/arrival at 5 min is +Inf: features are finite or NaN"},
	}
	for name, test := range tests {
		table := synthetic(2, 100)
		test.spoil(table)
		_, err := with.CrossValidate(t.Context(), Whole(table), quick)
		_, errRefit := with.Refit(t.Context(), Whole(table), quick, OutOfFold{Rounds: 3})
		for _, err := range []error{err, errRefit} {
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v, want %q", name, err, test.want)
			}
		}
	}
}

func each(t *dataset.Table, change func(*dataset.Row)) {
	for i := range t.Rows {
		change(&t.Rows[i])
	}
}
