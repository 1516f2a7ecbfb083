package learn

import (
	"context"
	"fmt"
	"math"

	"puenktlich/internal/calibrate"
	"puenktlich/internal/dataset"
	"puenktlich/internal/metric"
)

// Numbers of the calibration, and of a training that has no fold.
const (
	calibratePrior  = 200 // events that hold the calibration near the identity
	calibrateEvents = 100 // of a horizon, below them the pooled calibration
	isotonicEvents  = 1000
	defaultRounds   = 120 // where one day of training gives no fold to choose by
)

// OutOfFold is what forward chaining predicted of days it had not seen, one
// element a row, before calibration.
type OutOfFold struct {
	Horizon []int     `json:"horizon_minutes"`
	OnTime  []float64 `json:"p_on_time"`
	Late    []bool    `json:"late"`
	Fold    []int     `json:"fold"`   // in which each row was predicted, in the order of time
	Rounds  int       `json:"rounds"` // mean of the folds' best rounds
	Folds   int       `json:"folds"`
	Events  int       `json:"events"`
	Curves  []Curve   `json:"curves,omitempty"` // one a fold
	// Trained is the rounds of all folds, with those after the best one.
	Trained int `json:"rounds_trained"`
	// Finished says that no fold would train more rounds.
	Finished bool `json:"finished"`
}

// CrossValidate trains on earlier and predicts later days of the source: its
// rows of events that ran.
func (t Trainer) CrossValidate(ctx context.Context, source Source, s Settings) (OutOfFold, error) {
	counted, err := t.survey(ctx, source)
	if err != nil {
		return OutOfFold{}, err
	}
	if err := counted.checkLearnable(counted.listed()); err != nil {
		return OutOfFold{}, err
	}
	data, err := s.data(source)
	if err != nil {
		return OutOfFold{}, err
	}
	oof := OutOfFold{Rounds: min(defaultRounds, s.Rounds), Finished: true}
	folds, best := forwardChain(counted.listed()), 0
	for i, f := range folds {
		if counted.checkLearnable(f.Train) != nil {
			continue // a fold of one class teaches nothing; the others count
		}
		task := t.fold(data, f, i, len(folds))
		task.Train = task.Train.without(counted.overnight(f.Valid)) // no trip on both sides
		task.Rounds = s.rounds()
		fitted, err := t.learner(s).Fit(ctx, task)
		if err != nil {
			return OutOfFold{}, err
		}
		_, _, events := counted.of(f.Valid)
		if err := oof.add(ctx, fitted, *task.Valid, events, dataset.Row.Late); err != nil {
			return OutOfFold{}, err
		}
		best += fitted.Curve().Best
		oof.Finished = oof.Finished && (fitted.Curve().Stopped || task.Rounds == s.Rounds)
	}
	if oof.Folds > 0 {
		oof.Rounds = max(1, int(math.Round(float64(best)/float64(oof.Folds))))
	}
	return oof, nil
}

// data hides what the candidate may not see.
func (s Settings) data(source Source) (Data, error) {
	hidden, err := hide(source.Names(), s.Visible)
	return Data{source: source, hidden: hidden}, err
}

// fold is the task of one fold, which tells its share of all of them.
func (t Trainer) fold(data Data, f fold, i, folds int) Task {
	valid := data.on(f.Valid)
	return Task{Name: fmt.Sprintf("fold-%d", i+1), Train: data.on(f.Train), Valid: &valid, Share: func(what string, share float64) {
		t.report(what, (float64(i)+share)/float64(folds))
	}}
}

// add predicts the held-out rows; came says of each whether it is late, or what
// else P(on time) is the opposite of.
func (o *OutOfFold) add(ctx context.Context, fitted Fitted, valid Data, events int, came func(dataset.Row) bool) error {
	err := valid.each(ctx, func(batch *dataset.Table) error {
		onTime := make([]float64, len(batch.Rows))
		if err := fitted.OnTime(onTime, batch); err != nil {
			return err
		}
		o.OnTime = append(o.OnTime, onTime...)
		for _, row := range batch.Rows {
			o.Horizon = append(o.Horizon, row.Horizon)
			o.Late = append(o.Late, came(row))
			o.Fold = append(o.Fold, o.Folds)
		}
		return nil
	})
	curve := fitted.Curve()
	o.Folds, o.Events, o.Trained, o.Curves = o.Folds+1, o.Events+events, o.Trained+len(curve.Train), append(o.Curves, curve)
	return err
}

// Scores are the mean over horizons of Brier and log loss, out of fold; NaN
// without a fold. The log loss is that of probabilities clipped to
// [calibrate.Clip, 1-calibrate.Clip], so that a forecast of 0 or 1 has one.
func (o OutOfFold) Scores() (brier, logLoss float64) {
	if len(o.Late) == 0 {
		return math.NaN(), math.NaN()
	}
	late, clipped := make([]float64, len(o.OnTime)), make([]float64, len(o.OnTime))
	for i, p := range o.OnTime {
		late[i] = 1 - p
		clipped[i] = min(max(late[i], calibrate.Clip), 1-calibrate.Clip)
	}
	logLoss, _ = metric.LogLoss(clipped, o.Late)
	return metric.Brier(late, o.Late), logLoss
}

// Calibration is fitted on the out-of-fold predictions by the method that does
// best on folds it was not fitted on; the identity without any.
func (o OutOfFold) Calibration() (calibrate.Horizons, error) {
	if len(o.Late) == 0 {
		return calibrate.Horizons{Pooled: calibrate.Platt{Slope: 1}}, nil
	}
	events := calibrate.HorizonEvents{HorizonMinutes: o.Horizon, Forecast: o.OnTime, Outcome: o.onTime()}
	return calibrate.Choose(events, o.folds(), calibrate.Options{PriorEvents: calibratePrior, MinEvents: calibrateEvents, MinIsotonic: isotonicEvents})
}

func (o OutOfFold) onTime() []bool {
	onTime := make([]bool, len(o.Late))
	for i, late := range o.Late {
		onTime[i] = !late
	}
	return onTime
}

func (o OutOfFold) folds() []int {
	if len(o.Fold) == 0 {
		return make([]int, len(o.Late)) // kept before folds were told apart: nothing to choose by
	}
	return o.Fold
}

// centred is what the folds would have said had they known how many are late on the
// days they predicted. Where the newest days count most, the model trained on all days
// knows it, and a calibration that says it again would say it twice: with works on the
// simulated railway forecasts were then 2 to 3 points too late.
func (o OutOfFold) centred() (OutOfFold, error) {
	if len(o.Late) == 0 {
		return o, nil
	}
	var err error
	o.OnTime, err = calibrate.Centre(o.OnTime, o.onTime(), o.folds())
	return o, err
}
