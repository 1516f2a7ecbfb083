package forest_test

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"puenktlich/internal/forest"
	"puenktlich/internal/learn/xgb"
)

const columns = 30

// openLibrary loads XGBoost, against which everything here is checked.
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

// randomRows makes rows in the manner of the railway: whole minutes, hours,
// rates between 0 and 1 and heavy tails, a tenth of the values missing. Values
// repeat, so that many equal a threshold exactly.
func randomRows(rows int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 7))
	out := make([]float32, rows*columns)
	for i := range out {
		switch column := i % columns; {
		case r.IntN(10) == 0:
			out[i] = float32(math.NaN())
		case column < 10:
			out[i] = float32(math.Floor(r.ExpFloat64()*6) - 2)
		case column < 15:
			out[i] = float32(r.IntN(24))
		case column < 25:
			out[i] = r.Float32()
		default:
			out[i] = float32(math.Exp(r.NormFloat64() * 3))
		}
	}
	return out
}

// randomLabels depends on several columns, on their interaction and on what is
// missing.
func randomLabels(rows []float32, labels int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 8))
	out := make([]float32, len(rows)/columns)
	for i := range out {
		row := rows[i*columns : (i+1)*columns]
		score := r.ExpFloat64() * 2
		for k, x := range row {
			if x != x {
				score += 0.3 * float64(k%3)
			} else if k < 6 {
				score += float64(x) / float64(k+2)
			}
		}
		if row[12] > 15 && row[20] > 0.5 {
			score += 3
		}
		out[i] = float32(min(max(math.Floor(score/8*float64(labels)), 0), float64(labels-1)))
	}
	return out
}

// train gives the JSON of a model of 30 features.
func train(t testing.TB, params xgb.Params, rows int) []byte {
	t.Helper()
	return trainOn(t, params, randomRows(rows, 1))
}

func trainOn(t testing.TB, params xgb.Params, data []float32) []byte {
	t.Helper()
	source := xgb.FromSlices(xgb.Batch{
		Rows: data, Columns: columns, Labels: randomLabels(data, max(params.Classes, 2), 1),
	}, 8192)
	result, err := openLibrary(t).Train(t.Context(), source, params, xgb.TrainOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return result.Model
}

// model is trained once, by the first test that asks for it.
type model struct {
	params xgb.Params
	rows   int
	once   sync.Once
	json   []byte
}

func (m *model) get(t testing.TB) []byte {
	t.Helper()
	m.once.Do(func() { m.json = train(t, m.params, m.rows) })
	if m.json == nil {
		t.Fatal("the model could not be trained; see the first test that failed")
	}
	return m.json
}

// newModel describes a model of the depth in use.
func newModel(objective xgb.Objective, classes, rounds, rows int) *model {
	m := &model{params: xgb.DefaultParams(objective, classes), rows: rows}
	m.params.Rounds = rounds
	return m
}

// Models of the size in use, and for the tests eight classes in fewer rounds.
var (
	binary      = newModel(xgb.BinaryLogistic, 1, 200, 20_000)
	buckets     = newModel(xgb.MultiSoftprob, 8, 30, 10_000)
	fullBuckets = newModel(xgb.MultiSoftprob, 8, 100, 20_000)
)

func binaryModel(t testing.TB) []byte { t.Helper(); return binary.get(t) }
func bucketModel(t testing.TB) []byte { t.Helper(); return buckets.get(t) }

func parse(t testing.TB, model []byte) *forest.Forest {
	t.Helper()
	f, err := forest.Parse(model)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
