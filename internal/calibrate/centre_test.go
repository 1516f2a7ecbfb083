package calibrate

import (
	"math"
	"testing"
)

// Of the first fold three of four came where 1/2 was forecast: log odds of 0 move by
// log 3. In the second, forecasts of 0.2 and 0.8 with half of them come are right in
// the mean and stay, however wrong each is. In the third everything came: nothing can
// be said.
func TestCentre(t *testing.T) {
	t.Parallel()
	p := []float64{0.5, 0.2, 0.5, 0.8, 0.5, 0.9, 0.5, 0.7}
	came := []bool{true, true, true, false, true, true, false, true}
	fold := []int{1, 2, 1, 2, 1, 3, 1, 3}
	got, err := Centre(p, came, fold)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{0.75, 0.2, 0.75, 0.8, 0.75, 0.9, 0.75, 0.7} {
		if math.Abs(got[i]-want) > 1e-9 {
			t.Errorf("forecast %d of fold %d: %.6f, want %.6f", i, fold[i], got[i], want)
		}
	}
	if p[0] != 0.5 {
		t.Error("the forecasts given are not to be changed")
	}
	if _, err := Centre([]float64{math.NaN()}, []bool{true}, []int{0}); err == nil {
		t.Error("NaN is no forecast")
	}
}
