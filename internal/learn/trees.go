package learn

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"puenktlich/internal/dataset"
	"puenktlich/internal/forecast"
	"puenktlich/internal/forest"
	"puenktlich/internal/learn/xgb"
	"puenktlich/internal/rail"
)

// Threads of one training. Part of what determines a model, so a constant.
const Threads = 2

// earlyStopping is rounds without a better validation loss.
const earlyStopping = 20

// trees is the learner of boosted trees.
type trees struct {
	trainer  Trainer
	params   xgb.Params
	label    func(dataset.Row) float32
	halfLife float64 // days; 0 weighs all rows alike
}

func bucketTrees(t Trainer, s Settings) trees {
	return trees{t, s.params(xgb.MultiSoftprob, classes()), bucketLabel, s.HalfLifeDays}
}

func lateTrees(t Trainer, s Settings) trees {
	return trees{t, s.params(xgb.BinaryLogistic, 1), lateLabel, s.HalfLifeDays}
}

func (s Settings) params(objective xgb.Objective, classes int) xgb.Params {
	p := xgb.DefaultParams(objective, classes)
	p.Threads, p.MaxDepth, p.LearningRate, p.SegmentRounds = Threads, s.MaxDepth, s.LearningRate, s.SegmentRounds
	p.MinChildWeight, p.Subsample, p.ColsampleByTree, p.Lambda, p.Seed = s.MinChild, s.Subsample, s.ColSample, s.Lambda, s.Seed
	return p
}

func classes() int { return len(rail.BucketEdges()) + 1 }

func bucketLabel(r dataset.Row) float32 { return float32(rail.Bucket(r.DelayMinutes)) }

func lateLabel(r dataset.Row) float32 { return yes(r.Late()) }

func cancelLabel(r dataset.Row) float32 { return yes(r.Cancelled) }

func yes(b bool) float32 {
	if b {
		return 1
	}
	return 0
}

// Fit goes on from the newest checkpoint of the same task, and leaves one after
// each segment.
func (l trees) Fit(ctx context.Context, task Task) (Fitted, error) {
	l.params.Rounds = task.Rounds
	opts := xgb.TrainOptions{Progress: func(round int, trainLoss, validLoss float64) {
		task.Share.tell(float64(round)/float64(task.Rounds), "%s, round %d of at most %d, log loss %.4f, on held-out days %.4f", task.Name, round, task.Rounds, trainLoss, validLoss)
	}}
	if task.Valid != nil {
		opts.Eval, opts.EarlyStoppingRounds = task.Valid.labelled(ctx, l.label), earlyStopping
	}
	if keep := l.trainer.Checkpoints; keep != nil {
		name := l.checkpoint(task)
		from, err := keep.Latest(ctx, name, task.Rounds)
		if err != nil {
			return nil, err
		}
		opts.From = from
		opts.Save = func(s xgb.State) error { return keep.Save(ctx, name, s) }
	}
	result, err := l.trainer.Library.Train(ctx, task.Train.aged(l.halfLife).labelled(ctx, l.label), l.params, opts)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", task.Name, err)
	}
	return readTrees(result)
}

// checkpoint names the task's states: nothing that determines them is left out
// but the data, the library and the number of rounds, which the Checkpoints know
// or which may grow.
func (l trees) checkpoint(task Task) string {
	p := l.params
	p.Rounds = 0
	body, err := json.Marshal(struct {
		Params   xgb.Params
		Hidden   []bool
		Valid    bool
		HalfLife float64 `json:",omitempty"`
	}{p, task.Train.hidden, task.Valid != nil, l.halfLife})
	if err != nil {
		panic("learn: parameters are plain numbers: " + err.Error())
	}
	sum := sha256.Sum256(body)
	return task.Name + "-" + hex.EncodeToString(sum[:])[:12]
}

// fittedTrees are trees ready to forecast.
type fittedTrees struct {
	model  []byte
	forest *forest.Forest
	curve  Curve
}

func readTrees(r *xgb.Result) (fittedTrees, error) {
	f, err := forest.Parse(r.Model)
	if err != nil {
		return fittedTrees{}, fmt.Errorf("read trained model: %w", err)
	}
	curve := Curve{Train: r.TrainLoss, Valid: r.EvalLoss, Best: r.BestRound, Stopped: r.Stopped}
	if curve.Best == 0 {
		curve.Best = r.Rounds
	}
	return fittedTrees{model: r.Model, forest: f, curve: curve}, nil
}

func (f fittedTrees) Curve() Curve { return f.curve }

func (f fittedTrees) OnTime(out []float64, rows *dataset.Table) error {
	classes := f.forest.Classes()
	margins := make([]float32, len(rows.Rows)*classes)
	f.forest.Margins(margins, rows.Features)
	probabilities := make([]float64, len(margins))
	f.forest.Probabilities(probabilities, margins)
	for i := range out {
		if classes == 1 {
			out[i] = 1 - probabilities[i]
			continue
		}
		out[i] = forecast.Cumulate(probabilities[i*classes : (i+1)*classes])[rail.OnTimeEdge]
	}
	return nil
}
