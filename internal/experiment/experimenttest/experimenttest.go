// Package experimenttest is test support: three recorded runs with everything
// they leave behind, small enough to compute by hand.
package experimenttest

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"puenktlich/internal/calibrate"
	"puenktlich/internal/forecast"
	"puenktlich/internal/learn"
	"puenktlich/internal/objstore"
	"puenktlich/internal/warehouse"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// IDs of the runs. Shallow and Deep finished, Deep with one parameter and one
// library changed; Failed did not get far.
const (
	Shallow = "a1b2c3d4e5f60718"
	Deep    = "a1ffc3d4e5f60718"
	Failed  = "c0ffee0011223344"
)

// Dataset is the id of the data set of all runs.
const Dataset = "d00dfeed0123456789abcdef"

// Begin is when Shallow was started, each next run an hour later.
var Begin = time.Date(2024, 11, 1, 10, 0, 0, 0, time.UTC)

// OutOfFold are eight predictions of each finished run: P(late) is 0.1 for four
// of which one was late, 0.9 for four of which one was not. AUC 0.75.
func OutOfFold() learn.OutOfFold {
	oof := learn.OutOfFold{Rounds: 3, Folds: 1, Events: 8}
	for i := range 8 {
		onTime := 0.9
		if i >= 4 {
			onTime = 0.1
		}
		oof.Horizon, oof.OnTime, oof.Late = append(oof.Horizon, 60), append(oof.OnTime, onTime), append(oof.Late, i == 3 || i > 4)
	}
	return oof
}

// Learned is a model of two splits: forecast_delay gained 30, hour 10.
func Learned() learn.Learned {
	trees := `{"learner":{"gradient_booster":{"model":{"trees":[{"left_children":[1,3,-1,-1,-1],"right_children":[2,4,-1,-1,-1],"split_indices":[1,0,0,0,0],"loss_changes":[30,10,0,0,0]}]}}}}`
	return learn.Learned{Artefact: forecast.Artefact{Features: []string{"hour", "forecast_delay"}, Buckets: json.RawMessage(trees),
		Calibration: calibrate.Horizons{Pooled: calibrate.Platt{Slope: 1}}}}
}

// Report has skill 0.12 at 60 minutes before and -0.02 at 5.
func Report() schemas.Report {
	return schemas.Report{Dataset: Dataset, TestDays: schemas.DayRange{From: "2024-11-01", To: "2024-11-02"},
		Horizons: []schemas.HorizonScore{{Minutes: 60, Skill: 0.12}, {Minutes: 5, Skill: -0.02}}}
}

// Stores are what the runs are recorded in.
type Stores struct {
	DB      *warehouse.DB
	Objects *objstore.Store
}

// Record writes the runs.
func Record(t testing.TB, s Stores) {
	t.Helper()
	for i, run := range []schema.Run{
		{RunID: Shallow, Name: "depth-2", Status: schema.RunFinished, DurationSeconds: 12.5, PeakMemoryBytes: 300 << 20, Reason: "first <try>", Environment: map[string]string{"xgboost": "1.7.4", "threads": "2"}},
		{RunID: Deep, Name: "depth-4", Status: schema.RunFinished, DurationSeconds: 75, PeakMemoryBytes: 420 << 20, Reason: "deeper", Environment: map[string]string{"xgboost": "3.0.0", "threads": "2"}},
		{RunID: Failed, Name: "depth-9", Status: schema.RunFailed, Error: "450 of 450 rows are late"},
	} {
		run.Model, run.Experiment, run.Algorithm, run.DatasetID, run.Actor, run.Seed = schemas.DefaultModel, schemas.DefaultModel, "xgboost", Dataset, "anna", 7
		run.FeatureVersion, run.CodeVersion, run.ArtifactKey, run.Version = "f1", "v1", "runs/"+run.RunID+"/", 2
		run.StartedAt = Begin.Add(time.Duration(i) * time.Hour)
		run.EndedAt = run.StartedAt.Add(time.Minute)
		if run.Status == schema.RunFinished {
			s.finished(t, &run, i)
		}
		must(t, s.DB.SaveRun(t.Context(), run))
	}
}

// finished writes what a finished run leaves behind: the i-th is a little
// better than the one before.
func (s Stores) finished(t testing.TB, run *schema.Run, i int) {
	t.Helper()
	ctx := t.Context()
	run.Artifacts = map[string]string{
		schema.ArtifactOutOfFold: s.keep(ctx, t, run.ArtifactKey+"out-of-fold/", OutOfFold()),
		schema.ArtifactLearned:   s.keep(ctx, t, run.ArtifactKey+"learned/", Learned()),
	}
	s.keep(ctx, t, run.ArtifactKey+"evaluation/", Report())
	depth := []string{"2", "4"}[i]
	must(t, s.DB.SaveParams(ctx, "p"+run.RunID, []schema.RunParam{{RunID: run.RunID, Name: "max_depth", Value: depth}, {RunID: run.RunID, Name: "rounds", Value: "300"},
		{RunID: run.RunID, Name: "train_days", Value: "2024-10-28/2024-11-01"}}))
	better := 0.01 * float64(i)
	metrics := []schema.RunMetric{{Name: "oof_brier", Value: 0.15 - better}, {Name: "oof_log_loss", Value: 0.45 - better}, {Name: "test_skill_h60", Value: 0.12 + better}, {Name: "rounds", Value: 3}}
	for step := range 3 {
		metrics = append(metrics, schema.RunMetric{Name: "train_log_loss", Step: int64(step + 1), Value: 0.6 - 0.1*float64(step)},
			schema.RunMetric{Name: "valid_log_loss", Step: int64(step + 1), Value: 0.65 - 0.08*float64(step) - better})
	}
	for m := range metrics {
		metrics[m].RunID, metrics[m].RecordedAt = run.RunID, run.EndedAt
	}
	must(t, s.DB.SaveMetrics(ctx, "m"+run.RunID, metrics))
}

func (s Stores) keep(ctx context.Context, t testing.TB, prefix string, value any) string {
	t.Helper()
	body, err := json.Marshal(value)
	must(t, err)
	ref, err := s.Objects.PutContent(ctx, prefix, ".json", body)
	must(t, err)
	return ref.Key
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
