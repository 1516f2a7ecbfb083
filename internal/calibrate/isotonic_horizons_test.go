package calibrate

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// line goes from (0.2, 0.1) to (0.6, 0.5).
func line() Isotonic { return Isotonic{Forecasts: []float64{0.2, 0.6}, Rates: []float64{0.1, 0.5}} }

// flat is 0.4 at every forecast between 0.2 and 0.6.
func flat() Isotonic { return Isotonic{Forecasts: []float64{0.2, 0.6}, Rates: []float64{0.4, 0.4}} }

func isotonicGrid() Horizons {
	return Horizons{Pooled: Identity(), Isotonic: []HorizonIsotonic{{5, 100, line()}, {15, 200, flat()}}}
}

// By hand: below 0.2 the line comes from the origin, above 0.6 it goes to (1, 1).
func TestIsotonicHorizonsByHand(t *testing.T) {
	t.Parallel()
	in := []float64{0.1, 0.2, 0.4, 0.6, 0.8}
	for minutes, want := range map[float64][]float64{
		5:   {0.05, 0.1, 0.3, 0.5, 0.75},
		1:   {0.05, 0.1, 0.3, 0.5, 0.75},
		15:  {0.2, 0.4, 0.4, 0.4, 0.7},
		240: {0.2, 0.4, 0.4, 0.4, 0.7},
		10:  {0.125, 0.25, 0.35, 0.45, 0.725},
	} {
		got := slices.Clone(in)
		isotonicGrid().ApplyCumulative(got, got, minutes)
		for k := range want {
			near(t, "calibrated", got[k], want[k], 1e-12)
		}
	}
	one := Horizons{Pooled: Identity(), Isotonic: []HorizonIsotonic{{0, 1, line()}}}
	got := []float64{0.4}
	one.ApplyCumulative(got, got, 120)
	near(t, "one for all", got[0], 0.3, 1e-12)
}

// Odds of 1 become e^ln(1.5), p = 0.6, which the line takes to 0.5.
func TestIsotonicFollowsOnPlatt(t *testing.T) {
	t.Parallel()
	h := Horizons{Pooled: Platt{Slope: 1, Intercept: 0.4054651081081644}, Isotonic: []HorizonIsotonic{{0, 1, line()}}}
	got := []float64{0.5}
	h.ApplyCumulative(got, got, 60)
	near(t, "after Platt", got[0], 0.5, 1e-12)
}

// None of three low events and both of two high ones came true: 1/(3+2) and 1 - 1/(2+2),
// but no rate may pass its neighbour.
func TestEndsAreNotCertain(t *testing.T) {
	t.Parallel()
	p, y := []float64{0.1, 0.1, 0.2, 0.5, 0.5, 0.8, 0.9}, []bool{false, false, false, true, false, true, true}
	h, err := Fit(IsotonicPooled, HorizonEvents{make([]int, 7), p, y}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := Isotonic{Forecasts: []float64{0.1, 0.2, 0.5, 0.8, 0.9}, Rates: []float64{0.2, 0.2, 0.5, 0.75, 0.75}}
	if !reflect.DeepEqual(h.Isotonic[0].Isotonic, want) {
		t.Errorf("%+v, want %+v", h.Isotonic[0].Isotonic, want)
	}
	all, err := Fit(IsotonicPooled, HorizonEvents{make([]int, 2), p[:2], []bool{true, true}}, Options{})
	if err != nil || all.Isotonic[0].Isotonic.Rates[0] != 0.75 {
		t.Errorf("two of two came true: %+v, %v; want 1 - 1/4", all.Isotonic, err)
	}
}

func TestIsotonicHorizonsAsJSON(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(isotonicGrid())
	want := `{"grid":[],"pooled":{"slope":1,"intercept":0},"isotonic":[` +
		`{"horizon_minutes":5,"events":100,"isotonic":{"forecasts":[0.2,0.6],"rates":[0.1,0.5]}},` +
		`{"horizon_minutes":15,"events":200,"isotonic":{"forecasts":[0.2,0.6],"rates":[0.4,0.4]}}]}`
	if err != nil || string(text) != want {
		t.Errorf("JSON\n got %s, %v\nwant %s", text, err, want)
	}
	var back Horizons
	if err := json.Unmarshal(text, &back); err != nil || len(back.Isotonic) != 2 || !reflect.DeepEqual(back.Isotonic, isotonicGrid().Isotonic) {
		t.Errorf("read back %+v, %v", back, err)
	}
	point := func(minutes, rate string) string {
		return `{"horizon_minutes":` + minutes + `,"events":1,"isotonic":{"forecasts":[0.5],"rates":[` + rate + `]}}`
	}
	for points, want := range map[string]string{
		point("15", "0.5") + "," + point("5", "0.5"): "isotonic of horizon 5 min after 15 min",
		point("5", "1.5"): "rate 1.5",
		strings.Replace(point("5", "0.5"), `"events":1`, `"events":-1`, 1): "-1 events",
	} {
		var h Horizons
		text := `{"grid":[],"pooled":{"slope":1,"intercept":0},"isotonic":[` + points + `]}`
		if err := json.Unmarshal([]byte(text), &h); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", points, err, want)
		}
	}
}
