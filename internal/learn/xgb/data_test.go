package xgb_test

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"puenktlich/internal/learn/xgb"
)

// openLibrary loads the library once; without it the tests fail.
func openLibrary(t testing.TB) *xgb.Library {
	t.Helper()
	library, err := openOnce()
	if err != nil {
		t.Fatal(err)
	}
	return library
}

var openOnce = sync.OnceValues(func() (*xgb.Library, error) {
	path, err := xgb.Locate()
	if err != nil {
		return nil, err
	}
	return xgb.Open(path)
})

const columns = 12

// synthetic makes rows of delays, hours and rates with a tenth of the values
// missing. The label is the number of labels-1 thresholds that a noisy score
// reaches; a missing first value raises the score, so that missing matters.
func synthetic(rows, labels int, seed uint64) xgb.Batch {
	r := rand.New(rand.NewPCG(seed, 1))
	b := xgb.Batch{Rows: make([]float32, rows*columns), Columns: columns, Labels: make([]float32, rows)}
	for i := range rows {
		row := b.Rows[i*columns : (i+1)*columns]
		for k := range row {
			row[k] = float32(math.Round(r.NormFloat64()*float64(1+k*k)*8) / 8)
			if r.IntN(10) == 0 {
				row[k] = float32(math.NaN())
			}
		}
		score := r.NormFloat64() * 0.5
		if row[0] != row[0] {
			score++
		} else if row[1] == row[1] {
			score += float64(row[0]) * math.Sin(float64(row[1]))
		}
		label := math.Floor((score + 2) / 4 * float64(labels))
		b.Labels[i] = float32(min(max(label, 0), float64(labels-1)))
	}
	return b
}

// small are settings for quick trainings.
func small(objective xgb.Objective, classes int) xgb.Params {
	p := xgb.DefaultParams(objective, classes)
	p.Rounds, p.MaxDepth = 15, 5
	return p
}

// mustTrain trains on a data set in memory.
func mustTrain(t testing.TB, data xgb.Batch, batchRows int, params xgb.Params, opts xgb.TrainOptions) *xgb.Result {
	t.Helper()
	result, err := openLibrary(t).Train(t.Context(), xgb.FromSlices(data, batchRows), params, opts)
	if err != nil {
		t.Fatal(err)
	}
	return result
}
