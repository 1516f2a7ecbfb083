package calibrate

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
)

// scikit-learn 1.9.1: IsotonicRegression(out_of_bounds='clip').fit(p,y).predict(at)
func TestIsotonicOfTenEvents(t *testing.T) {
	t.Parallel()
	p := []float64{0.9, 0.1, 0.2, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8}
	y := []bool{true, false, true, false, false, true, false, true, true, false}
	c, err := FitIsotonic(p, y)
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[float64]float64{
		0.05: Clip, 0.15: 0.16666667, 0.25: 0.33333333, 0.45: 0.5, 0.55: 0.58333333,
		0.65: 0.66666667, 0.75: 0.66666667, 0.85: 0.83333333, 0.95: 1 - Clip, 0.9: 1 - Clip, 0.4: 0.5,
	} {
		near(t, "rate", c.Apply(at), want, 1e-8)
	}
	if got := c.Apply(math.NaN()); !math.IsNaN(got) {
		t.Errorf("NaN became %v", got)
	}
}

// 0 and 1e-7 are one forecast, right once of twice.
func TestIsotonicPoolsWhatClippingMakesEqual(t *testing.T) {
	t.Parallel()
	c, err := FitIsotonic([]float64{0, 1e-7, 0.5}, []bool{false, true, true})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "0", c.Apply(0), 0.5, 0)
	near(t, "0.5", c.Apply(0.5), 1-Clip, 0)
}

// The same on the 1,000 events of events().
func TestIsotonicOfManyEvents(t *testing.T) {
	t.Parallel()
	c, err := FitIsotonic(events())
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[float64]float64{
		0.0005: 0.2, 0.1: 0.5, 0.25: 0.50458716, 0.333: 0.56716418,
		0.5: 0.75, 0.61: 0.78431373, 0.875: 0.88235294, 0.99: 1 - Clip,
	} {
		near(t, "rate", c.Apply(at), want, 1e-8)
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

func TestIsotonicAsJSON(t *testing.T) {
	t.Parallel()
	c := Isotonic{Forecasts: []float64{0.1, 0.5}, Rates: []float64{0.2, 0.2}}
	text, err := json.Marshal(c)
	if want := `{"forecasts":[0.1,0.5],"rates":[0.2,0.2]}`; err != nil || string(text) != want {
		t.Errorf("JSON %s, %v; want %s", text, err, want)
	}
	var back Isotonic
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, c) {
		t.Errorf("read back %+v, %v", back, err)
	}
	for text, want := range map[string]string{
		`{"forecasts":[],"rates":[]}`:                   "at least one",
		`{"forecasts":[0.1],"rates":[0.1,0.2]}`:         "1 forecasts for 2 rates",
		`{"forecasts":[0.1,0.1],"rates":[0.1,0.2]}`:     "point 1",
		`{"forecasts":[0.1,0.2],"rates":[0.3,0.2]}`:     "point 1",
		`{"forecasts":[0.1,2],"rates":[0.1,0.2]}`:       "point 1: forecast 2",
		`{"forecasts":[0.1],"rates":[0.1],"weights":1}`: "weights",
	} {
		if err := json.Unmarshal([]byte(text), &back); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", text, err, want)
		}
	}
	if _, err := json.Marshal(Isotonic{}); err == nil {
		t.Error("zero value written")
	}
}
