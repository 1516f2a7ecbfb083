package forest_test

import (
	"math"
	"testing"

	"puenktlich/internal/forest"
	"puenktlich/internal/learn/xgb"
)

// compareContributions checks the single row and the batch against the library,
// and their sums against the margin.
func compareContributions(t *testing.T, model []byte, rows []float32) {
	t.Helper()
	want, err := openLibrary(t).Contributions(model, rows, columns)
	if err != nil {
		t.Fatal(err)
	}
	f, n := parse(t, model), len(rows)/columns
	size := f.Classes() * (columns + 1)
	margins := make([]float32, n*f.Classes())
	f.Margins(margins, rows)
	single, batch := make([]float64, n*size), make([]float64, n*size)
	for i := range n {
		f.Contributions(single[i*size:(i+1)*size], rows[i*columns:(i+1)*columns])
	}
	f.ContributionsBatch(batch, rows)
	for name, got := range map[string][]float64{"row": single, "batch": batch} {
		worst, worstSum := 0.0, 0.0
		for k, value := range got {
			worst = max(worst, math.Abs(value-float64(want[k])))
		}
		for k, margin := range margins {
			sum := 0.0
			for _, value := range got[k*(columns+1) : (k+1)*(columns+1)] {
				sum += value
			}
			worstSum = max(worstSum, math.Abs(sum-float64(margin)))
		}
		if !(worst <= 1e-4 && worstSum <= 1e-5) {
			t.Errorf("depth %d, %s: differs from XGBoost by %v (at most 1e-4), sum from margin by %v (at most 1e-5)", f.Depth(), name, worst, worstSum)
		}
	}
}

func TestContributionsAgreeWithXGBoost(t *testing.T) {
	t.Parallel()
	for name, model := range map[string][]byte{"binary": binaryModel(t), "8 classes": bucketModel(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compareContributions(t, model, randomRows(100, 21))
		})
	}
}

// Tables explain trees up to depth 6, paths those beyond; gamma prunes, so that
// leaves lie at every height.
func TestContributionsAtEveryDepth(t *testing.T) {
	t.Parallel()
	for depth := 1; depth <= forest.MaxDepth; depth++ {
		params := xgb.DefaultParams(xgb.BinaryLogistic, 1)
		params.MaxDepth, params.Rounds, params.Gamma = depth, 7, 0.5
		compareContributions(t, train(t, params, 5000), randomRows(70, uint64(depth)))
	}
}

// Trees on few features split again and again on the same ones: many conditions
// on a path are of one feature.
func TestContributionsOfRepeatedFeatures(t *testing.T) {
	t.Parallel()
	rows := randomRows(5000, 8)
	for i := range rows {
		if i%columns > 1 {
			rows[i] = 0
		}
	}
	params := xgb.DefaultParams(xgb.BinaryLogistic, 1)
	params.MaxDepth, params.Rounds = 6, 20
	compareContributions(t, trainOn(t, params, rows), rows[:100*columns])
}

// Batches of every length take the same way through blocks and single rows.
func TestContributionsOfEveryBatchLength(t *testing.T) {
	t.Parallel()
	f, rows := parse(t, bucketModel(t)), randomRows(150, 5)
	size := f.Classes() * (columns + 1)
	want := make([]float64, size)
	for _, n := range []int{0, 1, 11, 12, 63, 64, 65, 75, 76, 150} {
		got := make([]float64, n*size)
		f.ContributionsBatch(got, rows[:n*columns])
		for i := range n {
			f.Contributions(want, rows[i*columns:(i+1)*columns])
			for k := range want {
				if math.Abs(got[i*size+k]-want[k]) > 1e-12 {
					t.Fatalf("%d rows: value %d of row %d is %v, alone %v", n, k, i, got[i*size+k], want[k])
				}
			}
		}
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
