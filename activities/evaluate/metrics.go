package evaluate

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// saveMetrics records the scores with the run, so that runs can be compared, under
// names like test_brier_h60; those of all horizons together have no suffix. token
// names the report: the same report is recorded once.
func (a *Activities) saveMetrics(ctx context.Context, runID, token string, r schemas.Report) error {
	var metrics []schema.RunMetric
	now := a.Clock.Now()
	add := func(name string, v *float64) {
		if v != nil {
			metrics = append(metrics, schema.RunMetric{RunID: runID, Name: name, Value: *v, RecordedAt: now})
		}
	}
	rows := r.Horizons
	if r.Overall != nil {
		rows = append(rows[:len(rows):len(rows)], *r.Overall)
	}
	for _, h := range rows {
		suffix := ""
		if h.Minutes > 0 {
			suffix = fmt.Sprintf("_h%d", h.Minutes)
		}
		for name, v := range scoresByName(h) {
			add("test_"+name+suffix, v)
		}
	}
	for _, h := range r.Cancelled.Horizons {
		for name, v := range map[string]*float64{"brier": h.Brier.Value, "ece": h.ECE.Value, "auc": h.AUC.Value, "skill_rate": h.SkillRate.Value} {
			add(fmt.Sprintf("test_cancelled_%s_h%d", name, h.Minutes), v)
		}
	}
	events := float64(r.TestEvents)
	add("test_events", &events)
	return a.Store.SaveMetrics(ctx, "evaluation/"+runID+"/"+token, metrics)
}

// scoresByName are the figures of a horizon by which runs are compared.
func scoresByName(h schemas.HorizonScore) map[string]*float64 {
	scores := map[string]*float64{"brier": &h.Brier, "log_loss": h.LogLoss, "auc": h.AUC, "accuracy": &h.Accuracy, "ece": &h.ECE,
		"skill": &h.Skill, "late_rate": &h.LateRate}
	if d := h.Detail; d != nil {
		scores["skill_db_forecast"], scores["skill_db_forecast_calibrated"] = d.Skill.DBForecast.Value, d.Skill.DBForecastCalibrated.Value
		scores["crps_minutes"], scores["mae_median_minutes"], scores["sharpness"] = d.CRPS.Value, d.MAE.Value, d.Sharpness.Value
	}
	return scores
}

// track records a recalibration as a run of its own.
func (a *Activities) track(ctx context.Context, in schemas.RecalibrateStep, trained schemas.TrainedModel, started time.Time) error {
	r := trained.Recalibrated
	run := schema.Run{RunID: in.RunID, Experiment: trained.Model, Name: "recalibrated " + r.Method, Status: schema.RunFinished, Algorithm: "recalibration",
		DatasetID: in.Dataset.ID, DatasetSHA256: in.Dataset.Manifest.SHA256, Model: trained.Model, ArtifactKey: "runs/" + in.RunID + "/",
		CodeVersion: a.CodeVersion, Seed: int64(trained.Seed), StartedAt: started, EndedAt: a.Clock.Now(), Version: 2}
	if activity.IsActivity(ctx) {
		run.WorkflowID = activity.GetInfo(ctx).WorkflowExecution.ID
	}
	if err := a.Store.SaveRun(ctx, run); err != nil {
		return fmt.Errorf("track run %s: %w", in.RunID, err)
	}
	params := []schema.RunParam{{RunID: in.RunID, Name: "calibration", Value: r.Method}, {RunID: in.RunID, Name: "recalibrated_from", Value: r.From.Digest},
		{RunID: in.RunID, Name: "calibration_days", Value: r.Days.String()}}
	if err := a.Store.SaveParams(ctx, "params/"+in.RunID, params); err != nil {
		return fmt.Errorf("track run %s: %w", in.RunID, err)
	}
	metrics := []schema.RunMetric{{RunID: in.RunID, Name: "calibration_events", Value: float64(r.Events), RecordedAt: run.EndedAt},
		{RunID: in.RunID, Name: "calibration_log_loss_before", Value: r.LogLossBefore, RecordedAt: run.EndedAt},
		{RunID: in.RunID, Name: "calibration_log_loss_fitted", Value: r.LogLossFitted, RecordedAt: run.EndedAt}}
	for _, m := range r.Tried {
		if m.Rows > 0 {
			metrics = append(metrics, schema.RunMetric{RunID: in.RunID, Name: "oof_log_loss_" + m.Method, Value: m.LogLoss, RecordedAt: run.EndedAt})
		}
	}
	if err := a.Store.SaveMetrics(ctx, "metrics/"+in.RunID, metrics); err != nil {
		return fmt.Errorf("track run %s: %w", in.RunID, err)
	}
	return nil
}
