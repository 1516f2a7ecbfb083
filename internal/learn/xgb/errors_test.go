package xgb_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"puenktlich/internal/learn/xgb"
)

func TestTrainRefusesBadData(t *testing.T) {
	t.Parallel()
	infinite := float32(math.Inf(1))
	tests := []struct {
		name    string
		data    xgb.Batch
		message string
	}{
		{"no rows", xgb.Batch{Columns: 2}, "training data: no rows"},
		{"one label", xgb.Batch{Rows: []float32{1, 2, 3}, Columns: 1, Labels: []float32{1, 1, 1}}, "all 3 rows have the label 1; want at least two labels"},
		{"label too large", xgb.Batch{Rows: []float32{1, 2, 3}, Columns: 1, Labels: []float32{0, 1, 2}}, "row 2: label 2; want a whole number from 0 to 1"},
		{"label between", xgb.Batch{Rows: []float32{1, 2}, Columns: 1, Labels: []float32{0, 0.5}}, "row 1: label 0.5"},
		{"label missing", xgb.Batch{Rows: []float32{1, 2}, Columns: 1, Labels: []float32{0, float32(math.NaN())}}, "row 1: label NaN"},
		{"infinite value", xgb.Batch{Rows: []float32{1, 2, 3, infinite}, Columns: 2, Labels: []float32{0, 1}}, "row 1 column 1: +Inf is infinite"},
		{"below the sentinel", xgb.Batch{Rows: []float32{1, -2e5}, Columns: 1, Labels: []float32{0, 1}}, "row 1 column 0: -200000 is below -100000"},
		{"ragged", xgb.Batch{Rows: []float32{1, 2, 3}, Columns: 2, Labels: []float32{0, 1}}, "3 values for 2 labels of 2 columns"},
		{"weights", xgb.Batch{Rows: []float32{1, 2}, Columns: 1, Labels: []float32{0, 1}, Weights: []float32{1}}, "1 weights for 2 rows"},
		{"negative weight", xgb.Batch{Rows: []float32{1, 2}, Columns: 1, Labels: []float32{0, 1}, Weights: []float32{1, -1}}, "row 1: weight -1"},
		{"too wide", xgb.Batch{Rows: make([]float32, 600), Columns: 300, Labels: []float32{0, 1}}, "300 columns; want 1 to 256"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := openLibrary(t).Train(t.Context(), xgb.FromSlices(test.data, 1), small(xgb.BinaryLogistic, 1), xgb.TrainOptions{})
			wantError(t, err, test.message)
		})
	}
}

// scripted gives batches from a function of the pass and the batch.
type scripted struct {
	pass, batch int
	next        func(pass, batch int) (xgb.Batch, bool, error)
}

func (s *scripted) Reset() error {
	s.pass, s.batch = s.pass+1, 0
	return nil
}

func (s *scripted) Next() (xgb.Batch, bool, error) {
	s.batch++
	return s.next(s.pass, s.batch)
}

// An error in any pass must end the training: the library itself would take a
// truncated data set for a whole one.
func TestTrainReportsErrorsOfTheSource(t *testing.T) {
	t.Parallel()
	good := xgb.Batch{Rows: []float32{1, 2, 3, 4}, Columns: 1, Labels: []float32{0, 1, 0, 1}}
	broken := errors.New("connection lost")
	tests := []struct {
		name    string
		next    func(pass, batch int) (xgb.Batch, bool, error)
		message string
	}{
		{"first batch", func(_, _ int) (xgb.Batch, bool, error) { return xgb.Batch{}, false, broken }, "batch 0: connection lost"},
		{"second batch", func(_, batch int) (xgb.Batch, bool, error) {
			if batch == 2 {
				return xgb.Batch{}, false, broken
			}
			return good, true, nil
		}, "batch 1: connection lost"},
		{"later pass", func(pass, batch int) (xgb.Batch, bool, error) {
			if pass == 4 && batch == 2 {
				return xgb.Batch{}, false, broken
			}
			return good, batch <= 3, nil
		}, "batch 1: connection lost"},
		{"panic", func(pass, batch int) (xgb.Batch, bool, error) {
			if pass == 3 {
				panic("nil map")
			}
			return good, batch <= 3, nil
		}, "panic: nil map"},
		{"passes differ", func(pass, batch int) (xgb.Batch, bool, error) { return good, batch <= pass, nil }, "rows in this pass"},
		{"columns differ", func(_, batch int) (xgb.Batch, bool, error) {
			if batch == 2 {
				return xgb.Batch{Rows: good.Rows, Columns: 2, Labels: good.Labels[:2]}, true, nil
			}
			return good, batch <= 3, nil
		}, "2 columns, weights false; the first batch has 1, false"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := openLibrary(t).Train(t.Context(), &scripted{next: test.next}, small(xgb.BinaryLogistic, 1), xgb.TrainOptions{})
			wantError(t, err, test.message)
		})
	}
}

func TestTrainReportsErrorsOfTheEvaluationData(t *testing.T) {
	t.Parallel()
	train := synthetic(200, 2, 1)
	narrow := xgb.Batch{Rows: []float32{1, 2}, Columns: 1, Labels: []float32{0, 1}}
	_, err := openLibrary(t).Train(t.Context(), xgb.FromSlices(train, 50), small(xgb.BinaryLogistic, 1),
		xgb.TrainOptions{Eval: xgb.FromSlices(narrow, 50)})
	wantError(t, err, "evaluation data: ")
	_, err = openLibrary(t).Train(t.Context(), xgb.FromSlices(train, 50), small(xgb.BinaryLogistic, 1),
		xgb.TrainOptions{EarlyStoppingRounds: 5})
	wantError(t, err, "early stopping needs evaluation data")
}

func TestValidateReportsAllProblems(t *testing.T) {
	t.Parallel()
	err := xgb.Params{}.Validate()
	for _, name := range []string{"objective", "rounds", "max_depth", "max_bin", "threads", "learning_rate", "subsample", "colsample_by_tree"} {
		wantError(t, err, "training parameters: "+name)
	}
	nan := math.NaN()
	bad := xgb.DefaultParams(xgb.MultiSoftprob, 1)
	bad.MinChildWeight, bad.Lambda, bad.Gamma, bad.Seed = nan, -1, math.Inf(1), 1<<40
	err = bad.Validate()
	for _, name := range []string{"classes 1", "min_child_weight NaN", "lambda -1", "gamma +Inf", "seed 1099511627776"} {
		wantError(t, err, "training parameters: "+name)
	}
	if err := xgb.DefaultParams(xgb.MultiSoftprob, 8).Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
}

func TestParseParamsRefusesUnknownNames(t *testing.T) {
	t.Parallel()
	defaults := xgb.DefaultParams(xgb.BinaryLogistic, 1)
	p, err := xgb.ParseParams([]byte(`{"max_depth": 4, "seed": 7}`), defaults)
	if err != nil || p.MaxDepth != 4 || p.Seed != 7 || p.Rounds != defaults.Rounds {
		t.Errorf("got %+v, %v", p, err)
	}
	_, err = xgb.ParseParams([]byte(`{"max_dept": 4}`), defaults)
	wantError(t, err, `unknown field "max_dept"`)
	_, err = xgb.ParseParams([]byte(`{"max_depth": 12}`), defaults)
	wantError(t, err, "max_depth 12; want 1 to 8")
}

func TestPredictRefusesBadInput(t *testing.T) {
	t.Parallel()
	library := openLibrary(t)
	model := mustTrain(t, synthetic(300, 2, 1), 100, small(xgb.BinaryLogistic, 1), xgb.TrainOptions{}).Model
	_, err := library.Predict(model, make([]float32, columns+1), columns, xgb.Margin)
	wantError(t, err, "are not whole rows")
	_, err = library.Predict(model, make([]float32, columns), columns, 0)
	wantError(t, err, "kind 0")
	_, err = library.Predict(model[:len(model)/2], make([]float32, columns), columns, xgb.Margin)
	wantError(t, err, "load model: ")
	_, err = library.Predict(nil, make([]float32, columns), columns, xgb.Margin)
	wantError(t, err, "load model: 0 bytes are not a JSON document")
}

func TestOpenSaysWhatToDo(t *testing.T) {
	t.Parallel()
	_, err := xgb.Open(filepath.Join(t.TempDir(), "libxgboost.so"))
	wantError(t, err, "run `make setup`")
	_, err = xgb.Open("libc.so.6")
	wantError(t, err, "not version 1.7 or later")
	if version := openLibrary(t).Version(); version < "1.7" {
		t.Errorf("version %q, want 1.7 or later", version)
	}
}

func TestLocate(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(xgb.EnvLibrary, filepath.Join(dir, "gone.so"))
	_, err := xgb.Locate()
	wantError(t, err, "named by PUENKTLICH_LIBXGBOOST")

	file := filepath.Join(dir, "lib", "xgboost-1.7.4", "usr", "lib", "x", "libxgboost.so.0")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv(xgb.EnvLibrary, file)
	if got, err := xgb.Locate(); got != file || err != nil {
		t.Errorf("named by the environment: %q, %v; want %q", got, err, file)
	}
	t.Setenv(xgb.EnvLibrary, "")
	t.Setenv(xgb.EnvCache, dir)
	got, err := xgb.Locate()
	if err != nil || (got != file && !strings.HasPrefix(got, "/usr/")) {
		t.Errorf("in the cache: %q, %v; want %q or the system's", got, err, file)
	}
}
