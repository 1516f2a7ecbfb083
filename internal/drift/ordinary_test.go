package drift

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// R 4: p.adjust(c(0.01, 0.04, 0.03, 0.005, 0.5, 0.2), "BH").
func TestBenjaminiHochberg(t *testing.T) {
	t.Parallel()
	got := BenjaminiHochberg([]float64{0.01, 0.04, 0.03, 0.005, 0.5, math.NaN(), 0.2})
	for i, want := range []float64{0.03, 0.06, 0.06, 0.03, 0.5, math.NaN(), 0.24} {
		if math.IsNaN(want) {
			if !math.IsNaN(got[i]) {
				t.Errorf("p %d: %v, want NaN", i, got[i])
			}
			continue
		}
		near(t, fmt.Sprintf("p %d", i), got[i], want, 1e-15)
	}
	// The 15 p-values of the example in the paper, section 4.1: at 0.05 the first four are
	// discoveries.
	paper := []float64{0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1}
	found := 0
	for _, v := range BenjaminiHochberg(paper) {
		if v <= 0.05 {
			found++
		}
	}
	if found != 4 {
		t.Errorf("%d discoveries, the paper has 4", found)
	}
}

// Values whose logarithms are -1, 0, 1 for one feature and 0, 0, 0 for another: the
// pooled variance is 2/4, the moderated ones (10·0.5+2)/12 and 10·0.5/12. qt(0.99, 12) of
// R is 2.680998, pt(-2, 12) is 0.03433.
func TestThresholdsAreModerated(t *testing.T) {
	t.Parallel()
	e := func(x float64) float64 { return math.Exp(x) - negligible }
	got := Thresholds([][]float64{{e(-1), e(0), e(1)}, {e(0), math.NaN(), e(0), e(0)}, {math.NaN(), 1}})
	near(t, "deviation", got[0].Deviation, math.Sqrt(7.0/12), 1e-12)
	near(t, "deviation of what never moved", got[1].Deviation, math.Sqrt(5.0/12), 1e-12)
	scale := math.Sqrt(7.0/12) * math.Sqrt(4.0/3)
	near(t, "limit", got[0].Limit(0.01), math.Exp(2.680998*scale)-negligible, 1e-4)
	near(t, "p", got[0].P(e(2*scale)), 0.03433, 2e-5)
	if got[2].Known() || got[2].P(9) != 1 || !math.IsNaN(got[2].Limit(0.01)) {
		t.Errorf("one day teaches nothing: %+v", got[2])
	}
}

func TestLeaveOneOutComparesWithTheOthers(t *testing.T) {
	t.Parallel()
	day := func(missing uint64, bins ...uint64) DayCounts {
		return DayCounts{Counts: Counts{Bins: bins, Missing: missing}}
	}
	days := []DayCounts{day(0, 40, 30, 20, 10), day(50, 10, 20, 30, 30), day(10, 20, 20, 30, 20)}
	got := LeaveOneOut(days, 4)
	// scipy.spatial.distance.jensenshannon([30,40,60,50],[40,30,20,10],2)**2
	near(t, "first against the others", got[0].JensenShannon, jensenShannonByHand([]float64{30, 40, 60, 50}, []float64{40, 30, 20, 10}), 1e-12)
	near(t, "missing rises", got[1].MissingRise, 50.0/140-10.0/200, 1e-12)
	if LeaveOneOut(days[:1], 4) != nil {
		t.Error("one day has no others")
	}
}

// jensenShannonByHand follows the definition H((P+Q)/2) - (H(P)+H(Q))/2.
func jensenShannonByHand(a, b []float64) float64 {
	entropy := func(p []float64) float64 {
		h := 0.0
		for _, v := range p {
			if v > 0 {
				h -= v * math.Log2(v)
			}
		}
		return h
	}
	normal := func(p []float64) []float64 {
		sum, out := 0.0, make([]float64, len(p))
		for _, v := range p {
			sum += v
		}
		for i, v := range p {
			out[i] = v / sum
		}
		return out
	}
	p, q := normal(a), normal(b)
	m := make([]float64, len(p))
	for i := range p {
		m[i] = (p[i] + q[i]) / 2
	}
	return entropy(m) - (entropy(p)+entropy(q))/2
}

func TestSeasonNeedsEightWeeks(t *testing.T) {
	t.Parallel()
	var days []DayCounts
	first := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC) // a Monday
	for i := range 57 {
		days = append(days, DayCounts{Day: first.AddDate(0, 0, i).Format(time.DateOnly)})
	}
	if got, seasonal := Season(days[:55], "2026-09-06"); seasonal || len(got) != 55 {
		t.Errorf("55 days: seasonal %v, %d days", seasonal, len(got))
	}
	if got, seasonal := Season(days, "2026-09-06"); !seasonal || len(got) != 8 { // a Sunday
		t.Errorf("Sundays: seasonal %v, %d days", seasonal, len(got))
	}
	if got, seasonal := Season(days, "2026-09-07"); !seasonal || len(got) != 41 {
		t.Errorf("Monday to Friday: seasonal %v, %d days", seasonal, len(got))
	}
}

// By hand: without a prior the means are 1, 1, 2, 2.75; less 0.25 each the sums are
// -0.25, -0.5, 1.25, 3.25 (4-2=2; 5-2.75=2.25), the least -0.5.
func TestPageHinkleyByHand(t *testing.T) {
	t.Parallel()
	p := PageHinkley{Allowance: 0.25}
	near(t, "statistic", p.Statistic([]float64{1, 1, math.NaN(), 4, 5}), 3.25+0.5, 1e-12)
	near(t, "nothing", p.Statistic(nil), 0, 0)
	near(t, "a series that falls", p.Statistic([]float64{4, 3, 2, 1}), 0, 0)
	near(t, "an expected value holds the mean", PageHinkley{Expected: 1, Prior: 3}.Statistic([]float64{2}), 0.75, 1e-12)
}
