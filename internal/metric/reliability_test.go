package metric

import (
	"slices"
	"testing"
)

// By hand: 12 events in 3 bins start at ranks 0, 4 and 8. The three 0.35 have ranks 3-5 and
// stay with the first of them, in the first bin; 0.4 and the two 0.6 begin at 6 and 7.
func TestReliabilityKeepsTiesTogether(t *testing.T) {
	t.Parallel()
	got := Reliability(smallForecasts, smallOutcomes, 3)
	want := []Bin{
		{Events: 6, Low: 0.05, High: 0.35, MeanForecast: 1.4 / 6, LateRate: 2.0 / 6},
		{Events: 3, Low: 0.4, High: 0.6, MeanForecast: 1.6 / 3, LateRate: 1.0 / 3},
		{Events: 3, Low: 0.8, High: 0.97, MeanForecast: 2.67 / 3, LateRate: 1},
	}
	if len(got) != len(want) {
		t.Fatalf("%d bins, want %d: %+v", len(got), len(want), got)
	}
	for i, w := range want {
		if got[i].Events != w.Events || got[i].Low != w.Low || got[i].High != w.High {
			t.Errorf("bin %d: %+v, want %+v", i, got[i], w)
		}
		near(t, "mean forecast", got[i].MeanForecast, w.MeanForecast, 1e-14)
		near(t, "late rate", got[i].LateRate, w.LateRate, 1e-14)
	}
	// 6/12·0.1 + 3/12·0.2 + 3/12·0.11
	near(t, "ece", ECE(smallForecasts, smallOutcomes, 3), 0.1275, 1e-14)
}

func TestReliabilityOfOneForecastIsOneBin(t *testing.T) {
	t.Parallel()
	got := Reliability([]float64{0.3, 0.3, 0.3, 0.3}, outcomes(0, 1, 0, 0), 10)
	if len(got) != 1 || got[0].Events != 4 || got[0].LateRate != 0.25 {
		t.Errorf("%+v, want one bin of 4 events, a quarter late", got)
	}
}

// numpy 2.4.6 on the events of manyEvents:
//
//	b=np.searchsorted(np.sort(p),p,side='left')*15//2000
//	sum((b==k).mean()*abs(p[b==k].mean()-y[b==k].mean()) for k in np.unique(b))
func TestECEOfManyEventsInAnyOrder(t *testing.T) {
	t.Parallel()
	p, y := manyEvents()
	near(t, "ece", ECE(p, y, 15), 0.1762925, 1e-12)
	first := ECE(p, y, 15)
	slices.Reverse(p)
	slices.Reverse(y)
	if got := ECE(p, y, 15); got != first {
		t.Errorf("reversed events: ece %v, want the same bits as %v", got, first)
	}
}
