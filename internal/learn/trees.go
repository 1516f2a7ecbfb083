package learn

import (
	"context"
	"fmt"
	"math"

	"puenktlich/internal/calibrate"
	"puenktlich/internal/dataset"
	"puenktlich/internal/forecast"
	"puenktlich/internal/forest"
	"puenktlich/internal/learn/xgb"
	"puenktlich/internal/metric"
	"puenktlich/internal/rail"
)

// Threads of one training. Part of what determines a model, so a constant.
const Threads = 2

// Numbers of the training itself.
const (
	earlyStopping   = 20  // rounds without a better validation loss
	calibratePrior  = 200 // events that hold the calibration near the identity
	calibrateEvents = 100 // of a horizon, below them the pooled calibration
	minCancelled    = 30  // rows, below them no cancellation model
	batchRows       = 16 * 1024
	defaultRounds   = 120 // where one day of training gives no fold to choose by
	cancelRounds    = 60
	cancelDepth     = 4
)

// Settings are the parameters of one candidate.
type Settings struct {
	Rounds       int
	MaxDepth     int
	LearningRate float64
	MinChild     float64
	Subsample    float64
	ColSample    float64
	Lambda       float64
	Seed         uint64
}

func (s Settings) params(objective xgb.Objective, classes, rounds int) xgb.Params {
	p := xgb.DefaultParams(objective, classes)
	p.Rounds, p.Threads, p.MaxDepth, p.LearningRate = rounds, Threads, s.MaxDepth, s.LearningRate
	p.MinChildWeight, p.Subsample, p.ColsampleByTree, p.Lambda, p.Seed = s.MinChild, s.Subsample, s.ColSample, s.Lambda, s.Seed
	return p
}

// OutOfFold is what forward chaining predicted of days it had not seen, one
// element a row, before calibration.
type OutOfFold struct {
	Horizon []int     `json:"horizon_minutes"`
	OnTime  []float64 `json:"p_on_time"`
	Late    []bool    `json:"late"`
	Rounds  int       `json:"rounds"` // mean of the folds' best rounds
	Folds   int       `json:"folds"`
	Events  int       `json:"events"`
}

// Progress is called with a sentence and a share in [0,1].
type Progress func(what string, share float64)

// Trainer trains with one XGBoost library.
type Trainer struct {
	Library  *xgb.Library
	Progress Progress // may be nil
}

func (t Trainer) report(what string, share float64) {
	if t.Progress != nil {
		t.Progress(what, share)
	}
}

// CrossValidate trains on earlier and predicts later days of the table, which
// it filters to the events that ran.
func (t Trainer) CrossValidate(ctx context.Context, table *dataset.Table, s Settings) (OutOfFold, error) {
	ran := table.Ran()
	if err := checkLearnable(ran); err != nil {
		return OutOfFold{}, err
	}
	oof := OutOfFold{Rounds: min(defaultRounds, s.Rounds)}
	folds, rounds := forwardChain(daysOf(ran)), 0
	for i, f := range folds {
		train, valid := ran.Filter(on(f.Train)), ran.Filter(on(f.Valid))
		if err := checkLearnable(train); err != nil || len(valid.Rows) == 0 {
			continue // a fold of one class teaches nothing; the others count
		}
		result, err := t.Library.Train(ctx, batches(train, bucketLabel), s.params(xgb.MultiSoftprob, classes(), s.Rounds), xgb.TrainOptions{
			Eval: batches(valid, bucketLabel), EarlyStoppingRounds: earlyStopping,
			Progress: func(round int, _, loss float64) {
				t.report(fmt.Sprintf("fold %d of %d, round %d, validation loss %.4f", i+1, len(folds), round, loss), (float64(i)+float64(round)/float64(s.Rounds))/float64(len(folds)))
			},
		})
		if err != nil {
			return OutOfFold{}, fmt.Errorf("train fold %d: %w", i+1, err)
		}
		if err := oof.add(result.Model, valid); err != nil {
			return OutOfFold{}, err
		}
		rounds += result.BestRound
		oof.Folds++
	}
	if oof.Folds > 0 {
		oof.Rounds = max(1, int(math.Round(float64(rounds)/float64(oof.Folds))))
	}
	return oof, nil
}

func (o *OutOfFold) add(model []byte, valid *dataset.Table) error {
	trees, err := forest.Parse(model)
	if err != nil {
		return fmt.Errorf("read trained fold: %w", err)
	}
	margins := make([]float32, len(valid.Rows)*trees.Classes())
	trees.Margins(margins, valid.Features)
	probabilities := make([]float64, len(margins))
	trees.Probabilities(probabilities, margins)
	for i, row := range valid.Rows {
		cumulative := forecast.Cumulate(probabilities[i*trees.Classes() : (i+1)*trees.Classes()])
		o.Horizon = append(o.Horizon, row.Horizon)
		o.OnTime = append(o.OnTime, cumulative[rail.OnTimeEdge])
		o.Late = append(o.Late, row.Late())
	}
	o.Events += valid.Events()
	return nil
}

// Scores are the mean over horizons of Brier and log loss, out of fold; NaN
// without a fold.
func (o OutOfFold) Scores() (brier, logLoss float64) {
	if len(o.Late) == 0 {
		return math.NaN(), math.NaN()
	}
	late := make([]float64, len(o.OnTime))
	for i, p := range o.OnTime {
		late[i] = 1 - p
	}
	logLoss, _ = metric.LogLoss(late, o.Late)
	return metric.Brier(late, o.Late), logLoss
}

// Calibration fits by horizon on the out-of-fold predictions; the identity
// without any.
func (o OutOfFold) Calibration() (calibrate.Horizons, error) {
	if len(o.Late) == 0 {
		return calibrate.Horizons{Pooled: calibrate.Platt{Slope: 1}}, nil
	}
	onTime := make([]bool, len(o.Late))
	for i, late := range o.Late {
		onTime[i] = !late
	}
	return calibrate.FitHorizons(calibrate.HorizonEvents{HorizonMinutes: o.Horizon, Forecast: o.OnTime, Outcome: onTime}, calibratePrior, calibrateEvents)
}

// Refit trains on all rows of the table for as many rounds as forward chaining
// chose, calibrates, and adds the cancellation model.
func (t Trainer) Refit(ctx context.Context, table *dataset.Table, s Settings, oof OutOfFold) (forecast.Artefact, error) {
	ran := table.Ran()
	if err := checkLearnable(ran); err != nil {
		return forecast.Artefact{}, err
	}
	calibration, err := oof.Calibration()
	if err != nil {
		return forecast.Artefact{}, fmt.Errorf("calibrate: %w", err)
	}
	result, err := t.Library.Train(ctx, batches(ran, bucketLabel), s.params(xgb.MultiSoftprob, classes(), oof.Rounds), xgb.TrainOptions{
		Progress: func(round int, loss, _ float64) {
			t.report(fmt.Sprintf("all days, round %d of %d, loss %.4f", round, oof.Rounds, loss), float64(round)/float64(oof.Rounds))
		}})
	if err != nil {
		return forecast.Artefact{}, fmt.Errorf("train on all days: %w", err)
	}
	a := forecast.Artefact{FeatureVersion: table.Version, Features: table.Names, Edges: rail.BucketEdges(),
		Buckets: result.Model, Calibration: calibration}
	return a, t.addCancellation(ctx, &a, table, s)
}

// addCancellation trains P(cancelled) on every settled event.
func (t Trainer) addCancellation(ctx context.Context, a *forecast.Artefact, table *dataset.Table, s Settings) error {
	cancelled := 0
	for _, row := range table.Rows {
		if row.Cancelled {
			cancelled++
		}
	}
	a.CancelRate = float64(cancelled) / float64(len(table.Rows))
	if cancelled < minCancelled {
		return nil
	}
	s.MaxDepth = cancelDepth
	result, err := t.Library.Train(ctx, batches(table, cancelLabel), s.params(xgb.BinaryLogistic, 1, cancelRounds), xgb.TrainOptions{})
	if err != nil {
		return fmt.Errorf("train cancellations: %w", err)
	}
	a.Cancel = result.Model
	return nil
}

func classes() int { return len(rail.BucketEdges()) + 1 }

func bucketLabel(r dataset.Row) float32 { return float32(rail.Bucket(r.DelayMinutes)) }

func cancelLabel(r dataset.Row) float32 {
	if r.Cancelled {
		return 1
	}
	return 0
}

func batches(table *dataset.Table, label func(dataset.Row) float32) xgb.Batches {
	labels := make([]float32, len(table.Rows))
	for i, row := range table.Rows {
		labels[i] = label(row)
	}
	return xgb.FromSlices(xgb.Batch{Rows: table.Features, Columns: len(table.Names), Labels: labels}, batchRows)
}
