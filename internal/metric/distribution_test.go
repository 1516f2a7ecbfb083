package metric

import "testing"

// With all mass on the edges the score is E|X-d| - E|X-X'|/2 (T. Gneiting and A. E. Raftery,
// JASA 102 (2007), eq. 21), which numpy 2.4.6 computes from the masses pm:
//
//	(pm*abs(edges-d)).sum()-.5*(pm[:,None]*pm[None,:]*abs(edges[:,None]-edges[None,:])).sum()
func TestCRPSEqualsItsEnergyForm(t *testing.T) {
	t.Parallel()
	minutes := []float64{0, 1, 2, 3, 4, 5, 6}
	uneven := []float64{-1, 0, 2, 5, 10, 30}
	f := cumulate(0.3, 0.2, 0.15, 0.1, 0.1, 0.1, 0.05)
	g := cumulate(0.05, 0.4, 0.25, 0.15, 0.1, 0.05)
	for _, c := range []struct {
		cumulative, edges []float64
		delay, want       float64
	}{
		{f, minutes, 0, 0.95}, {f, minutes, 2, 0.55}, {f, minutes, 6, 2.95},
		{g, uneven, -1, 1.94}, {g, uneven, 5, 2.04}, {g, uneven, 30, 23.54},
	} {
		near(t, "crps", CRPS(c.cumulative, c.edges, c.delay), c.want, 1e-12)
	}
}

func TestCRPSOfTheOpenBucket(t *testing.T) {
	t.Parallel()
	// Beyond 60: 0.5²·5 + 0.8²·50 + 0.9²·50, the last edge as wide as the gap before it.
	near(t, "beyond", CRPS([]float64{0.5, 0.8, 0.9}, []float64{5, 10, 60}, 90), 73.75, 1e-12)
	// One edge is the Brier score of that edge.
	near(t, "one edge", CRPS([]float64{0.7}, []float64{5}, 9), 0.49, 1e-15)
}

func TestQuantile(t *testing.T) {
	t.Parallel()
	f, edges := []float64{0.2, 0.5, 0.9}, []float64{0, 5, 30}
	for level, want := range map[float64]float64{0.1: 0, 0.2: 0, 0.5: 5, 0.51: 30, 0.9: 30} {
		if got, ok := Quantile(f, edges, level); !ok || got != want {
			t.Errorf("quantile at %v: %v, %v; want %v", level, got, ok, want)
		}
	}
	if got, ok := Quantile(f, edges, 0.95); ok {
		t.Errorf("quantile at 0.95: %v, want none, it lies above the last edge", got)
	}
}

// scikit-learn 1.9.1: mean_pinball_loss([3,0,12,-1],[5,1,4,0],alpha=.9) and .25,
// mean_absolute_error of the same.
func TestQuantileLossAndMAE(t *testing.T) {
	t.Parallel()
	forecast, delay := []float64{5, 1, 4, 0}, []float64{3, 0, 12, -1}
	near(t, "pinball 0.9", QuantileLoss(0.9, forecast, delay), 1.9, 1e-14)
	near(t, "pinball 0.25", QuantileLoss(0.25, forecast, delay), 1.25, 1e-14)
	near(t, "mae", MAE(forecast, delay), 3, 0)
}

func cumulate(masses ...float64) []float64 {
	f, sum := make([]float64, len(masses)), 0.0
	for i, m := range masses {
		sum += m
		f[i] = sum
	}
	return f
}
