package feature

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"puenktlich/internal/rail"
)

// Every row of the catalogue says everything, and no two have one name.
func TestCatalogueIsComplete(t *testing.T) {
	t.Parallel()
	units := []Unit{Minutes, Count, Flag, Share, Excess}
	sources := []Source{FromPlan, FromCalendar, FromLive, FromHistory}
	known := []KnownAt{KnownWithPlan, KnownPolled, KnownOnTick, KnownYesterday}
	seen := map[string]bool{}
	for _, f := range Catalogue() {
		if f.Name == "" || seen[f.Name] || f.Group == "" {
			t.Errorf("feature %q stands twice, or has no name or group", f.Name)
		}
		seen[f.Name] = true
		if !slices.Contains(units, f.Unit) || !slices.Contains(sources, f.Source) || !slices.Contains(known, f.KnownAt) {
			t.Errorf("%s: unit %q, source %q, known %q", f.Name, f.Unit, f.Source, f.KnownAt)
		}
		if !strings.HasSuffix(f.Meaning, ".") || strings.ContainsAny(f.Meaning, "|\n") || strings.Count(f.Meaning, "NaN") > 1 {
			t.Errorf("%s: meaning %q: want one sentence, and at its end once what NaN means", f.Name, f.Meaning)
		}
		if low, high := f.Range(); low >= high {
			t.Errorf("%s: range %v to %v", f.Name, low, high)
		}
		if when, may := f.Missing(); may && (when == "" || strings.Contains(f.WhenKnown(), "NaN") || len(f.WhenKnown()) < 10) {
			t.Errorf("%s: known %q, missing %q", f.Name, f.WhenKnown(), when)
		}
	}
}

func TestMeaningIsTakenApart(t *testing.T) {
	t.Parallel()
	f := Feature{Meaning: "Time since the train was there; NaN without one."}
	if when, may := f.Missing(); !may || when != "without one" || f.WhenKnown() != "Time since the train was there." {
		t.Errorf("%q, %v, %q", when, may, f.WhenKnown())
	}
	f.Meaning = "Train class F."
	if _, may := f.Missing(); may || f.WhenKnown() != "Train class F." {
		t.Errorf("%v, %q", may, f.WhenKnown())
	}
}

// What the catalogue says of missing values and ranges holds for random days,
// with history and without, with changes and without any.
func TestCatalogueSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	missing, known := make([]int, Width()), make([]int, Width())
	vector := make([]float32, Width())
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 11))
		plans, deliveries := randomDay(rng, 80, time.Minute)
		plans = append(plans, randomPlan(rng, "9-2402311000-1", rail.Departure, plans[0].Planned)) // no 31 February
		s := NewState(Options{})
		s.AddPlan(plans)
		for _, d := range deliveries[:len(deliveries)*int(seed)/5] {
			s.AddChanges([]rail.Change{d.change})
		}
		for _, m := range randomMoments(rng, plans, 400) {
			k, ok := s.At(m.key, m.cutOff)
			if !ok {
				continue
			}
			Vector(vector, &k, []*History{nil, anyHistory(plans)}[rng.IntN(2)])
			tally(t, vector, missing, known)
		}
	}
	for i, f := range Catalogue() {
		_, may := f.Missing()
		if may != (missing[i] > 0) || known[i] == 0 {
			t.Errorf("%s: missing in %d vectors and known in %d, the catalogue says %q", f.Name, missing[i], known[i], f.Meaning)
		}
	}
}

func tally(t *testing.T, vector []float32, missing, known []int) {
	t.Helper()
	for i, f := range Catalogue() {
		v := float64(vector[i])
		if math.IsNaN(v) {
			missing[i]++
			continue
		}
		known[i]++
		if low, high := f.Range(); v < low || v > high {
			t.Fatalf("%s is %v, outside %v to %v", f.Name, v, low, high)
		}
	}
}

// anyHistory counts every fourth event as late.
func anyHistory(plans []rail.PlannedEvent) *History {
	h := NewHistory()
	for i := range plans {
		delay := time.Duration(0)
		if i%4 == 0 {
			delay = 10 * time.Minute
		}
		h.AddEvent(&plans[i], rail.Truth{Planned: plans[i].Planned, Actual: plans[i].Planned.Add(delay)})
	}
	return h
}
