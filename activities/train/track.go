package train

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"go.temporal.io/sdk/activity"

	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// track writes the state of a run; a later state supersedes.
func (a *Activities) track(ctx context.Context, in schemas.CandidateInput, started time.Time, status schema.RunStatus, problem string) error {
	run := schema.Run{RunID: in.RunID, Experiment: in.Model, Name: in.Candidate.Name, Status: status, Algorithm: "xgboost",
		DatasetID: in.Dataset.ID, DatasetSHA256: in.Dataset.Manifest.SHA256, Model: in.Model, ArtifactKey: "runs/" + in.RunID + "/",
		CodeVersion: a.CodeVersion, Seed: int64(in.Seed), StartedAt: started, Error: problem, Version: 1}
	if activity.IsActivity(ctx) {
		run.WorkflowID = activity.GetInfo(ctx).WorkflowExecution.ID
	}
	if status != schema.RunRunning {
		run.EndedAt, run.Version = a.Clock.Now(), 2
	}
	if err := a.Runs.SaveRun(ctx, run); err != nil {
		return fmt.Errorf("track run %s: %w", in.RunID, err)
	}
	return nil
}

// finish writes the parameters and the scores of a run.
func (a *Activities) finish(ctx context.Context, in schemas.CandidateInput, r schemas.CandidateResult, started time.Time) error {
	c := in.Candidate
	params := []schema.RunParam{}
	for name, value := range map[string]float64{"rounds": float64(c.Rounds), "max_depth": float64(c.MaxDepth), "learning_rate": c.LearningRate,
		"min_child_weight": c.MinChild, "subsample": c.Subsample, "colsample_bytree": c.ColSample, "lambda": c.Lambda} {
		params = append(params, schema.RunParam{RunID: in.RunID, Name: name, Value: strconv.FormatFloat(value, 'g', -1, 64)})
	}
	if err := a.Runs.SaveParams(ctx, "params/"+in.RunID, params); err != nil {
		return fmt.Errorf("track run %s: %w", in.RunID, err)
	}
	now := a.Clock.Now()
	metrics := []schema.RunMetric{
		{RunID: in.RunID, Name: "oof_brier", Value: r.Brier, RecordedAt: now},
		{RunID: in.RunID, Name: "oof_log_loss", Value: r.LogLoss, RecordedAt: now},
		{RunID: in.RunID, Name: "rounds", Value: float64(r.Rounds), RecordedAt: now},
		{RunID: in.RunID, Name: "events", Value: float64(r.Events), RecordedAt: now},
	}
	if err := a.Runs.SaveMetrics(ctx, "metrics/"+in.RunID, metrics); err != nil {
		return fmt.Errorf("track run %s: %w", in.RunID, err)
	}
	return a.track(ctx, in, started, schema.RunFinished, "")
}
