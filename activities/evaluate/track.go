package evaluate

import (
	"context"
	"encoding/json"
	"fmt"

	"go.temporal.io/sdk/activity"

	"puenktlich/activities/meter"
	"puenktlich/internal/dataset"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// algorithm is recorded of runs that fit a calibration alone.
const algorithm = "recalibration"

// track records a recalibration as a run of its own: what it came from, what it
// can be made from again, what it cost.
func (a *Activities) track(ctx context.Context, in schemas.RecalibrateStep, trained schemas.TrainedModel, work meter.Stint) error {
	recipe, err := a.recipe(ctx, in)
	if err != nil {
		return fmt.Errorf("track run %s: %w", in.RunID, err)
	}
	r := trained.Recalibrated
	run := schema.Run{RunID: in.RunID, Experiment: trained.Model, Name: "recalibrated " + r.Method, Status: schema.RunFinished, Algorithm: algorithm,
		DatasetID: in.Dataset.ID, DatasetSHA256: in.Dataset.Manifest.SHA256, Model: trained.Model, ArtifactKey: "runs/" + in.RunID + "/",
		CodeVersion: a.CodeVersion, Seed: int64(trained.Seed), StartedAt: work.StartedAt, EndedAt: a.Clock.Now(), Version: 2,
		FeatureVersion: in.Dataset.FeatureVersion, Actor: in.Actor, Reason: in.Reason, Recipe: recipe, Environment: meter.Machine(),
		Artifacts: map[string]string{schema.ArtifactLearned: trained.Artefact.Key}}
	run.DurationSeconds, run.PeakMemoryBytes = work.Cost()
	if activity.IsActivity(ctx) {
		run.WorkflowID = activity.GetInfo(ctx).WorkflowExecution.ID
	}
	if err := a.trackFigures(ctx, in.RunID, *r); err != nil {
		return fmt.Errorf("track run %s: %w", in.RunID, err)
	}
	if err := a.Store.SaveRun(ctx, run); err != nil {
		return fmt.Errorf("track run %s: %w", in.RunID, err)
	}
	return nil
}

// recipe is what the run can be made from again, as JSON.
func (a *Activities) recipe(ctx context.Context, in schemas.RecalibrateStep) (string, error) {
	asked, err := dataset.Asked(ctx, a.Objects, in.Dataset)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(schemas.Recipe{Recalibrate: &in, Prepare: asked})
	if err != nil {
		return "", fmt.Errorf("write recipe: %w", err)
	}
	return string(text), nil
}

// trackFigures records how the calibration was chosen.
func (a *Activities) trackFigures(ctx context.Context, runID string, r schemas.Recalibration) error {
	params := []schema.RunParam{{RunID: runID, Name: schema.ParamCalibration, Value: r.Method}, {RunID: runID, Name: schema.ParamRecalibratedFrom, Value: r.From.Digest},
		{RunID: runID, Name: "calibration_days", Value: r.Days.String()}}
	if err := a.Store.SaveParams(ctx, "params/"+runID, params); err != nil {
		return err
	}
	now := a.Clock.Now()
	metrics := []schema.RunMetric{{RunID: runID, Name: "calibration_events", Value: float64(r.Events), RecordedAt: now},
		{RunID: runID, Name: "calibration_log_loss_before", Value: r.LogLossBefore, RecordedAt: now},
		{RunID: runID, Name: "calibration_log_loss_fitted", Value: r.LogLossFitted, RecordedAt: now}}
	for _, m := range r.Tried {
		if m.Rows > 0 {
			metrics = append(metrics, schema.RunMetric{RunID: runID, Name: "oof_log_loss_" + m.Method, Value: m.LogLoss, RecordedAt: now})
		}
	}
	return a.Store.SaveMetrics(ctx, "metrics/"+runID, metrics)
}
