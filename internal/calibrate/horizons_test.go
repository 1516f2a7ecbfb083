package calibrate

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// scipy's root as for FitPlatt, prior of 20 events, on the even events as horizon 30, the odd
// ones as 60, and all.
func TestFitHorizons(t *testing.T) {
	t.Parallel()
	p, y := events()
	minutes := make([]int, len(p))
	for i := range minutes {
		minutes[i] = 30 + 30*(i%2)
	}
	// Three events at 5 minutes are too few for a calibration of their own.
	p, y, minutes = append(p, 0.5, 0.5, 0.5), append(y, true, false, true), append(minutes, 5, 5, 5)
	got, err := FitHorizons(HorizonEvents{minutes, p, y}, 20, 4)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Grid) != 2 || got.Grid[0].HorizonMinutes != 30 || got.Grid[1].HorizonMinutes != 60 || got.Grid[1].Events != 500 {
		t.Fatalf("grid %+v, want 30 and 60 minutes, 500 events each", got.Grid)
	}
	near(t, "30 slope", got.Grid[0].Platt.Slope, 0.4366454190306595, 1e-9)
	near(t, "30 intercept", got.Grid[0].Platt.Intercept, 0.8047169073256425, 1e-9)
	near(t, "60 slope", got.Grid[1].Platt.Slope, 0.5506476067339083, 1e-9)
	near(t, "60 intercept", got.Grid[1].Platt.Intercept, 0.8562845544280493, 1e-9)

	all, err := FitHorizons(HorizonEvents{minutes[:1000], p[:1000], y[:1000]}, 20, 501)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "pooled slope", all.At(30).Slope, 0.4904475787333759, 1e-9)
	near(t, "pooled intercept", all.At(30).Intercept, 0.8503094842026924, 1e-9)
	if len(all.Grid) != 0 {
		t.Errorf("grid %+v, want none below 501 events", all.Grid)
	}
}

func TestAtInterpolates(t *testing.T) {
	t.Parallel()
	h := grid()
	for _, c := range []struct{ minutes, slope, intercept float64 }{
		{5, 1, 0}, {15, 2, -1}, {60, 0.5, 2},
		{10, 1.5, -0.5}, {7.5, 1.25, -0.25}, {30, 1.5, 0},
		{0, 1, 0}, {240, 0.5, 2},
	} {
		got := h.At(c.minutes)
		near(t, "slope", got.Slope, c.slope, 1e-15)
		near(t, "intercept", got.Intercept, c.intercept, 1e-15)
	}
	if got := (Horizons{Pooled: Platt{3, 4}}).At(30); got != (Platt{3, 4}) {
		t.Errorf("without a grid %+v, want pooled", got)
	}
}

// By hand: at 10 minutes slope 1.5, intercept -0.5; odds 1 become e^-0.5, odds 4 become 8·e^-0.5.
func TestHorizonsApplyCumulative(t *testing.T) {
	t.Parallel()
	got := make([]float64, 2)
	grid().ApplyCumulative(got, []float64{0.5, 0.8}, 10)
	near(t, "0.5", got[0], 0.3775406687981454, 1e-15)
	near(t, "0.8", got[1], 0.8291254121199737, 1e-15)
}

func TestHorizonsAsJSON(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(grid())
	want := `{"grid":[{"horizon_minutes":5,"events":100,"platt":{"slope":1,"intercept":0}},` +
		`{"horizon_minutes":15,"events":200,"platt":{"slope":2,"intercept":-1}},` +
		`{"horizon_minutes":60,"events":300,"platt":{"slope":0.5,"intercept":2}}],"pooled":{"slope":1.1,"intercept":0.1}}`
	if err != nil || string(text) != want {
		t.Errorf("JSON\n got %s, %v\nwant %s", text, err, want)
	}
	var back Horizons
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, grid()) {
		t.Errorf("read back %+v, %v", back, err)
	}
	text, err = json.Marshal(Horizons{Pooled: Identity()})
	if want := `{"grid":[],"pooled":{"slope":1,"intercept":0}}`; err != nil || string(text) != want {
		t.Errorf("JSON %s, %v; want %s", text, err, want)
	}
	if _, err := json.Marshal(Horizons{}); err == nil {
		t.Error("zero value written")
	}
}

func TestHorizonsRefuseWrongJSON(t *testing.T) {
	t.Parallel()
	const platt = `{"slope":1,"intercept":0}`
	point := func(minutes string) string {
		return `{"horizon_minutes":` + minutes + `,"events":1,"platt":` + platt + `}`
	}
	for text, want := range map[string]string{
		`{"pooled":` + platt + `}`:                    "grid and pooled",
		`{"grid":[]}`:                                 "grid and pooled",
		`{"grid":[],"pooled":` + platt + `,"pool":1}`: "pool",
		`{"grid":[` + point("30") + `,` + point("5") + `],"pooled":` + platt + `}`:                  "horizon 5 min after 30 min",
		`{"grid":[` + point("30") + `,` + point("30") + `],"pooled":` + platt + `}`:                 "horizon 30 min after 30 min",
		`{"grid":[{"horizon_minutes":5,"events":1}],"pooled":` + platt + `}`:                        "horizon 5 min: slope 0",
		`{"grid":[{"horizon_minutes":5,"events":-1,"platt":` + platt + `}],"pooled":` + platt + `}`: "-1 events",
		`{"grid":[{"minutes":5,"events":1,"platt":` + platt + `}],"pooled":` + platt + `}`:          "minutes",
	} {
		var h Horizons
		if err := json.Unmarshal([]byte(text), &h); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", text, err, want)
		}
	}
}

func grid() Horizons {
	return Horizons{
		Grid: []HorizonPlatt{
			{5, 100, Platt{1, 0}}, {15, 200, Platt{2, -1}}, {60, 300, Platt{0.5, 2}},
		},
		Pooled: Platt{1.1, 0.1},
	}
}
