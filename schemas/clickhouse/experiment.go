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
