package clickhouse

import "time"

// RunStatus is the state of an experiment run.
type RunStatus string

// States of a run.
const (
	RunRunning  RunStatus = "running"
	RunFinished RunStatus = "finished"
	RunFailed   RunStatus = "failed"
	RunKilled   RunStatus = "killed"
)

// Run is one experiment run in one state.
type Run struct {
	RunID         string
	Experiment    string // runs that are compared with each other
	Name          string
	Status        RunStatus
	Algorithm     string
	DatasetID     string
	DatasetSHA256 string
	Model         string // model the run is a candidate for
	ArtifactKey   string // prefix of the run's objects
	CodeVersion   string
	WorkflowID    string
	Seed          int64
	StartedAt     time.Time
	EndedAt       time.Time // zero while running
	Error         string
	Version       uint64 // the highest one is the present state
	// FeatureVersion names the feature definitions of the data set.
	FeatureVersion string
	Actor          string            // who asked for the run
	Reason         string            // why
	Recipe         string            // schemas.Recipe as JSON; empty where it was not recorded
	Environment    map[string]string // libraries, threads, system, processor
	Artifacts      map[string]string // key of an object by what it is
	// DurationSeconds is real time of computing, waiting left out; 0 where it is
	// not known. StartedAt and EndedAt are domain time.
	DurationSeconds float64
	// PeakMemoryBytes is the highest resident memory of the process while the
	// run was computed; 0 where it is not known.
	PeakMemoryBytes uint64
}

// Names of a run's artefacts.
const (
	ArtifactOutOfFold = "out_of_fold" // predictions of forward chaining, before calibration
	ArtifactLearned   = "learned"     // trees, calibration, baselines, references
	ArtifactReport    = "evaluation"  // scores on held-out days
)

// Parameters of a run that is a new calibration of an earlier package.
const (
	ParamCalibration      = "calibration"       // the method that was chosen
	ParamRecalibratedFrom = "recalibrated_from" // digest of the package whose trees it has
)

// RunOrder is what a list of runs is sorted by.
type RunOrder string

// Orders of a list of runs. ByMetric sorts by RunQuery.Metric.
const (
	ByStart  RunOrder = "start" // newest first
	ByMetric RunOrder = "metric"
)

// RunQuery selects runs in their present states. Empty fields select all.
type RunQuery struct {
	Experiment string
	Model      string
	Status     RunStatus
	Dataset    string    // beginning of a data set's ID
	Since      time.Time // started at or after
	Order      RunOrder  // defaults to ByStart
	Metric     string    // of ByMetric: its last step's value; runs without one come last
	Descending bool      // of ByMetric: the highest value first
	Limit      int       // 0 lists all
}

// MetricQuery selects metrics of runs.
type MetricQuery struct {
	RunIDs []string
	Names  []string // empty selects all
}

// FinalMetric is a metric's value at its last step.
type FinalMetric struct {
	RunID string
	Name  string
	Value float64
}

// RunParam is one parameter of a run.
type RunParam struct {
	RunID string
	Name  string
	Value string
}

// RunMetric is one measurement of a run.
type RunMetric struct {
	RunID      string
	Name       string
	Step       int64   // boosting round, fold ...; 0 for a final value
	Value      float64 // NaN where it does not exist
	RecordedAt time.Time
}
