package drift

import (
	"math"
	"testing"
)

// Where all forecasts are the pooled share, the square of the statistic is Pearson's of
// the table of two shares. Source of the table and its 25.01: the Physicians' Health Study
// of aspirin, A. Agresti, "Categorical Data Analysis": heart attacks of 189 of 11,034 and
// 104 of 11,037.
func TestApartIsPearsonsOfTwoShares(t *testing.T) {
	t.Parallel()
	pooled := 293.0 / 22071
	part := func(late, events int) Part {
		return Part{Events: events, Bias: float64(late)/float64(events) - pooled, Variance: pooled * (1 - pooled)}
	}
	got := Apart(map[string]Part{"placebo": part(189, 11034), "aspirin": part(104, 11037)}, 10)
	if z := got["placebo"]; math.Abs(z*z-25.01) > 0.01 || z < 0 {
		t.Errorf("square %.4f, want 25.01, above", z*z)
	}
	if math.Abs(got["placebo"]+got["aspirin"]) > 1e-12 {
		t.Errorf("%v: two parts lie as far from each other, on two sides", got)
	}
}

// What all parts have in common falls out; one that is off is found, on its side.
func TestApartLooksBesideTheOthers(t *testing.T) {
	t.Parallel()
	parts := map[string]Part{"a": {40, 0.1, 0.16}, "b": {60, 0.1, 0.16}, "c": {100, 0.1, 0.16}}
	for name, z := range Apart(parts, 10) {
		if math.Abs(z) > 1e-12 {
			t.Errorf("%s %g, want 0: a stormy day is in all", name, z)
		}
	}
	parts["a"] = Part{40, 0.3, 0.16}
	got := Apart(parts, 10)
	if want := 0.2 / math.Sqrt(0.16/40+0.16/160); math.Abs(got["a"]-want) > 1e-12 || got["c"] >= 0 {
		t.Errorf("%v, want a at %g and the others below 0", got, want)
	}
}

func TestPartsThatSayNothingAreLeftOut(t *testing.T) {
	t.Parallel()
	for name, parts := range map[string]map[string]Part{
		"none":                    {},
		"one alone":               {"a": {90, 0.2, 0.1}},
		"few beside many":         {"a": {9, 0.2, 0.1}, "b": {9, 0, 0.1}},
		"forecasts that are sure": {"a": {90, 0.2, 0}, "b": {90, 0, 0}},
		"no number":               {"a": {90, math.NaN(), 0.1}, "b": {90, 0, 0.1}},
	} {
		if got := Apart(parts, 10); len(got) > 0 {
			t.Errorf("%s: %v, want nothing", name, got)
		}
	}
}
