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
	// From, if not nil, is where an earlier training on the same data and
	// parameters (but Rounds) was saved. Params.Rounds counts its rounds too.
	From *State
	// Save, if not nil, is called after each whole segment; its error ends the
	// training. It may keep the state.
	Save func(State) error
}

// Result is a trained model and how it came to be.
type Result struct {
	Model     []byte    // XGBoost JSON, for forest.Parse
	Rounds    int       // in the model
	BestRound int       // of lowest loss on Eval, counted from 1; 0 without Eval
	Stopped   bool      // early: more rounds would not be trained either
	TrainLoss []float64 // after each round
	EvalLoss  []float64 // nil without Eval
	Rows      int       // 0 where From held everything already
	ClassRows []int     // training rows by label
}

// Train builds a model from batches. The context is looked at between rounds
// and batches: a round itself cannot be stopped. The same data, parameters and
// library give the same bytes, whether trained at once or continued from any
// state that was saved on the way.
func (l *Library) Train(ctx context.Context, train Batches, params Params, opts TrainOptions) (*Result, error) {
	if err := checkTraining(params, opts); err != nil {
		return nil, err
	}
	var result *Result
	err := onThread(func() error {
		t := &training{l: l, params: params, opts: opts}
		defer t.free()
		if opts.From != nil {
			t.state = opts.From.clone()
		}
		if !t.done() {
			if err := t.prepare(ctx, train); err != nil {
				return err
			}
		}
		for !t.done() {
			if err := t.segment(ctx); err != nil {
				return err
			}
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
	if opts.From != nil {
		problems = append(problems, opts.From.check(params, opts.Eval != nil))
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
	booster unsafe.Pointer // of the segment under way
	state   State
}

func (t *training) free() {
	t.freeBooster()
	t.eval.free()
	t.train.free()
}

func (t *training) freeBooster() {
	if t.booster != nil {
		t.l.c.boosterFree(t.booster)
		t.booster = nil
	}
}

// prepare builds the matrices.
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
	if t.opts.From != nil && t.opts.From.columns != t.train.columns {
		return fmt.Errorf("saved state: %d features, training data has %d columns", t.opts.From.columns, t.train.columns)
	}
	return nil
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

// newBooster begins a segment: from the model so far, with its own seed.
func (t *training) newBooster(seed uint64) error {
	c := &t.l.c
	t.freeBooster()
	matrices := t.matrices()
	code := c.boosterCreate(&matrices[0], uint64(len(matrices)), &t.booster)
	if err := t.l.check("create booster", code); err != nil {
		return err
	}
	params := t.params
	params.Seed = seed
	settings := params.settings()
	if t.state.Model == nil {
		settings = append(settings, setting{"base_score", "0.5"})
	} else if err := t.l.loadModel(t.booster, t.state.Model); err != nil {
		return err
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

// done says that the state has all rounds, or stopped early.
func (t *training) done() bool {
	return t.state.Rounds() >= t.params.Rounds || t.stopped()
}

func (t *training) stopped() bool {
	patience := t.opts.EarlyStoppingRounds
	return patience > 0 && t.state.Rounds()-t.state.BestRound() >= patience
}

// segment adds the rounds up to the end of a segment, and saves a whole one.
func (t *training) segment(ctx context.Context) error {
	number := t.state.Rounds() / t.params.SegmentRounds
	end := (number + 1) * t.params.SegmentRounds
	if err := t.newBooster(segmentSeed(t.params.Seed, number)); err != nil {
		return err
	}
	for round := t.state.Rounds() + 1; round <= min(end, t.params.Rounds) && !t.stopped(); round++ {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("stopped after %d of %d rounds: %w", round-1, t.params.Rounds, err)
		}
		code := t.l.c.boosterUpdate(t.booster, int32(round-1), t.train.handle)
		if err := t.l.check(fmt.Sprintf("round %d", round), code); err != nil {
			return err
		}
		if err := t.evaluate(round); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
	}
	var err error
	if t.state.Model, err = t.save(); err != nil {
		return err
	}
	if t.opts.Save != nil && t.state.Rounds() == end {
		if err := t.opts.Save(t.state.clone()); err != nil {
			return fmt.Errorf("save after round %d: %w", end, err)
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
	t.state.TrainLoss = append(t.state.TrainLoss, losses[0])
	if t.eval != nil {
		evalLoss = losses[1]
		t.state.EvalLoss = append(t.state.EvalLoss, evalLoss)
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

// finish cuts the model after its best round, if asked.
func (t *training) finish() (*Result, error) {
	result := &Result{Model: t.state.Model, Rounds: t.state.Rounds(), BestRound: t.state.BestRound(), Stopped: t.stopped(),
		TrainLoss: t.state.TrainLoss, EvalLoss: t.state.EvalLoss}
	if t.train != nil {
		result.Rows, result.ClassRows = t.train.rows, t.train.classRows
	}
	if t.opts.EarlyStoppingRounds == 0 || result.BestRound == result.Rounds {
		return result, nil
	}
	var err error
	result.Rounds = result.BestRound
	result.Model, err = t.cut(result.BestRound)
	return result, err
}

// save gives the booster's model, which says how missing values are read.
func (t *training) save() ([]byte, error) {
	code := t.l.c.boosterSetAttr(t.booster, forest.MissingAttribute, forest.MissingAttributeValue)
	if err := t.l.check("set attribute", code); err != nil {
		return nil, err
	}
	return t.l.saveModel(t.booster)
}

// cut gives the first rounds of the state's model. It reads the model anew, so
// that the result does not depend on what was in memory.
func (t *training) cut(rounds int) ([]byte, error) {
	t.freeBooster()
	if err := t.l.check("create booster", t.l.c.boosterCreate(nil, 0, &t.booster)); err != nil {
		return nil, err
	}
	if err := t.l.loadModel(t.booster, t.state.Model); err != nil {
		return nil, err
	}
	var part unsafe.Pointer
	if err := t.l.check("cut model", t.l.c.boosterSlice(t.booster, 0, int32(rounds), 1, &part)); err != nil {
		return nil, err
	}
	t.freeBooster()
	t.booster = part
	return t.save()
}
