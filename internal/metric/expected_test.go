package metric

import (
	"math"
	"testing"
)

// numpy 2 on all 32 outcomes of five events, each weighted with its probability: right
// pairs over pairs, and the means of the three losses.
func TestExpectedScoresOverAllOutcomes(t *testing.T) {
	t.Parallel()
	p := []float64{0.1, 0.35, 0.35, 0.8, 0.6}
	near(t, "auc", ExpectedAUC(p), 0.816395014381592, 1e-14)
	near(t, "brier", Sharpness(p), 0.189, 1e-15)
	near(t, "log loss", ExpectedLogLoss(p), 0.5586780684016318, 1e-14)
	near(t, "accuracy", ExpectedAccuracy(p), 0.72, 1e-15)
}

func TestExpectedScoresThatDoNotExist(t *testing.T) {
	t.Parallel()
	for name, got := range map[string]float64{"nothing": ExpectedAUC(nil), "one event": ExpectedAUC([]float64{0.4}), "certain": ExpectedAUC([]float64{1, 1}), "log loss of nothing": ExpectedLogLoss(nil)} {
		if !math.IsNaN(got) {
			t.Errorf("%s: %v, want NaN", name, got)
		}
	}
	near(t, "a certain forecast surprises nobody", ExpectedLogLoss([]float64{0, 1}), 0, 0)
	near(t, "all told apart", ExpectedAUC([]float64{0, 0, 1}), 1, 0)
}
