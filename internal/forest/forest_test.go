package forest_test

import (
	"math"
	"testing"

	"puenktlich/internal/forest"
	"puenktlich/internal/learn/xgb"
)

// libraryMargins asks XGBoost itself.
func libraryMargins(t testing.TB, model []byte, rows []float32) []float32 {
	t.Helper()
	margins, err := openLibrary(t).Predict(model, rows, columns, xgb.Margin)
	if err != nil {
		t.Fatal(err)
	}
	return margins
}

// compareBits reports values that differ in any bit.
func compareBits(t *testing.T, name string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", name, len(got), len(want))
	}
	wrong := 0
	for i := range got {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			if wrong++; wrong <= 3 {
				t.Errorf("%s: value %d is %v, XGBoost has %v", name, i, got[i], want[i])
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%s: %d of %d values differ", name, wrong, len(got))
	}
}

// compareMargins checks the batch and the single row against the library.
func compareMargins(t *testing.T, model []byte, rows []float32) {
	t.Helper()
	f, want := parse(t, model), libraryMargins(t, model, rows)
	got := make([]float32, len(want))
	f.Margins(got, rows)
	compareBits(t, "batch", got, want)
	clear(got)
	for i := range len(rows) / columns {
		f.Margin(got[i*f.Classes():(i+1)*f.Classes()], rows[i*columns:(i+1)*columns])
	}
	compareBits(t, "single row", got, want)
}

func TestMarginsEqualXGBoostBitForBit(t *testing.T) {
	t.Parallel()
	for name, model := range map[string][]byte{"binary": binaryModel(t), "8 classes": bucketModel(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compareMargins(t, model, randomRows(100_000, 2))
		})
	}
}

func TestMarginsAtEveryDepth(t *testing.T) {
	t.Parallel()
	for depth := 1; depth <= forest.MaxDepth; depth++ {
		params := xgb.DefaultParams(xgb.BinaryLogistic, 1)
		params.MaxDepth, params.Rounds, params.Gamma = depth, 7, 0.5 // gamma prunes: ragged trees
		model := train(t, params, 5000)
		if got := parse(t, model).Depth(); got != depth {
			t.Errorf("depth %d, want %d", got, depth)
		}
		compareMargins(t, model, randomRows(1000, uint64(depth)))
	}
}

// A model may have trees without any split, and signed zeros equal each other.
func TestMarginsOfStumpsAndZeros(t *testing.T) {
	t.Parallel()
	params := xgb.DefaultParams(xgb.BinaryLogistic, 1)
	params.Rounds, params.MinChildWeight = 5, 1e6
	compareMargins(t, train(t, params, 1000), randomRows(100, 3))

	rows := randomRows(200, 4)
	for i := range rows {
		if rows[i] == 0 && i%2 == 0 {
			rows[i] = float32(math.Copysign(0, -1))
		}
	}
	compareMargins(t, binaryModel(t), rows)
}

// Batches of every length take the same way through blocks and single rows.
func TestMarginsOfEveryBatchLength(t *testing.T) {
	t.Parallel()
	model := bucketModel(t)
	f, rows := parse(t, model), randomRows(150, 5)
	want := libraryMargins(t, model, rows)
	for n := range 151 {
		got := make([]float32, n*f.Classes())
		f.Margins(got, rows[:n*columns])
		compareBits(t, "batch", got, want[:len(got)])
	}
}

func TestMarginAllocatesNothing(t *testing.T) {
	f, rows := parse(t, binaryModel(t)), randomRows(200, 6)
	out := make([]float32, 200)
	if n := testing.AllocsPerRun(100, func() { f.Margin(out[:1], rows[:columns]) }); n != 0 {
		t.Errorf("Margin: %v allocations, want 0", n)
	}
	// A collection may empty the pool of working memory once.
	if n := testing.AllocsPerRun(100, func() { f.Margins(out, rows) }); n >= 1 {
		t.Errorf("Margins: %v allocations, want 0", n)
	}
}

func TestForestIsSafeForGoroutines(t *testing.T) {
	t.Parallel()
	model := binaryModel(t)
	f, rows := parse(t, model), randomRows(640, 9)
	want := libraryMargins(t, model, rows)
	for range 8 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			for range 20 {
				got := make([]float32, 640)
				f.Margins(got, rows)
				compareBits(t, "batch", got, want)
			}
		})
	}
}

func TestShape(t *testing.T) {
	t.Parallel()
	binary, buckets := parse(t, binaryModel(t)), parse(t, bucketModel(t))
	if binary.Classes() != 1 || binary.Features() != columns || binary.Trees() != 200 || binary.Depth() != 6 || binary.Objective() != forest.BinaryLogistic {
		t.Errorf("binary: %d classes, %d features, %d trees, depth %d, %s", binary.Classes(), binary.Features(), binary.Trees(), binary.Depth(), binary.Objective())
	}
	if buckets.Classes() != 8 || buckets.Trees() != 240 || buckets.Objective() != forest.MultiSoftprob {
		t.Errorf("buckets: %d classes, %d trees, %s", buckets.Classes(), buckets.Trees(), buckets.Objective())
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	f, row := parse(t, binaryModel(t)), randomRows(1, 10)
	if err := f.Check(row); err != nil {
		t.Errorf("good row: %v", err)
	}
	wantError(t, f.Check(row[1:]), "29 values, the model has 30 features")
	row[7] = float32(math.Inf(-1))
	wantError(t, f.Check(row), "column 7: -Inf is infinite")
	row[7] = -100_001
	wantError(t, f.Check(row), "column 7: -100001 is below -100000")
}

func TestProbabilities(t *testing.T) {
	t.Parallel()
	for name, model := range map[string][]byte{"binary": binaryModel(t), "8 classes": bucketModel(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, rows := parse(t, model), randomRows(2000, 11)
			want, err := openLibrary(t).Predict(model, rows, columns, xgb.Probability)
			if err != nil {
				t.Fatal(err)
			}
			margins, got := make([]float32, len(want)), make([]float64, len(want))
			f.Margins(margins, rows)
			f.Probabilities(got, margins)
			for i := range want {
				if math.Abs(got[i]-float64(want[i])) > 1e-6 {
					t.Fatalf("value %d is %v, XGBoost has %v", i, got[i], want[i])
				}
			}
		})
	}
}

// ln 3 has the odds 3:1; extreme margins must not overflow.
func TestProbabilitiesByHand(t *testing.T) {
	t.Parallel()
	f := parse(t, binaryModel(t))
	got := make([]float64, 4)
	f.Probabilities(got, []float32{0, float32(math.Log(3)), -1000, 1000})
	for i, want := range []float64{0.5, 0.75, 0, 1} {
		if math.Abs(got[i]-want) > 1e-7 {
			t.Errorf("value %d is %v, want %v", i, got[i], want)
		}
	}
	buckets := parse(t, bucketModel(t))
	got = make([]float64, 8)
	buckets.Probabilities(got, []float32{1000, 1000, -1000, -1000, -1000, -1000, -1000, -1000})
	if got[0] != 0.5 || got[1] != 0.5 || got[2] != 0 {
		t.Errorf("got %v, want one half twice", got)
	}
}
