package metric

import (
	"slices"
	"testing"
)

// The example in scikit-learn's documentation of roc_curve.
func TestROCOfFourEvents(t *testing.T) {
	t.Parallel()
	got := ROC([]float64{0.1, 0.4, 0.35, 0.8}, outcomes(0, 0, 1, 1))
	want := []ROCPoint{{0, 0}, {0, 0.5}, {0.5, 0.5}, {0.5, 1}, {1, 1}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	tied := ROC([]float64{0.5, 0.5, 0.5}, outcomes(1, 0, 1))
	if want := []ROCPoint{{0, 0}, {1, 1}}; !slices.Equal(tied, want) {
		t.Errorf("equal forecasts: got %v, want %v", tied, want)
	}
	for _, one := range [][]bool{outcomes(1, 1), outcomes(0, 0)} {
		if got := ROC([]float64{0.1, 0.2}, one); got != nil {
			t.Errorf("one class: got %v, want nil", got)
		}
	}
}

// By the trapezoidal rule the area is the AUC that another program computed.
func TestAreaUnderROC(t *testing.T) {
	t.Parallel()
	p, y := manyEvents()
	area, last := 0.0, ROCPoint{}
	for _, point := range ROC(p, y) {
		area += (point.FalseAlarms - last.FalseAlarms) * (point.Hits + last.Hits) / 2
		last = point
	}
	near(t, "area", area, 0.8700085751774441, 1e-12)
}
