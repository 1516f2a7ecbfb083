package drift

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
)

// By hand: ten values in 5 bins have their quantile edges at the 2nd, 4th, 6th, 8th and 10th
// smallest: 0, 0, 2, 4, 9. The equal ones are one, and one more lies just below 0.
func TestReferenceOfTenValues(t *testing.T) {
	t.Parallel()
	got, err := NewReference("delay", []float64{9, 0, 1, 0, math.NaN(), 2, 3, 4, 0, 0, 5, math.NaN()}, 5)
	if err != nil {
		t.Fatal(err)
	}
	want := Reference{
		Feature: "delay", Edges: []float64{-math.SmallestNonzeroFloat64, 0, 2, 4, 9},
		Counts: Counts{Bins: []uint64{0, 4, 2, 2, 2, 0}, Missing: 2},
	}
	// Sum 24, sum of squares 136: √(13.6 - 2.4²).
	near(t, "deviation", got.Deviation, 2.8, 1e-14)
	got.Deviation = 0
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

// Seven values in 3 bins: the quantiles are the values of rank ⌈7/3⌉, ⌈14/3⌉ and 7.
func TestEdgesBetweenRanks(t *testing.T) {
	t.Parallel()
	got, err := NewReference("x", []float64{7, 1, 6, 2, 5, 3, 4}, 3)
	if err != nil {
		t.Fatal(err)
	}
	if want := []float64{3, 5, 7}; !reflect.DeepEqual(got.Edges[1:], want) {
		t.Errorf("edges %v, want %v above the one below 1", got.Edges, want)
	}
}

// A constant feature still tells values on either side apart, but has no unit for Wasserstein.
func TestConstantReference(t *testing.T) {
	t.Parallel()
	reference, err := NewReference("x", []float64{5, 5, 5}, 256)
	if err != nil {
		t.Fatal(err)
	}
	current := reference.NewCounts()
	if err := reference.Add(&current, []float64{4, 5, 5, 7}); err != nil {
		t.Fatal(err)
	}
	if want := []uint64{1, 2, 1}; !reflect.DeepEqual(current.Bins, want) {
		t.Errorf("bins %v, want %v", current.Bins, want)
	}
	got, err := Compare(reference, current)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "ks", got.KS, 0.25, 0)
	near(t, "unseen", got.Unseen, 0.5, 0)
	if !math.IsNaN(got.Wasserstein) {
		t.Errorf("wasserstein %v, want NaN", got.Wasserstein)
	}
}

func TestReferenceSurvivesJSON(t *testing.T) {
	t.Parallel()
	want, _ := wholeNumbers()
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Reference
	if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read back %+v, %v", got, err)
	}
}

// By hand: a 3, b and c 2 each (b first by its text), d and e once.
func TestCategories(t *testing.T) {
	t.Parallel()
	values := []string{"c", "a", "b", "a", "", "e", "c", "d", "b", "a"}
	reference, err := NewCategoryReference("product", values, 2)
	if err != nil {
		t.Fatal(err)
	}
	want := CategoryReference{
		Feature: "product", Top: []string{"a", "b"}, Rest: []string{"c", "d", "e"},
		Counts: Counts{Bins: []uint64{3, 2, 4, 0}, Missing: 1},
	}
	if !reflect.DeepEqual(reference, want) {
		t.Errorf("\n got %+v\nwant %+v", reference, want)
	}
	current := reference.NewCounts()
	if err := reference.Add(&current, []string{"a", "a", "c", "new", "", "b", "newer"}); err != nil {
		t.Fatal(err)
	}
	if want := (Counts{Bins: []uint64{2, 1, 1, 2}, Missing: 1}); !reflect.DeepEqual(current, want) {
		t.Errorf("counts %+v, want %+v", current, want)
	}
	got, err := CompareCategories(reference, current)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "unseen", got.Unseen, 1.0/3, 1e-15)
	near(t, "missing in the reference", got.ReferenceMissing, 0.1, 1e-15)
	// Expected 3, 1.8, 3, 1.2 and 2, 1.2, 2, 0.8: 0 + (0.04/1.8+0.04/1.2) + (1/3+1/2) + (1.44/1.2+1.44/0.8).
	near(t, "chi-square", got.ChiSquare, 3.888888888888889, 1e-12)
	if got.ChiSquareFreedom != 3 || !math.IsNaN(got.KS) || !math.IsNaN(got.Wasserstein) {
		t.Errorf("%+v", got)
	}
}

func TestCategoriesDoNotDependOnTheirOrder(t *testing.T) {
	t.Parallel()
	var values []string
	for i := range 300 {
		values = append(values, fmt.Sprint(i*i%41))
	}
	first, err := NewCategoryReference("line", values, 5)
	if err != nil {
		t.Fatal(err)
	}
	for i, j := 0, len(values)-1; i < j; i, j = i+1, j-1 {
		values[i], values[j] = values[j], values[i]
	}
	if again, _ := NewCategoryReference("line", values, 5); !reflect.DeepEqual(again, first) {
		t.Errorf("reversed values: %+v, want %+v", again, first)
	}
}

func TestDriftRefuses(t *testing.T) {
	t.Parallel()
	reference, _ := wholeNumbers()
	words, err := NewCategoryReference("product", []string{"S", "RE"}, 4)
	if err != nil {
		t.Fatal(err)
	}
	short := Counts{Bins: make([]uint64, 2)}
	twisted := Reference{Feature: "x", Edges: []float64{2, 1}, Counts: Counts{Bins: make([]uint64, 3)}}
	for _, c := range []struct {
		err  error
		want string
	}{
		{second(NewReference("x", []float64{1}, 1)), "drift reference of x: 1 bins"},
		{second(NewReference("x", []float64{1, math.Inf(-1)}, 8)), "row 1: value -Inf"},
		{second(NewReference("x", []float64{math.NaN()}, 8)), "none of 1 values is known"},
		{second(NewCategoryReference("x", []string{"", ""}, 8)), "none of 2 values is known"},
		{second(NewCategoryReference("x", []string{"a"}, 0)), "top 0 values"},
		{second(Compare(reference, short)), "compare whole for drift: 2 bins with the reference's 10"},
		{second(CompareCategories(words, short)), "compare product for drift: 2 bins with the reference's 4"},
		{second(Compare(Reference{Feature: "x"}, short)), "0 bins for 0 edges"},
		{second(Compare(twisted, twisted.Counts)), "edge 1 after 2"},
		{reference.Add(&short, nil), "count whole for drift: 2 bins for 9 edges"},
		{words.Add(&short, nil), "count product for drift: 2 bins for 2 top values"},
		{short.Merge(words.Counts), "4 bins into 2"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", c.err, c.want)
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	reference, err := NewReference("x", lcg(100_000, 1), 256)
	if err != nil {
		b.Fatal(err)
	}
	values, counts := lcg(1_000_000, 2), reference.NewCounts()
	for b.Loop() {
		if err := reference.Add(&counts, values); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e6, "ns/value")
}

func second[T any](_ T, err error) error { return err }
