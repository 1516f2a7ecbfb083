package learn

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"puenktlich/internal/dataset"
	"puenktlich/internal/rail"
)

// cases makes one row an outcome: features, then 1 for late.
func cases(names []string, rows ...[]float64) *dataset.Table {
	t := dataset.New("test", names, make([]string, len(names)))
	for i, values := range rows {
		row := dataset.Row{Stop: rail.StopID(rune('a' + i)), Kind: rail.Arrival, EventDay: "2024-10-01", Horizon: 60, Evidence: rail.ChangeObserved}
		if values[len(names)] == 1 {
			row.DelayMinutes = 10
		}
		vector := make([]float32, len(names))
		for j := range vector {
			vector[j] = float32(values[j])
		}
		t.Append(row, vector)
	}
	return t
}

func regress(t *testing.T, table *dataset.Table, ridge float64) fittedRegression {
	t.Helper()
	fitted, err := regression{ridge}.Fit(t.Context(), Task{Name: "test", Train: Data{source: Whole(table), keep: ran}})
	if err != nil {
		t.Fatal(err)
	}
	return fitted.(fittedRegression)
}

// The hours studied by twenty students and whether they passed, of
// en.wikipedia.org/wiki/Logistic_regression, which gives the coefficients
// -4.0777 and 1.5046, and 0.87 for 4 hours.
func TestRegressionOfPublishedExample(t *testing.T) {
	t.Parallel()
	hours := []float64{0.5, 0.75, 1, 1.25, 1.5, 1.75, 1.75, 2, 2.25, 2.5, 2.75, 3, 3.25, 3.5, 4, 4.25, 4.5, 4.75, 5, 5.5}
	passed := []float64{0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1}
	var rows [][]float64
	for i, h := range hours {
		rows = append(rows, []float64{h, passed[i]})
	}
	f := regress(t, cases([]string{"hours"}, rows...), 0)
	s := f.inputs.known[0]
	coefficient := f.weights[1] / s.deviation
	if intercept := f.weights[0] - coefficient*s.mean; math.Abs(intercept+4.0777) > 5e-5 || math.Abs(coefficient-1.5046) > 5e-5 {
		t.Errorf("intercept %v, coefficient %v; published are -4.0777 and 1.5046", intercept, coefficient)
	}
	out := make([]float64, 1)
	if err := f.OnTime(out, cases([]string{"hours"}, []float64{4, 1})); err != nil || math.Abs(1-out[0]-0.87) > 0.005 {
		t.Errorf("4 hours: %v, %v; published is 0.87", 1-out[0], err)
	}
}

// Expected values are those of a program of its own in another language: plain
// gradient descent in Python on the same penalised loss, to a gradient below
// 1e-13, with inputs standardised by population deviation over the known values,
// the mean in place of unknown ones, and standardised indicators of them.
func TestRegressionWithPenaltyAndMissing(t *testing.T) {
	t.Parallel()
	x := math.NaN()
	table := cases([]string{"a", "b", "constant"},
		[]float64{1, 10, 7, 1}, []float64{2, x, 7, 0}, []float64{3, 30, 7, 1}, []float64{x, 20, 7, 0}, []float64{5, 50, 7, 1}, []float64{0.5, 15, 7, 0},
		[]float64{4, x, 7, 1}, []float64{2.5, 35, 7, 0}, []float64{3.5, 5, 7, 1}, []float64{1.5, 45, 7, 0}, []float64{x, 25, 7, 1}, []float64{6, 40, 7, 1})
	f := regress(t, table, 0.7)
	want := []float64{0.4737688328844465, 1.3761312407694275, -0.6280204330553374, -0.28979597956191316, -0.24044018611511211}
	if len(f.weights) != len(want) {
		t.Fatalf("%d weights, want %d: two features, two indicators, an intercept, nothing for the constant", len(f.weights), len(want))
	}
	for i, w := range want {
		if math.Abs(f.weights[i]-w) > 1e-8 {
			t.Errorf("weight %d: %v, want %v", i, f.weights[i], w)
		}
	}
	if got := f.curve.Train[len(f.curve.Train)-1]; math.Abs(got-0.42846620820059206) > 1e-9 || !slices.IsSortedFunc(f.curve.Train, func(a, b float64) int { return sign(b - a) }) {
		t.Errorf("losses %v, want falling to 0.428466", f.curve.Train)
	}
}

func sign(x float64) int {
	switch {
	case x < 0:
		return -1
	case x > 0:
		return 1
	}
	return 0
}

// What was not known is filled from the training rows, whatever the rows that
// are forecast look like.
func TestImputationIsOfTrainingRows(t *testing.T) {
	t.Parallel()
	f := regress(t, cases([]string{"a"}, []float64{0, 0}, []float64{2, 1}, []float64{4, 0}, []float64{6, 1}), 1)
	unknown, mean := make([]float64, 3), make([]float64, 1)
	if err := f.OnTime(unknown, cases([]string{"a"}, []float64{math.NaN(), 0}, []float64{100, 0}, []float64{200, 0})); err != nil {
		t.Fatal(err)
	}
	if err := f.OnTime(mean, cases([]string{"a"}, []float64{3, 0})); err != nil || unknown[0] != mean[0] {
		t.Errorf("not known: %v, at the training mean: %v; want the same", unknown[0], mean[0])
	}
}

func TestRegressionSaysWhyItFails(t *testing.T) {
	t.Parallel()
	separable := cases([]string{"a", "copy"}, []float64{1, 1, 0}, []float64{2, 2, 0}, []float64{3, 3, 1}, []float64{4, 4, 1})
	_, err := regression{0}.Fit(t.Context(), Task{Name: "fold-2", Train: Data{source: Whole(separable), keep: ran}})
	if err == nil || !strings.Contains(err.Error(), "fold-2: logistic regression: ") || !strings.Contains(err.Error(), "give a larger lambda") {
		t.Errorf("separated outcomes without a penalty: %v", err)
	}
	if f := regress(t, separable, 0.1); slices.ContainsFunc(f.weights, math.IsNaN) {
		t.Errorf("with a penalty: %v", f.weights)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (regression{1}).Fit(ctx, Task{Train: Data{source: Whole(separable), keep: ran}}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
