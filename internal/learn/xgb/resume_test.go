package xgb_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"puenktlich/internal/learn/xgb"
)

// sampled are settings under which every round draws rows and columns.
func sampled(objective xgb.Objective, classes int) xgb.Params {
	p := small(objective, classes)
	p.Rounds, p.SegmentRounds, p.Subsample, p.ColsampleByTree, p.Seed = 17, 5, 0.6, 0.5, 42
	return p
}

// recorded trains and gives the states that were saved on the way.
func recorded(t *testing.T, data xgb.Batch, params xgb.Params, opts xgb.TrainOptions) (*xgb.Result, []xgb.State) {
	t.Helper()
	var states []xgb.State
	opts.Save = func(s xgb.State) error {
		states = append(states, s)
		return nil
	}
	return mustTrain(t, data, 4096, params, opts), states
}

func sameResult(t *testing.T, what string, got, want *xgb.Result) {
	t.Helper()
	if !bytes.Equal(got.Model, want.Model) || got.Rounds != want.Rounds || got.BestRound != want.BestRound || got.Stopped != want.Stopped ||
		!slices.Equal(got.TrainLoss, want.TrainLoss) || !slices.Equal(got.EvalLoss, want.EvalLoss) {
		t.Errorf("%s: %d rounds, best %d, %d bytes; the uninterrupted training has %d, %d, %d, or the bytes differ",
			what, got.Rounds, got.BestRound, len(got.Model), want.Rounds, want.BestRound, len(want.Model))
	}
}

// Another training between two segments moves the library's random numbers on,
// as another process would.
func TestResumedTrainingEqualsUninterrupted(t *testing.T) {
	t.Parallel()
	for name, params := range map[string]xgb.Params{"binary": sampled(xgb.BinaryLogistic, 1), "classes": sampled(xgb.MultiSoftprob, 4)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, held := synthetic(6000, max(params.Classes, 2), 1), synthetic(2000, max(params.Classes, 2), 2)
			eval := func() xgb.TrainOptions { return xgb.TrainOptions{Eval: xgb.FromSlices(held, 700)} }
			whole, states := recorded(t, data, params, eval())
			if len(states) != 3 || states[2].Rounds() != 15 {
				t.Fatalf("%d states, want those after 5, 10 and 15 of 17 rounds", len(states))
			}
			for i := range states {
				other := params
				other.Seed = uint64(100 + i)
				mustTrain(t, held, 1000, other, xgb.TrainOptions{})
				opts := eval()
				opts.From = &states[i]
				again, rest := recorded(t, data, params, opts)
				sameResult(t, "resumed", again, whole)
				if len(rest) != 2-i {
					t.Errorf("resumed after segment %d: %d more states", i+1, len(rest))
				}
			}
		})
	}
}

// A context that ends in the middle of a segment loses that segment alone.
func TestCancelledTrainingResumes(t *testing.T) {
	t.Parallel()
	params, data := sampled(xgb.MultiSoftprob, 4), synthetic(6000, 4, 3)
	whole, _ := recorded(t, data, params, xgb.TrainOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	var last *xgb.State
	_, err := openLibrary(t).Train(ctx, xgb.FromSlices(data, 4096), params, xgb.TrainOptions{
		Save: func(s xgb.State) error { last = &s; return nil },
		Progress: func(round int, _, _ float64) {
			if round == 13 {
				cancel()
			}
		},
	})
	if !errors.Is(err, context.Canceled) || last == nil || last.Rounds() != 10 {
		t.Fatalf("%v, saved %+v; want the state after 10 rounds", err, last)
	}
	sameResult(t, "cancelled", mustTrain(t, data, 1000, params, xgb.TrainOptions{From: last}), whole)
}

// Fewer rounds now and more later is the training that was asked for more at
// once, also where it stops early.
func TestMoreRoundsLater(t *testing.T) {
	t.Parallel()
	params, data, held := sampled(xgb.BinaryLogistic, 1), synthetic(1500, 2, 4), synthetic(1500, 2, 5)
	params.Rounds, params.LearningRate, params.SegmentRounds = 300, 0.5, 10
	opts := func(from *xgb.State) xgb.TrainOptions {
		return xgb.TrainOptions{Eval: xgb.FromSlices(held, 700), EarlyStoppingRounds: 20, From: from}
	}
	whole, states := recorded(t, data, params, opts(nil))
	if !whole.Stopped || whole.Rounds != whole.BestRound || len(whole.EvalLoss) != whole.BestRound+20 {
		t.Fatalf("best round %d of %d: want an early stop", whole.BestRound, len(whole.EvalLoss))
	}
	few := params
	few.Rounds = 10
	part, saved := recorded(t, data, few, opts(nil))
	if part.Stopped || len(saved) != 1 || !bytes.Equal(saved[0].Model, states[0].Model) {
		t.Fatalf("10 rounds: stopped %t, %d states; want the first state of the longer training", part.Stopped, len(saved))
	}
	sameResult(t, "more rounds later", mustTrain(t, data, 4096, params, opts(&saved[0])), whole)
	done := states[len(states)-1]
	stopped := mustTrain(t, data, 4096, params, opts(&done))
	sameResult(t, "from the last state", stopped, whole)
}

func TestSaveEndsTraining(t *testing.T) {
	t.Parallel()
	full := errors.New("no space left")
	_, err := openLibrary(t).Train(t.Context(), xgb.FromSlices(synthetic(500, 2, 6), 100), sampled(xgb.BinaryLogistic, 1), xgb.TrainOptions{
		Save: func(xgb.State) error { return full }})
	if !errors.Is(err, full) {
		t.Errorf("error %v, want that of the checkpoint", err)
	}
	wantError(t, err, "save after round 5")
}

func TestForeignStatesAreRefused(t *testing.T) {
	t.Parallel()
	params, data := sampled(xgb.BinaryLogistic, 1), synthetic(500, 2, 7)
	_, states := recorded(t, data, params, xgb.TrainOptions{})
	narrow := xgb.Batch{Rows: []float32{1, 2, 3, 4}, Columns: 1, Labels: []float32{0, 1, 0, 1}}
	tests := map[string]struct {
		spoil   func(*xgb.State, *xgb.Params, *xgb.TrainOptions)
		message string
	}{
		"no model":         {func(s *xgb.State, _ *xgb.Params, _ *xgb.TrainOptions) { s.Model = []byte("{}") }, "saved state: parse model"},
		"half a model":     {func(s *xgb.State, _ *xgb.Params, _ *xgb.TrainOptions) { s.Model = s.Model[:len(s.Model)/2] }, "saved state: parse model"},
		"other objective":  {func(_ *xgb.State, p *xgb.Params, _ *xgb.TrainOptions) { p.Objective, p.Classes = xgb.MultiSoftprob, 3 }, "saved state: binary:logistic, 1 classes; want multi:softprob, 3"},
		"a loss too few":   {func(s *xgb.State, _ *xgb.Params, _ *xgb.TrainOptions) { s.TrainLoss = s.TrainLoss[1:] }, "10 rounds in the model, 9 losses"},
		"other segments":   {func(_ *xgb.State, p *xgb.Params, _ *xgb.TrainOptions) { p.SegmentRounds = 4 }, "want whole segments of 4 rounds"},
		"never evaluated":  {func(_ *xgb.State, _ *xgb.Params, o *xgb.TrainOptions) { o.Eval = xgb.FromSlices(data, 100) }, "0 losses on held-out data for 10 rounds"},
		"other data width": {func(_ *xgb.State, p *xgb.Params, _ *xgb.TrainOptions) { p.Lambda = 2 }, "saved state: 12 features, training data has 1 columns"},
	}
	for name, test := range tests {
		state, p, opts := states[1], params, xgb.TrainOptions{}
		test.spoil(&state, &p, &opts)
		opts.From = &state
		source := data
		if p.Lambda == 2 {
			source = narrow
		}
		_, err := openLibrary(t).Train(t.Context(), xgb.FromSlices(source, 100), p, opts)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		wantError(t, err, test.message)
	}
}

// Without sampling, beginning anew changes nothing but the order of additions.
func TestSegmentsLoseNothing(t *testing.T) {
	t.Parallel()
	data, held, params := synthetic(10_000, 3, 8), synthetic(3000, 3, 9), small(xgb.MultiSoftprob, 3)
	losses := map[int]*xgb.Result{}
	for _, segment := range []int{3, 1000} {
		params.SegmentRounds = segment
		losses[segment] = mustTrain(t, data, 3000, params, xgb.TrainOptions{Eval: xgb.FromSlices(held, 700)})
	}
	for round := range params.Rounds {
		for name, pair := range map[string][2]float64{
			"training": {losses[3].TrainLoss[round], losses[1000].TrainLoss[round]}, "held-out": {losses[3].EvalLoss[round], losses[1000].EvalLoss[round]}} {
			if d := pair[0] - pair[1]; d > 1e-4 || d < -1e-4 {
				t.Errorf("round %d: %s loss %v in segments, %v at once", round+1, name, pair[0], pair[1])
			}
		}
	}
}
