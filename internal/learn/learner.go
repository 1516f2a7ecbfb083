package learn

import (
	"context"
	"fmt"
	"math"
	"slices"

	"puenktlich/internal/dataset"
	"puenktlich/internal/learn/xgb"
)

// Algorithm is how a candidate learns. The names are those of schemas.
type Algorithm string

// The algorithms. Buckets alone learns the whole distribution of the delay and
// can be served; the others say P(late) and are there to be compared with.
const (
	Buckets            Algorithm = "xgboost_buckets" // boosted trees over ordinal buckets of the delay
	Binary             Algorithm = "xgboost_binary"  // boosted trees over late or not
	Logistic           Algorithm = "logistic"        // logistic regression
	Rate               Algorithm = "rate"            // the base rate
	RateByCategory     Algorithm = "rate_by_category"
	Forecast           Algorithm = "db_forecast" // the railway's own live forecast, as it stands
	ForecastCalibrated Algorithm = "db_forecast_calibrated"
)

// Learner fits one kind of forecast. The same task gives the same fit.
type Learner interface {
	// Fit learns from task.Train. The context is looked at between batches and
	// rounds. Errors of storage are of type [*StorageError].
	Fit(ctx context.Context, task Task) (Fitted, error)
}

// Task is one fit.
type Task struct {
	Name   string // of this fit among those of a candidate, e.g. fold-1
	Train  Data
	Valid  *Data // held-out rows to stop early by; nil trains every round
	Rounds int   // at most
	// Share tells progress: a sentence and a share of this fit in [0,1].
	Share Progress
}

// Fitted forecasts what it was fitted for.
type Fitted interface {
	// OnTime writes P(delay <= 5 min | runs) of each row to out, one a row.
	OnTime(out []float64, rows *dataset.Table) error
	// Curve is how the loss fell; empty for what is fitted in one step.
	Curve() Curve
}

// Curve is the mean log loss of a fit after each round: over the buckets of
// the delay for Buckets, else over late or not.
type Curve struct {
	Train   []float64 `json:"train"`
	Valid   []float64 `json:"valid,omitempty"` // nil without held-out rows
	Best    int       `json:"best_round"`      // of lowest loss on held-out rows; else the last
	Stopped bool      `json:"stopped"`         // more rounds would not be trained
}

// Progress is called with a sentence and a share in [0,1].
type Progress func(what string, share float64)

func (p Progress) tell(share float64, format string, args ...any) {
	if p != nil {
		p(fmt.Sprintf(format, args...), share)
	}
}

// Checkpoints keeps trainings between their segments. Its errors are those of
// storage; a state that is not what was saved is an error.
type Checkpoints interface {
	// Latest is the newest whole state under a name of at most so many rounds,
	// nil where there is none.
	Latest(ctx context.Context, name string, rounds int) (*xgb.State, error)
	// Save keeps a state. Saving the same one again changes nothing.
	Save(ctx context.Context, name string, state xgb.State) error
}

// Trainer trains with one XGBoost library.
type Trainer struct {
	Library     *xgb.Library
	Progress    Progress    // may be nil
	Checkpoints Checkpoints // nil keeps none
}

func (t Trainer) report(what string, share float64) { t.Progress.tell(share, "%s", what) }

// learner is the one for the settings.
func (t Trainer) learner(s Settings) Learner {
	switch s.Algorithm {
	case Buckets:
		return bucketTrees(t, s)
	case Binary:
		return lateTrees(t, s)
	case Logistic:
		return regression{ridge: s.Lambda}
	}
	return baseline{s.Algorithm}
}

// Settings are the parameters of one candidate. Those an algorithm does not
// have are 0; see [Settings.Validate].
type Settings struct {
	Algorithm    Algorithm
	Rounds       int // upper bound; early stopping decides
	MaxDepth     int
	LearningRate float64
	MinChild     float64
	Subsample    float64
	ColSample    float64
	// Lambda is the L2 penalty: on leaves of trees, and on the standardised
	// coefficients of Logistic (half of Lambda times their sum of squares, beside
	// the sum of log losses).
	Lambda float64
	// HalfLifeDays is after how many days of age a day counts half as much as the
	// newest one of a fit; 0 counts all alike. The calibration is then fitted on
	// centred folds; the model of cancellations, which are few, takes all days alike.
	HalfLifeDays  float64
	Seed          uint64
	SegmentRounds int // of trees; see [xgb.Params]
	// Until bounds the rounds of this fit below Rounds; 0 does not. A later fit
	// with a higher bound goes on where this one ended.
	Until int
	// Visible says which features are used; nil uses all. The others are never
	// known to the learner, and the model keeps its width.
	Visible func(feature string) bool
}

// rounds are those of this fit: whole segments, so that it can be continued.
func (s Settings) rounds() int {
	if s.Until == 0 || s.SegmentRounds == 0 {
		return s.Rounds
	}
	segments := int(math.Ceil(float64(s.Until) / float64(s.SegmentRounds)))
	return min(s.Rounds, segments*s.SegmentRounds)
}

// Algorithms lists them all.
func Algorithms() []Algorithm {
	return []Algorithm{Buckets, Binary, Logistic, Rate, RateByCategory, Forecast, ForecastCalibrated}
}

// Servable says that what the algorithm learns can be packaged and served.
func (a Algorithm) Servable() bool { return a == Buckets }

// Rounds says that the algorithm learns in rounds, so that a search may give it
// few at first.
func (a Algorithm) Rounds() bool { return a == Buckets || a == Binary }

// Learns says that the algorithm uses features; a baseline knows category,
// horizon and the railway's forecast alone.
func (a Algorithm) Learns() bool { return a.Rounds() || a == Logistic }

// Known says that there is such an algorithm.
func (a Algorithm) Known() bool { return slices.Contains(Algorithms(), a) }
