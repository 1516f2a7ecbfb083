package forest_test

import (
	"math"
	"testing"
)

func TestContributionsAgreeWithXGBoost(t *testing.T) {
	t.Parallel()
	for name, model := range map[string][]byte{"binary": binaryModel(t), "8 classes": bucketModel(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const n = 100
			f, rows := parse(t, model), randomRows(n, 21)
			want, err := openLibrary(t).Contributions(model, rows, columns)
			if err != nil {
				t.Fatal(err)
			}
			size := f.Classes() * (columns + 1)
			got, margins := make([]float64, size), make([]float32, f.Classes())
			worst, worstSum := 0.0, 0.0
			for i := range n {
				row := rows[i*columns : (i+1)*columns]
				f.Contributions(got, row)
				for k, value := range got {
					worst = max(worst, math.Abs(value-float64(want[i*size+k])))
				}
				f.Margin(margins, row)
				for class, margin := range margins {
					sum := 0.0
					for _, value := range got[class*(columns+1) : (class+1)*(columns+1)] {
						sum += value
					}
					worstSum = max(worstSum, math.Abs(sum-float64(margin)))
				}
			}
			t.Logf("largest difference to XGBoost %.1e, of the sum to the margin %.1e", worst, worstSum)
			if worst > 1e-4 || worstSum > 1e-5 {
				t.Errorf("differs from XGBoost by %v (at most 1e-4), sum from margin by %v (at most 1e-5)", worst, worstSum)
			}
		})
	}
}

// One tree, worked by hand: 60 of 100 rows have x0 < 1 and score 1; of the
// others 10 have x1 < 2 and score 2, 30 score 6. The row (5, 5) scores 6. Means
// of the coalitions: {} 0.6 + 0.2 + 1.8 = 2.6; {0} (10 x 2 + 30 x 6) / 40 = 5;
// {1} 0.6 x 1 + 0.4 x 6 = 3; {0, 1} 6. So feature 0 earns
// ((5-2.6) + (6-3)) / 2 = 2.7 and feature 1 ((3-2.6) + (6-5)) / 2 = 0.7.
func TestContributionsByHand(t *testing.T) {
	t.Parallel()
	f := parse(t, []byte(handModel))
	got := make([]float64, 3)
	f.Contributions(got, []float32{5, 5})
	for i, want := range []float64{2.7, 0.7, 2.6} {
		if math.Abs(got[i]-want) > 1e-6 {
			t.Errorf("value %d is %v, want %v", i, got[i], want)
		}
	}
	margin := make([]float32, 1)
	f.Margin(margin, []float32{5, 5})
	if margin[0] != 6 {
		t.Errorf("margin %v, want 6", margin[0])
	}
}
