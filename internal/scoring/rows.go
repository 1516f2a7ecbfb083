package scoring

import (
	"math"
	"time"

	"puenktlich/internal/metric"
	schema "puenktlich/schemas/clickhouse"
)

// Labels are what all rows of a tally have in common.
type Labels struct {
	Model      string
	Source     schema.PredictionSource
	DataSource string
	From       string // event days, half-open, 2006-01-02
	Until      string
	ScoredAt   time.Time
}

// Rows are the scores of all cells as they are stored, one row a metric.
func (t *Tally) Rows(l Labels) []schema.Score {
	var all []schema.Score
	for _, g := range t.Groups() {
		all = append(all, rows(g, t.Figures(g), l, uint32(t.Days()))...)
	}
	return append(all, t.sectionRows(l)...)
}

func rows(g Group, f Figures, l Labels, days uint32) []schema.Score {
	base := schema.Score{Model: l.Model, Version: g.Version, Digest: g.Digest, Role: g.Role, Source: l.Source, DataSource: l.DataSource, Evidence: g.Evidence,
		FromDay: l.From, UntilDay: l.Until, HorizonMinutes: g.Horizon, SliceKind: g.SliceKind, Slice: g.Slice, Lower: math.NaN(), Upper: math.NaN(),
		BaselineValue: math.NaN(), Events: uint64(f.Events), Days: days, ScoredAt: l.ScoredAt}
	var all []schema.Score
	add := func(metric string, i metric.Interval) *schema.Score {
		row := base
		row.Metric, row.Value, row.Lower, row.Upper = metric, i.Estimate, i.Low, i.High
		if !math.IsNaN(i.Low) {
			row.Blocks = f.Blocks
		}
		all = append(all, row)
		return &all[len(all)-1]
	}
	brier := add("brier", f.Brier)
	brier.Baseline, brier.BaselineValue = f.Best()
	add("log_loss", f.LogLoss)
	add("auc", f.AUC)
	add("ece", f.ECE)
	add("crps_minutes", f.CRPS)
	add("brier_expected", f.Expected)
	add("late_rate", point(f.LateRate))
	add("mean_forecast", point(f.MeanForecast))
	add("accuracy", point(f.Accuracy))
	for i, name := range Baselines() {
		row := add("skill_"+name, f.Skill[i])
		row.Baseline, row.BaselineValue = name, f.BaselineBrier[i]
	}
	return all
}
