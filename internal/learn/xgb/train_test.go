package xgb_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"puenktlich/internal/forest"
	"puenktlich/internal/learn/xgb"
)

func TestTrainingIsDeterministic(t *testing.T) {
	t.Parallel()
	for name, params := range map[string]xgb.Params{
		"binary":  small(xgb.BinaryLogistic, 1),
		"classes": small(xgb.MultiSoftprob, 4),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			params.Subsample, params.ColsampleByTree, params.Seed = 0.7, 0.6, 42
			data := synthetic(20_000, max(params.Classes, 2), 1)
			first := mustTrain(t, data, 4096, params, xgb.TrainOptions{})
			if again := mustTrain(t, data, 4096, params, xgb.TrainOptions{}); !bytes.Equal(first.Model, again.Model) {
				t.Error("the same seed gave another model")
			}
			params.Seed = 43
			if other := mustTrain(t, data, 4096, params, xgb.TrainOptions{}); bytes.Equal(first.Model, other.Model) {
				t.Error("another seed gave the same model")
			}
		})
	}
}

func TestBatchSizeDoesNotChangeTheModel(t *testing.T) {
	t.Parallel()
	data := synthetic(20_000, 2, 2)
	data.Weights = make([]float32, len(data.Labels))
	for i := range data.Weights {
		data.Weights[i] = 0.5 + float32(i%7)/4
	}
	whole := mustTrain(t, data, len(data.Labels), small(xgb.BinaryLogistic, 1), xgb.TrainOptions{})
	for _, batchRows := range []int{997, 4096, 19_999} {
		part := mustTrain(t, data, batchRows, small(xgb.BinaryLogistic, 1), xgb.TrainOptions{})
		if !bytes.Equal(whole.Model, part.Model) {
			t.Errorf("batches of %d rows gave another model than one batch", batchRows)
		}
	}
	data.Weights = nil
	if mustWithout := mustTrain(t, data, 4096, small(xgb.BinaryLogistic, 1), xgb.TrainOptions{}); bytes.Equal(whole.Model, mustWithout.Model) {
		t.Error("weights made no difference")
	}
}

func TestTrainLearnsAndCounts(t *testing.T) {
	t.Parallel()
	data := synthetic(10_000, 2, 3)
	var rounds []int
	result := mustTrain(t, data, 1000, small(xgb.BinaryLogistic, 1), xgb.TrainOptions{
		Progress: func(round int, _, evalLoss float64) {
			rounds = append(rounds, round)
			if !math.IsNaN(evalLoss) {
				t.Errorf("round %d: evaluation loss %v without evaluation data", round, evalLoss)
			}
		},
	})
	ones := 0
	for _, label := range data.Labels {
		ones += int(label)
	}
	if want := []int{10_000 - ones, ones}; result.Rows != 10_000 || !slices.Equal(result.ClassRows, want) {
		t.Errorf("rows %d, by label %v; want 10000, %v", result.Rows, result.ClassRows, want)
	}
	if len(rounds) != 15 || rounds[0] != 1 || rounds[14] != 15 || result.Rounds != 15 {
		t.Errorf("progress on rounds %v, %d in the model; want 1 to 15", rounds, result.Rounds)
	}
	if first, last := result.TrainLoss[0], result.TrainLoss[14]; !(last < first && first < math.Ln2) {
		t.Errorf("log loss %v after the first round, %v after the last; want falling from ln 2", first, last)
	}
}

// The loss the library reports on held-out data must be the log loss of the
// probabilities our evaluator gives for the model.
func TestEarlyStoppingKeepsTheBestRound(t *testing.T) {
	t.Parallel()
	params := small(xgb.BinaryLogistic, 1)
	params.Rounds, params.LearningRate = 300, 0.5
	held := synthetic(4000, 2, 5)
	result := mustTrain(t, synthetic(2000, 2, 4), 500, params, xgb.TrainOptions{
		Eval: xgb.FromSlices(held, 700), EarlyStoppingRounds: 10,
	})
	best := slices.Index(result.EvalLoss, slices.Min(result.EvalLoss)) + 1
	if result.BestRound != best || result.Rounds != best || len(result.EvalLoss) != best+10 {
		t.Fatalf("best round %d, %d in the model, %d run; the losses say %d", result.BestRound, result.Rounds, len(result.EvalLoss), best)
	}
	model, err := forest.Parse(result.Model)
	if err != nil {
		t.Fatal(err)
	}
	if model.Trees() != best {
		t.Errorf("%d trees, want %d", model.Trees(), best)
	}
	if got, want := result.EvalLoss[best-1], logLoss(model, held); math.Abs(got-want) > 1e-6 {
		t.Errorf("the library reports log loss %v, its model has %v", got, want)
	}
}

func logLoss(model *forest.Forest, data xgb.Batch) float64 {
	margins := make([]float32, len(data.Labels))
	model.Margins(margins, data.Rows)
	sum := 0.0
	for i, margin := range margins {
		sum += math.Log1p(math.Exp(float64(margin))) - float64(data.Labels[i])*float64(margin)
	}
	return sum / float64(len(margins))
}

func TestTrainStopsBetweenRounds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := openLibrary(t).Train(ctx, xgb.FromSlices(synthetic(1000, 2, 8), 100), small(xgb.BinaryLogistic, 1), xgb.TrainOptions{
		Progress: func(round int, _, _ float64) {
			if round == 3 {
				cancel()
			}
		},
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	wantError(t, err, "stopped after 3 of 15 rounds")
	_, err = openLibrary(t).Train(ctx, xgb.FromSlices(synthetic(1000, 2, 8), 100), small(xgb.BinaryLogistic, 1), xgb.TrainOptions{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v while reading batches, want context.Canceled", err)
	}
}

// Errors of the library lie in the thread that made them: with many trainings
// at once each must still report its own.
func TestErrorsOfParallelTrainingsAreNotMixedUp(t *testing.T) {
	t.Parallel()
	library := openLibrary(t)
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			want := string(rune('a'+i)) + "-model"
			_, err := library.Predict([]byte(`{"`+want+`": 1}`), []float32{1}, 1, xgb.Margin)
			if err == nil || strings.Contains(err.Error(), "Success") || !strings.Contains(err.Error(), "load model") {
				t.Errorf("error %v, want the library's own on loading", err)
			}
		})
	}
	group.Wait()
}

func TestModelSaysHowMissingValuesAreRead(t *testing.T) {
	t.Parallel()
	result := mustTrain(t, synthetic(500, 2, 9), 100, small(xgb.BinaryLogistic, 1), xgb.TrainOptions{})
	var file struct {
		Learner struct {
			Attributes map[string]string `json:"attributes"`
		} `json:"learner"`
	}
	if err := json.Unmarshal(result.Model, &file); err != nil {
		t.Fatal(err)
	}
	if got := file.Learner.Attributes["missing_value"]; got != "-100000" {
		t.Errorf("attribute missing_value %q, want -100000", got)
	}
}

func wantError(t *testing.T, err error, part string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), part) {
		t.Errorf("error %v\nwant one with %q", err, part)
	}
}
