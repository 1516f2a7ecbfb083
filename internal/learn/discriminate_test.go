package learn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"puenktlich/internal/dataset"
)

// setOf is rows of two features, the first normal around a mean, the second never
// known; three rows a trip.
func setOf(name string, rows int, mean float64, random *rand.Rand) *dataset.Table {
	table := dataset.New("f", []string{"moved", "unknown"}, []string{"min", "min"})
	for i := range rows {
		table.Append(dataset.Row{Trip: fmt.Sprintf("%s-%d", name, i/3)}, []float32{float32(mean + random.NormFloat64()), float32(math.NaN())})
	}
	return table
}

// Two normal distributions of deviation 1 whose means lie d apart are told apart with
// an AUC of Φ(d/√2): 0.5 for 0, 0.8413 for √2.
func TestTellApart(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	reference := setOf("a", 6000, 0, random)
	for distance, want := range map[float64]float64{0: 0.5, math.Sqrt2: 0.8413} {
		got, err := TellApart(t.Context(), reference, setOf("b", 6000, distance, random))
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(got.AUC-want) > 0.02 || got.Rows != 12000 {
			t.Errorf("%v apart: AUC %v of %d rows, want %v", distance, got.AUC, got.Rows, want)
		}
		if distance > 0 && (len(got.Features) != 1 || got.Features[0].Feature != "moved") {
			t.Errorf("goes by %v", got.Features)
		}
	}
}

// A trip that stands on both sides of a fold would be recognised.
func TestTellApartKeepsTripsTogether(t *testing.T) {
	t.Parallel()
	one := dataset.New("f", []string{"x"}, []string{"min"})
	for i := range 100 {
		one.Append(dataset.Row{Trip: "same"}, []float32{float32(i)})
	}
	got, err := TellApart(t.Context(), one, one)
	if err != nil || !math.IsNaN(got.AUC) {
		t.Errorf("one trip fills one fold: %+v, %v", got, err)
	}
	if _, err := TellApart(t.Context(), one, setOf("b", 3, 0, rand.New(rand.NewPCG(1, 1)))); err == nil {
		t.Error("tables of other features were compared")
	}
}
