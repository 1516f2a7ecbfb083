package experiment

import (
	"encoding/json"
	"math"
	"time"

	schema "puenktlich/schemas/clickhouse"
)

// Number is a value that may not exist: NaN in Go, null in JSON.
type Number float64

// MarshalJSON writes what is no number as null.
func (n Number) MarshalJSON() ([]byte, error) {
	if !n.Exists() {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// Exists says that it is a finite number.
func (n Number) Exists() bool { return !math.IsNaN(float64(n)) && !math.IsInf(float64(n), 0) }

// Summary is one run in a list.
type Summary struct {
	ID              string            `json:"id"`
	Name            string            `json:"name"`
	Status          schema.RunStatus  `json:"status"`
	Model           string            `json:"model"`
	Algorithm       string            `json:"algorithm"`
	Dataset         string            `json:"dataset"`
	StartedAt       time.Time         `json:"started_at"` // domain time
	DurationSeconds float64           `json:"duration_seconds"`
	PeakMemoryBytes uint64            `json:"peak_memory_bytes"`
	Actor           string            `json:"actor"`
	Reason          string            `json:"reason"`
	Error           string            `json:"error,omitempty"`
	Metrics         map[string]Number `json:"metrics"` // the last step's values
}

// Listing is some runs and the metrics shown of them.
type Listing struct {
	Metrics []string  `json:"metrics"`
	Known   []string  `json:"known_metrics"`
	Runs    []Summary `json:"runs"`
}

// Point is a metric at a step.
type Point struct {
	Step  int64  `json:"step"`
	Value Number `json:"value"`
}

// ArtifactState says whether an artefact is still there.
type ArtifactState string

// States of an artefact.
const (
	ArtifactKept    ArtifactState = "kept"
	ArtifactGone    ArtifactState = "gone"
	ArtifactUnknown ArtifactState = "unknown" // the object store does not answer
)

// Artifact is an object that a run left behind.
type Artifact struct {
	Name      string        `json:"name"`
	Key       string        `json:"key"`
	SizeBytes int64         `json:"size_bytes,omitempty"`
	State     ArtifactState `json:"state"`
}

// Record is everything that is known of one run.
type Record struct {
	Summary
	EndedAt        *time.Time         `json:"ended_at"`
	DatasetSHA256  string             `json:"dataset_sha256"`
	FeatureVersion string             `json:"feature_version"`
	CodeVersion    string             `json:"code_version"`
	WorkflowID     string             `json:"workflow_id"`
	Seed           int64              `json:"seed"`
	Params         map[string]string  `json:"params"`
	Environment    map[string]string  `json:"environment"`
	Series         map[string][]Point `json:"series"` // every metric by step
	Artifacts      []Artifact         `json:"artifacts"`
	// Recipe is what the run can be made from again, a schemas.Recipe as it was
	// written; null where it was not kept.
	Recipe json.RawMessage `json:"recipe"`
}

func summaryOf(run schema.Run) Summary {
	return Summary{ID: run.RunID, Name: run.Name, Status: run.Status, Model: run.Model, Algorithm: run.Algorithm, Dataset: run.DatasetID,
		StartedAt: run.StartedAt, DurationSeconds: run.DurationSeconds, PeakMemoryBytes: run.PeakMemoryBytes, Actor: run.Actor,
		Reason: run.Reason, Error: run.Error, Metrics: map[string]Number{}}
}

// recordOf is a record without parameters, metrics and artefacts.
func recordOf(run schema.Run) Record {
	record := Record{Summary: summaryOf(run), DatasetSHA256: run.DatasetSHA256, FeatureVersion: run.FeatureVersion, CodeVersion: run.CodeVersion,
		WorkflowID: run.WorkflowID, Seed: run.Seed, Params: map[string]string{}, Environment: run.Environment, Series: map[string][]Point{}, Artifacts: []Artifact{}}
	if record.Environment == nil {
		record.Environment = map[string]string{}
	}
	if !run.EndedAt.IsZero() {
		record.EndedAt = &run.EndedAt
	}
	if json.Valid([]byte(run.Recipe)) {
		record.Recipe = json.RawMessage(run.Recipe)
	}
	return record
}
