package xgb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unsafe"

	"puenktlich/internal/forest"
)

// TrainOptions are what a training may have beside data and parameters.
type TrainOptions struct {
	// Eval, if not nil, is data held out: its log loss is reported each round.
	Eval Batches
	// EarlyStoppingRounds, if not 0, ends training when the log loss on Eval
	// has not fallen for so many rounds, and cuts the model after its best
	// round. It needs Eval.
	EarlyStoppingRounds int
	// Progress, if not nil, is called after each round, counted from 1, with
	// the log losses; evalLoss is NaN without Eval.
	Progress func(round int, trainLoss, evalLoss float64)
	// Continue, if not nil, is a model to add rounds to. While gradients are
	// computed its thresholds snap to the histogram bins of the new data.
	Continue []byte
}

// Result is a trained model and how it came to be.
type Result struct {
	Model     []byte    // XGBoost JSON, for forest.Parse
	Rounds    int       // in the model, with those of Continue
	BestRound int       // of lowest loss on Eval, counted from 1 and with those of Continue; 0 without Eval
	TrainLoss []float64 // after each round of this training; nil if nobody asked
	EvalLoss  []float64 // nil without Eval
	Rows      int
	ClassRows []int // training rows by label
}

// Train builds a model from batches. The context is looked at between rounds
// and batches: a round itself cannot be stopped. The same data, parameters and
// library give the same bytes.
func (l *Library) Train(ctx context.Context, train Batches, params Params, opts TrainOptions) (*Result, error) {
	if err := checkTraining(params, opts); err != nil {
		return nil, err
	}
	var result *Result
	err := onThread(func() error {
		t := &training{l: l, params: params, opts: opts}
		defer t.free()
		if err := t.prepare(ctx, train); err != nil {
			return err
		}
		if err := t.boost(ctx); err != nil {
			return err
		}
		var err error
		result, err = t.finish()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	return result, nil
}

func checkTraining(params Params, opts TrainOptions) error {
	problems := []error{params.Validate()}
	if opts.EarlyStoppingRounds < 0 {
		problems = append(problems, fmt.Errorf("early stopping after %d rounds; want 0 (never) or more", opts.EarlyStoppingRounds))
	}
	if opts.EarlyStoppingRounds > 0 && opts.Eval == nil {
		problems = append(problems, errors.New("early stopping needs evaluation data"))
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	return nil
}

// training is one run; all of it happens on one thread.
type training struct {
	l       *Library
	params  Params
	opts    TrainOptions
	train   *matrix
	eval    *matrix
	booster unsafe.Pointer
	before  int // rounds of the model to continue
	best    float64
	result  Result
}

func (t *training) free() {
	if t.booster != nil {
		t.l.c.boosterFree(t.booster)
	}
	t.eval.free()
	t.train.free()
}

// prepare builds the matrices and the booster.
func (t *training) prepare(ctx context.Context, train Batches) error {
	var err error
	if t.train, err = t.l.newMatrix(ctx, train, t.params, nil); err != nil {
		return fmt.Errorf("training data: %w", err)
	}
	if err := t.train.checkLabels(); err != nil {
		return fmt.Errorf("training data: %w", err)
	}
	if t.opts.Eval != nil {
		if t.eval, err = t.l.newMatrix(ctx, t.opts.Eval, t.params, t.train); err != nil {
			return fmt.Errorf("evaluation data: %w", err)
		}
		if t.eval.columns != t.train.columns {
			return fmt.Errorf("evaluation data: %d columns, training data has %d", t.eval.columns, t.train.columns)
		}
	}
	return t.newBooster()
}

// checkLabels refuses data from which nothing can be learned.
func (m *matrix) checkLabels() error {
	seen, only := 0, 0
	for label, rows := range m.classRows {
		if rows > 0 {
			seen, only = seen+1, label
		}
	}
	if seen == 1 {
		return fmt.Errorf("all %d rows have the label %d; want at least two labels", m.rows, only)
	}
	return nil
}

func (t *training) newBooster() error {
	c := &t.l.c
	matrices := t.matrices()
	code := c.boosterCreate(&matrices[0], uint64(len(matrices)), &t.booster)
	if err := t.l.check("create booster", code); err != nil {
		return err
	}
	settings := t.params.settings()
	if t.opts.Continue == nil {
		settings = append(settings, setting{"base_score", "0.5"})
	} else if err := t.loadModel(); err != nil {
		return fmt.Errorf("model to continue: %w", err)
	}
	for _, s := range settings {
		if err := t.l.check("set "+s.name, c.boosterSetParam(t.booster, s.name, s.value)); err != nil {
			return err
		}
	}
	return nil
}

func (t *training) matrices() []unsafe.Pointer {
	if t.eval == nil {
		return []unsafe.Pointer{t.train.handle}
	}
	return []unsafe.Pointer{t.train.handle, t.eval.handle}
}

// loadModel starts from an earlier model of the same shape.
func (t *training) loadModel() error {
	model, err := forest.Parse(t.opts.Continue)
	if err != nil {
		return err
	}
	if model.Objective() != t.params.Objective || model.Classes() != t.params.Classes || model.Features() != t.train.columns {
		return fmt.Errorf("%s, %d classes, %d features; want %s, %d, %d", model.Objective(), model.Classes(), model.Features(),
			t.params.Objective, t.params.Classes, t.train.columns)
	}
	if err := t.l.loadModel(t.booster, t.opts.Continue); err != nil {
		return err
	}
	t.before, err = t.l.rounds(t.booster)
	return err
}

// boost adds rounds until there are enough.
func (t *training) boost(ctx context.Context) error {
	t.best = math.Inf(1)
	for round := t.before + 1; round <= t.before+t.params.Rounds; round++ {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("stopped after %d of %d rounds: %w", round-1-t.before, t.params.Rounds, err)
		}
		code := t.l.c.boosterUpdate(t.booster, int32(round-1), t.train.handle)
		if err := t.l.check(fmt.Sprintf("round %d", round), code); err != nil {
			return err
		}
		t.result.Rounds = round
		if t.opts.Progress == nil && t.eval == nil {
			continue
		}
		if err := t.evaluate(round); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		if patience := t.opts.EarlyStoppingRounds; patience > 0 && round-t.result.BestRound >= patience {
			return nil
		}
	}
	return nil
}

// evaluate computes and reports the losses after a round.
func (t *training) evaluate(round int) error {
	losses, err := t.losses(round)
	if err != nil {
		return err
	}
	evalLoss := math.NaN()
	t.result.TrainLoss = append(t.result.TrainLoss, losses[0])
	if t.eval != nil {
		evalLoss = losses[1]
		t.result.EvalLoss = append(t.result.EvalLoss, evalLoss)
		if evalLoss < t.best {
			t.best, t.result.BestRound = evalLoss, round
		}
	}
	if t.opts.Progress != nil {
		t.opts.Progress(round, losses[0], evalLoss)
	}
	return nil
}

// matrixNames are what the library calls the matrices in its report.
var matrixNames = []*byte{unsafe.StringData("train\x00"), unsafe.StringData("eval\x00")}

// losses asks the library for the log loss of each matrix. Its report reads
// "[0]\ttrain-logloss:0.61\teval-logloss:0.62".
func (t *training) losses(round int) ([]float64, error) {
	matrices := t.matrices()
	var report unsafe.Pointer
	code := t.l.c.boosterEvaluate(t.booster, int32(round-1), &matrices[0], &matrixNames[0], uint64(len(matrices)), &report)
	if err := t.l.check("evaluate", code); err != nil {
		return nil, err
	}
	fields := strings.Fields(goString(report))
	if len(fields) != 1+len(matrices) {
		return nil, fmt.Errorf("evaluate: the library reports %q; want %d losses", fields, len(matrices))
	}
	losses := make([]float64, len(matrices))
	for i, field := range fields[1:] {
		_, text, _ := strings.Cut(field, ":")
		loss, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(loss) {
			return nil, fmt.Errorf("evaluate: the library reports %q; want a number", field)
		}
		losses[i] = loss
	}
	return losses, nil
}

// finish cuts the model after its best round, if asked, and saves it.
func (t *training) finish() (*Result, error) {
	if t.opts.EarlyStoppingRounds > 0 && t.result.BestRound < t.result.Rounds {
		if err := t.cut(t.result.BestRound); err != nil {
			return nil, err
		}
	}
	code := t.l.c.boosterSetAttr(t.booster, forest.MissingAttribute, forest.MissingAttributeValue)
	if err := t.l.check("set attribute", code); err != nil {
		return nil, err
	}
	var err error
	t.result.Model, err = t.l.saveModel(t.booster)
	t.result.Rows, t.result.ClassRows = t.train.rows, t.train.classRows
	return &t.result, err
}

// cut keeps the first rounds of the model.
func (t *training) cut(rounds int) error {
	var part unsafe.Pointer
	if err := t.l.check("cut model", t.l.c.boosterSlice(t.booster, 0, int32(rounds), 1, &part)); err != nil {
		return err
	}
	t.l.c.boosterFree(t.booster)
	t.booster, t.result.Rounds = part, rounds
	return nil
}
