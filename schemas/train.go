package schemas

// Candidate is one set of parameters of the boosted trees.
type Candidate struct {
	Name         string  `json:"name"`
	Rounds       int     `json:"rounds"` // upper bound; early stopping decides
	MaxDepth     int     `json:"max_depth"`
	LearningRate float64 `json:"learning_rate"`
	MinChild     float64 `json:"min_child_weight"`
	Subsample    float64 `json:"subsample"`
	ColSample    float64 `json:"colsample_bytree"`
	Lambda       float64 `json:"lambda"`
}

// TrainInput asks for the best of some candidates.
type TrainInput struct {
	Model      string      `json:"model,omitempty"`
	Dataset    DatasetRef  `json:"dataset,omitzero"`
	Days       DayRange    `json:"days,omitzero"` // of the data set; defaults to all its days
	Candidates []Candidate `json:"candidates,omitempty"`
	Seed       uint64      `json:"seed,omitempty"`
}

// CandidateInput is one activity: forward-chained folds of one candidate.
type CandidateInput struct {
	Model     string     `json:"model"`
	Dataset   DatasetRef `json:"dataset"`
	Days      DayRange   `json:"days"`
	Candidate Candidate  `json:"candidate"`
	Seed      uint64     `json:"seed"`
	RunID     string     `json:"run_id"`
}

// CandidateResult is scored on out-of-fold predictions alone.
type CandidateResult struct {
	RunID      string    `json:"run_id"`
	Candidate  Candidate `json:"candidate"`
	Rounds     int       `json:"rounds"` // chosen by early stopping
	Folds      int       `json:"folds"`
	Events     int       `json:"events"`
	Brier      float64   `json:"brier"` // mean over horizons, out of fold
	LogLoss    float64   `json:"log_loss"`
	OutOfFold  ObjectRef `json:"out_of_fold"`
	FailReason string    `json:"fail_reason,omitempty"`
}

// RefitInput is one activity: the chosen candidate on all days.
type RefitInput struct {
	Model   string          `json:"model"`
	Dataset DatasetRef      `json:"dataset"`
	Days    DayRange        `json:"days"`
	Best    CandidateResult `json:"best"`
	Seed    uint64          `json:"seed"`
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

// TrainResult is the chosen run and its rivals.
type TrainResult struct {
	Trained    TrainedModel      `json:"trained"`
	Candidates []CandidateResult `json:"candidates"`
}
