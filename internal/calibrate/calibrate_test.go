package calibrate

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"puenktlich/internal/metric"
)

// The minimum of the penalised loss for 1,000 events, found by scipy 1.17.1 as the root of
// its gradient; scikit-learn 1.9.1's LogisticRegression(C=inf) gives the first row too:
//
//	u=lcg(2000,11); p=np.floor(u[:1000]*1001)/1000; x=logit(clip(p,1e-6,1-1e-6))
//	y=u[1000:]<1/(1+exp(-(.6*x+.8)))
//	r=1/(1+exp(-(a*x+b)))-y; root: [(r*x).sum()+m/4*(a-1), r.sum()+m/4*b]
func TestFitPlattFindsTheMinimum(t *testing.T) {
	t.Parallel()
	p, y := events()
	for _, c := range []struct{ prior, slope, intercept float64 }{
		{0, 0.48965531648724303, 0.8718997034934829},
		{50, 0.49216937709453495, 0.82031394131016},
		{1000, 0.6165698704256053, 0.40771789864385155},
	} {
		got, err := FitPlatt(p, y, c.prior)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "slope", got.Slope, c.slope, 1e-9)
		near(t, "intercept", got.Intercept, c.intercept, 1e-9)
	}
}

// scipy.optimize.minimize over the intercept alone, slope 0.01, prior of 10 events, on the
// outcomes turned round (its free minimum has the slope -0.479).
func TestFitPlattNeverTurnsTheOrderRound(t *testing.T) {
	t.Parallel()
	p, y := events()
	for i := range y {
		y[i] = !y[i]
	}
	got, err := FitPlatt(p, y, 10)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "slope", got.Slope, MinSlope, 0)
	near(t, "intercept", got.Intercept, -0.68564733, 1e-7)
}

func TestFitPlattOfSeparatedOutcomes(t *testing.T) {
	t.Parallel()
	p, y := []float64{0.2, 0.3, 0.7, 0.8}, []bool{false, false, true, true}
	for name, outcomes := range map[string][]bool{
		"separated": y, "the other way": {true, true, false, false}, "one class": make([]bool, 4),
	} {
		if got, err := FitPlatt(p, outcomes, 0); err == nil || !strings.Contains(err.Error(), "give a prior above 0") {
			t.Errorf("%s: %+v, error %v, want advice to give a prior", name, got, err)
		}
	}
	// scipy's root with a prior of 4 events; the intercept is 0 by symmetry.
	got, err := FitPlatt(p, y, 4)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "slope", got.Slope, 1.612346311415704, 1e-9)
	near(t, "intercept", got.Intercept, 0, 1e-9)
}

func TestFitPlattOnExtremes(t *testing.T) {
	t.Parallel()
	for name, p := range map[string][]float64{
		"all 0": {0, 0, 0}, "all 1": {1, 1, 1}, "wrong by all": {0, 0, 1}, "equal": {0.4, 0.4, 0.4},
	} {
		got, err := FitPlatt(p, []bool{true, true, false}, 1)
		if err != nil || got.Validate() != nil {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// By hand: logit(0.8) = ln 4, so slope ½ and intercept ln 3 give odds 2·3 = 6.
func TestApply(t *testing.T) {
	t.Parallel()
	c := Platt{Slope: 0.5, Intercept: math.Log(3)}
	near(t, "0.8", c.Apply(0.8), 6.0/7, 1e-15)
	near(t, "identity", Identity().Apply(0.37), 0.37, 1e-15)
	near(t, "0", Identity().Apply(0), 1e-6, 1e-15)
	near(t, "1", Identity().Apply(1), 1-1e-6, 1e-15)
	near(t, "out of it", Platt{Slope: 9, Intercept: 50}.Apply(1), 1-1e-6, 0)
	if got := c.Apply(math.NaN()); !math.IsNaN(got) {
		t.Errorf("NaN became %v", got)
	}
}

func TestApplyCumulativeAscends(t *testing.T) {
	t.Parallel()
	f := lcg(2000, 5)
	f = append(f, 0, 1, 1-1e-16, 5e-324)
	for _, v := range f[:500] {
		f = append(f, math.Nextafter(v, 1), math.Nextafter(v, 0))
	}
	slices.Sort(f)
	for _, c := range []Platt{Identity(), {0.01, 3}, {0.3, -7}, {1.7, 0.4}, {40, -2}} {
		got := make([]float64, len(f))
		c.ApplyCumulative(got, f)
		if !slices.IsSorted(got) || got[0] < Clip || got[len(got)-1] > 1-Clip {
			t.Errorf("%+v: not ascending within [Clip, 1-Clip]", c)
		}
	}
	// In place: odds 1/4, 1, 4 times 3.
	in := []float64{0.2, 0.5, 0.8}
	Platt{Slope: 1, Intercept: math.Log(3)}.ApplyCumulative(in, in)
	for k, want := range []float64{3.0 / 7, 0.75, 12.0 / 13} {
		near(t, "in place", in[k], want, 1e-15)
	}
}

// A calibration must pay on events it was not fitted on.
func TestCalibrationLowersLogLossOnOtherEvents(t *testing.T) {
	t.Parallel()
	p, y := events()
	c, err := FitPlatt(p[:500], y[:500], 20)
	if err != nil {
		t.Fatal(err)
	}
	calibrated, clipped := make([]float64, 500), make([]float64, 500)
	for i, v := range p[500:] {
		calibrated[i], clipped[i] = c.Apply(v), Identity().Apply(v)
	}
	before, _ := metric.LogLoss(clipped, y[500:])
	after, ok := metric.LogLoss(calibrated, y[500:])
	if !ok || after >= before {
		t.Errorf("log loss %v after, %v before", after, before)
	}
}

func TestFitRefuses(t *testing.T) {
	t.Parallel()
	one := []bool{true}
	for _, c := range []struct {
		err  error
		want string
	}{
		{second(FitPlatt([]float64{0.1, 0.2}, one, 1)), "2 forecasts for 1 outcomes"},
		{second(FitPlatt(nil, nil, 1)), "no events"},
		{second(FitPlatt([]float64{1.5}, one, 1)), "row 0: forecast 1.5"},
		{second(FitPlatt([]float64{0.5}, one, -1)), "prior of -1 events"},
		{second(FitPlatt([]float64{0.5}, one, math.Inf(1))), "prior of +Inf events"},
		{second(FitIsotonic([]float64{math.NaN()}, one)), "row 0: forecast NaN"},
		{second(FitHorizons(HorizonEvents{nil, []float64{0.5}, one}, 1, 1)), "0 horizons for 1 forecasts"},
		{second(FitHorizons(HorizonEvents{}, 1, 1)), "no events"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", c.err, c.want)
		}
	}
}

func TestPlattRefusesWrongJSON(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"slope":1}`:                           "both needed",
		`{"intercept":1}`:                       "both needed",
		`{"slope":0,"intercept":1}`:             "slope 0",
		`{"slope":-1,"intercept":1}`:            "slope -1",
		`{"slope":1,"intercept":1,"shift":2}`:   "shift",
		`{"slope":1,"intercept":null}`:          "both needed",
		`{"slope":"1","intercept":1}`:           "string",
		`[1,2]`:                                 "array",
		`{"slope":1e999,"intercept":1}`:         "1e999",
		`{"slope":1,"intercept":1} {"slope":2}`: "after top-level value",
	} {
		var c Platt
		if err := json.Unmarshal([]byte(text), &c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", text, err, want)
		}
	}
	if _, err := json.Marshal(Platt{}); err == nil || !strings.Contains(err.Error(), "slope 0") {
		t.Errorf("zero value written: %v", err)
	}
}

func near(t *testing.T, name string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s: %v, want %v within %v", name, got, want, tolerance)
	}
}

func second[T any](_ T, err error) error { return err }

func events() ([]float64, []bool) {
	u := lcg(2000, 11)
	p, y := make([]float64, 1000), make([]bool, 1000)
	for i := range p {
		p[i] = math.Floor(u[i]*1001) / 1000
		x := min(max(p[i], 1e-6), 1-1e-6)
		y[i] = u[1000+i] < 1/(1+math.Exp(-(0.6*math.Log(x/(1-x))+0.8)))
	}
	return p, y
}

// lcg returns n numbers in [0,1) that any language can repeat:
// x = (1103515245*x + 12345) mod 2**31, each divided by 2**31.
func lcg(n int, seed uint64) []float64 {
	values := make([]float64, n)
	for i := range values {
		seed = (1103515245*seed + 12345) % (1 << 31)
		values[i] = float64(seed) / (1 << 31)
	}
	return values
}
