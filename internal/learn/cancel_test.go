package learn

import (
	"math"
	"testing"

	"puenktlich/internal/calibrate"
	"puenktlich/internal/dataset"
	"puenktlich/internal/forecast"
	"puenktlich/internal/rail"
)

// withCancellations is synthetic, but that three of five events with a great
// signal are cancelled, and one of forty of the others.
func withCancellations(days, perDay int) *dataset.Table {
	table, seen := synthetic(days, perDay), [2]int{}
	for i := range table.Rows {
		kind := 0
		if table.Vector(i)[0] > 1 {
			kind = 1
		}
		seen[kind]++
		table.Rows[i].Cancelled = kind == 1 && seen[1]%5 < 3 || kind == 0 && seen[0]%40 == 0
	}
	return table
}

// P(cancelled) is trained and calibrated on earlier days, and right about later
// ones: nearly the best there is, and neither too high nor too low where it says
// much or little.
func TestCancellationsAreCalibrated(t *testing.T) {
	t.Parallel()
	table := withCancellations(6, 600)
	from := rail.Day("2024-10-01")
	train, test := table.Between(from, from.Add(5)), table.Between(from.Add(5), from.Add(6))
	with := trainer(t)
	oof, err := with.CrossValidate(t.Context(), Whole(train), quick)
	if err != nil {
		t.Fatal(err)
	}
	a, err := with.Refit(t.Context(), Whole(train), quick, oof)
	if err != nil {
		t.Fatal(err)
	}
	if a.CancelCalibration == nil {
		t.Fatal("no calibration of P(cancelled)")
	}
	// Three folds of a day, the first of which nothing can be judged on.
	if tried := a.CancelCalibration.Choice.Tried; len(tried) != len(calibrate.Methods()) || tried[0].Rows != 2*600 {
		t.Errorf("tried %+v; want every method judged on two days of 600 rows", tried)
	}
	model, err := forecast.Load(a)
	if err != nil {
		t.Fatal(err)
	}
	var brier, mean, rate [2]float64
	var n [2]float64
	for i, row := range test.Rows {
		d, err := model.Forecast(test.Vector(i), float64(row.Horizon))
		if err != nil {
			t.Fatal(err)
		}
		kind := 0
		if test.Vector(i)[0] > 1 {
			kind = 1
		}
		came := float64(yes(row.Cancelled))
		brier[kind] += (d.Cancelled - came) * (d.Cancelled - came)
		mean[kind], rate[kind], n[kind] = mean[kind]+d.Cancelled, rate[kind]+came, n[kind]+1
	}
	// Who knows the two rates scores 0.6 x 0.4 and 0.025 x 0.975.
	for kind, best := range [2]float64{0.025 * 0.975, 0.6 * 0.4} {
		if got := brier[kind] / n[kind]; got > 1.25*best {
			t.Errorf("kind %d: Brier %.4f, %.4f is possible", kind, got, best)
		}
		if gap := math.Abs(mean[kind]-rate[kind]) / n[kind]; gap > 0.1 || kind == 0 && gap > 0.015 {
			t.Errorf("kind %d: forecast %.3f on average, came %.3f", kind, mean[kind]/n[kind], rate[kind]/n[kind])
		}
	}
}

// Where cancellations of earlier days cannot be set against those of later ones,
// there are trees, and no calibration.
func TestCancellationsWithoutFolds(t *testing.T) {
	t.Parallel()
	table, with := withCancellations(3, 400), trainer(t)
	for i := range table.Rows {
		if table.Rows[i].EventDay < "2024-10-03" {
			table.Rows[i].Cancelled = false
		}
	}
	oof, err := with.CrossValidate(t.Context(), Whole(table), quick)
	if err != nil {
		t.Fatal(err)
	}
	a, err := with.Refit(t.Context(), Whole(table), quick, oof)
	if err != nil || len(a.Cancel) == 0 || a.CancelCalibration != nil {
		t.Errorf("model of %d bytes, calibration %+v, %v; want trees alone", len(a.Cancel), a.CancelCalibration, err)
	}
}
