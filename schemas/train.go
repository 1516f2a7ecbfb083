package schemas

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
)

// Algorithm is how a candidate learns.
type Algorithm string

// The algorithms. AlgorithmBuckets alone learns the whole distribution of the
// delay and can be released; the others say P(late) and are there to be compared
// with.
const (
	AlgorithmBuckets            Algorithm = "xgboost_buckets" // boosted trees over ordinal buckets of the delay
	AlgorithmBinary             Algorithm = "xgboost_binary"  // boosted trees over late or not
	AlgorithmLogistic           Algorithm = "logistic"
	AlgorithmRate               Algorithm = "rate"
	AlgorithmRateByCategory     Algorithm = "rate_by_category"
	AlgorithmForecast           Algorithm = "db_forecast" // the railway's own live forecast
	AlgorithmForecastCalibrated Algorithm = "db_forecast_calibrated"
)

// FeatureSet is which groups of features a candidate may use.
type FeatureSet string

// The feature sets. "without_" and the name of a group of features leaves that
// group out.
const (
	FeaturesAll          FeatureSet = "all"
	FeaturesPlan         FeatureSet = "plan"          // the timetable and the calendar
	FeaturesPlanHistory  FeatureSet = "plan+history"  // and rates of earlier days
	FeaturesPlanForecast FeatureSet = "plan+forecast" // and the event's own live forecast
	FeaturesPlanLive     FeatureSet = "plan+live"     // and everything live
	FeaturesWithout      FeatureSet = "without_"
)

// Candidate is one way to learn. A parameter that its algorithm does not have
// is left out.
type Candidate struct {
	Name         string     `json:"name"`
	Algorithm    Algorithm  `json:"algorithm,omitempty"`   // defaults to xgboost_buckets
	FeatureSet   FeatureSet `json:"feature_set,omitempty"` // defaults to all
	Rounds       int        `json:"rounds"`                // upper bound; early stopping decides
	MaxDepth     int        `json:"max_depth"`
	LearningRate float64    `json:"learning_rate"`
	MinChild     float64    `json:"min_child_weight"`
	Subsample    float64    `json:"subsample"`
	ColSample    float64    `json:"colsample_bytree"`
	Lambda       float64    `json:"lambda"`
	// HalfLifeDays is after how many days of age a day counts half as much as the
	// newest one; 0 counts all alike.
	HalfLifeDays float64 `json:"half_life_days,omitempty"`
}

// UnmarshalJSON refuses unknown parameters.
func (c *Candidate) UnmarshalJSON(body []byte) error {
	type plain Candidate
	return strictly("candidate", body, (*plain)(c))
}

// How says the algorithm, with its default.
func (c Candidate) How() Algorithm { return cmp.Or(c.Algorithm, AlgorithmBuckets) }

// Sees says the feature set, with its default.
func (c Candidate) Sees() FeatureSet { return cmp.Or(c.FeatureSet, FeaturesAll) }

// Servable says that the candidate can be released.
func (c Candidate) Servable() bool { return c.How() == AlgorithmBuckets }

// Aged is the candidate with a half-life, where it names none and its algorithm has
// one.
func (c Candidate) Aged(halfLifeDays float64) Candidate {
	if c.How() == AlgorithmBuckets || c.How() == AlgorithmBinary {
		c.HalfLifeDays = cmp.Or(c.HalfLifeDays, halfLifeDays)
	}
	return c
}

// Set gives a parameter a value; false where there is none of that name.
func (c *Candidate) Set(parameter string, value float64) bool {
	whole := map[string]*int{"rounds": &c.Rounds, "max_depth": &c.MaxDepth}
	number := map[string]*float64{"learning_rate": &c.LearningRate, "min_child_weight": &c.MinChild,
		"subsample": &c.Subsample, "colsample_bytree": &c.ColSample, "lambda": &c.Lambda, "half_life_days": &c.HalfLifeDays}
	if field, found := whole[parameter]; found {
		*field = int(value)
		return true
	}
	field, found := number[parameter]
	if found {
		*field = value
	}
	return found
}

// strictly decodes an object with no unknown field.
func strictly(what string, body []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// DefaultSegmentRounds is the TrainInput.SegmentRounds of an input that names
// none.
const DefaultSegmentRounds = 50

// TrainInput asks for the best of some candidates.
type TrainInput struct {
	Model      string      `json:"model,omitempty"`
	Dataset    DatasetRef  `json:"dataset,omitzero"`
	Days       DayRange    `json:"days,omitzero"` // of the data set; defaults to all its days
	Candidates []Candidate `json:"candidates,omitempty"`
	// Search, if given, draws more candidates and gives the better ones more
	// rounds.
	Search *Search `json:"search,omitempty"`
	// HalfLifeDays is of the candidates, named or drawn, that name none.
	HalfLifeDays float64 `json:"half_life_days,omitempty"`
	Seed         uint64  `json:"seed,omitempty"`
	// SegmentRounds is after how many rounds a training is checkpointed. Part of
	// what determines a model. Defaults to DefaultSegmentRounds.
	SegmentRounds int `json:"segment_rounds,omitempty"`
	// Actor and Reason are recorded with every run.
	Actor  string `json:"actor,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// CandidateInput is one activity: forward-chained folds of one candidate.
type CandidateInput struct {
	Model     string     `json:"model"`
	Dataset   DatasetRef `json:"dataset"`
	Days      DayRange   `json:"days"`
	Candidate Candidate  `json:"candidate"`
	Seed      uint64     `json:"seed"`
	RunID     string     `json:"run_id"`
	// SegmentRounds is after how many rounds a checkpoint is written.
	SegmentRounds int `json:"segment_rounds,omitempty"`
	// Rung, from 1, is the step of a search, Rounds its bound on the rounds of a
	// fold. A later rung goes on where this one ended. 0 is no search.
	Rung   int `json:"rung,omitempty"`
	Rounds int `json:"rounds,omitempty"`
	// Actor and Reason are recorded with the run.
	Actor  string `json:"actor,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// CandidateResult is scored on out-of-fold predictions alone.
type CandidateResult struct {
	RunID     string    `json:"run_id"`
	Candidate Candidate `json:"candidate"`
	Rounds    int       `json:"rounds"` // chosen by early stopping
	Folds     int       `json:"folds"`
	Events    int       `json:"events"`
	Brier     float64   `json:"brier"` // mean over horizons, out of fold
	LogLoss   float64   `json:"log_loss"`
	OutOfFold ObjectRef `json:"out_of_fold"`
	// RoundsTrained are of all folds; Finished says that no fold would train more.
	RoundsTrained int  `json:"rounds_trained,omitempty"`
	Finished      bool `json:"finished,omitempty"`
	Rung          int  `json:"rung,omitempty"` // of a search, the last one reached
	// FailReason says why there are no scores, Dropped why a search went on
	// without the candidate.
	FailReason string `json:"fail_reason,omitempty"`
	Dropped    string `json:"dropped,omitempty"`
}

// RefitInput is one activity: the chosen candidate on all days.
type RefitInput struct {
	Model   string          `json:"model"`
	Dataset DatasetRef      `json:"dataset"`
	Days    DayRange        `json:"days"`
	Best    CandidateResult `json:"best"`
	Seed    uint64          `json:"seed"`
	// SegmentRounds is that of the candidates.
	SegmentRounds int `json:"segment_rounds,omitempty"`
}

// TrainedModel points at the artefacts of a run.
type TrainedModel struct {
	RunID      string     `json:"run_id"`
	Model      string     `json:"model"`
	Dataset    DatasetRef `json:"dataset"`
	Days       DayRange   `json:"days"`
	Candidate  Candidate  `json:"candidate"`
	Rounds     int        `json:"rounds"`
	Seed       uint64     `json:"seed"`
	Events     int        `json:"events"`
	Artefact   ObjectRef  `json:"artefact"` // learned.json: trees, calibration, baselines, references
	ValidBrier float64    `json:"valid_brier"`
	// Recalibrated is set for the trees of an earlier version with a new
	// calibration; Dataset is then that of calibration and test.
	Recalibrated *Recalibration `json:"recalibrated,omitempty"`
}

// TrainResult is the chosen run and its rivals, best first, failed ones last.
type TrainResult struct {
	// Trained is empty where no candidate can be released.
	Trained    TrainedModel      `json:"trained"`
	Candidates []CandidateResult `json:"candidates"`
	Note       string            `json:"note,omitempty"` // how the choice came about
}
