package evaluate

import (
	"context"
	"fmt"

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
