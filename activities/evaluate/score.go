package evaluate

import (
	"fmt"
	"math"

	"puenktlich/internal/dataset"
	"puenktlich/internal/forecast"
	"puenktlich/internal/learn"
	"puenktlich/internal/metric"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
)

// Numbers of the intervals and of the calibration error.
const (
	eceBins   = 10
	resamples = 1000
	seed      = 20241101
	minDays   = 10 // below them, intervals are blocked by station and three hours
)

// score fills a report from the rows of the test days.
func score(model *forecast.Model, baselines learn.Baselines, table *dataset.Table) (schemas.Report, error) {
	ran := table.Ran()
	report := schemas.Report{TestEvents: ran.Events()}
	if report.TestEvents == 0 {
		return report, fmt.Errorf("the test days hold no event that ran with an observed change")
	}
	blocks, how := blocksOf(ran)
	report.Interval = how
	for _, minutes := range rail.Horizons() {
		at := ran.AtHorizon(minutes)
		if len(at.Rows) == 0 {
			continue
		}
		row, err := scoreHorizon(model, baselines, at, blocks)
		if err != nil {
			return report, fmt.Errorf("%d min: %w", minutes, err)
		}
		row.Minutes = minutes
		report.Horizons = append(report.Horizons, row)
	}
	var err error
	report.Cancelled, err = scoreCancelled(model, table)
	return report, err
}

func scoreHorizon(model *forecast.Model, baselines learn.Baselines, at *dataset.Table, blocks func(dataset.Row) int32) (schemas.HorizonScore, error) {
	late := make([]bool, len(at.Rows))
	p := make([]float64, len(at.Rows))
	loss, block := make([]float64, len(at.Rows)), make([]int32, len(at.Rows))
	for i, row := range at.Rows {
		d, err := model.Forecast(at.Vector(i), float64(row.Horizon))
		if err != nil {
			return schemas.HorizonScore{}, fmt.Errorf("%s: %w", row.Key(), err)
		}
		late[i], p[i], block[i] = row.Late(), d.Late(), blocks(row)
		loss[i] = (p[i] - indicator(late[i])) * (p[i] - indicator(late[i]))
	}
	interval, err := metric.MeanInterval(loss, block, resamples, seed)
	if err != nil {
		return schemas.HorizonScore{}, err
	}
	h := schemas.HorizonScore{Events: len(at.Rows), LateRate: metric.LateRate(late), Score: scoreOf(p, late), ECE: metric.ECE(p, late, eceBins),
		BrierLow: orEstimate(interval.Low, interval.Estimate), BrierHigh: orEstimate(interval.High, interval.Estimate),
		Baselines: scoreBaselines(baselines, at.Rows, late)}
	best := 0.0
	h.BestBaseline, best = bestOf(h.Baselines)
	if skill := metric.Skill(h.Brier, best); !math.IsNaN(skill) {
		h.Skill = skill // none over a baseline without a fault, and JSON has no NaN
	}
	return h, nil
}

// orEstimate stands in for the bound of an interval that does not exist.
func orEstimate(bound, estimate float64) float64 {
	if math.IsNaN(bound) {
		return estimate
	}
	return bound
}

func scoreBaselines(b learn.Baselines, rows []dataset.Row, late []bool) schemas.Baselines {
	with := func(forecast func(dataset.Row) float64) schemas.Score {
		p := make([]float64, len(rows))
		for i, row := range rows {
			p[i] = forecast(row)
		}
		return scoreOf(p, late)
	}
	return schemas.Baselines{
		Rate:                 with(func(dataset.Row) float64 { return b.Rate }),
		RateByCategory:       with(b.LateByCategory),
		DBForecast:           with(b.LateByForecast),
		DBForecastCalibrated: with(b.LateByCalibratedForecast),
	}
}

func scoreOf(p []float64, late []bool) schemas.Score {
	s := schemas.Score{Brier: metric.Brier(p, late), Accuracy: metric.Accuracy(p, late)}
	if loss, exists := metric.LogLoss(p, late); exists {
		s.LogLoss = &loss
	}
	if auc := metric.AUC(p, late); !math.IsNaN(auc) {
		s.AUC = &auc
	}
	return s
}

// bestOf is the baseline with the lowest Brier score.
func bestOf(b schemas.Baselines) (string, float64) {
	name, best := "rate", b.Rate.Brier
	for _, other := range []struct {
		name  string
		brier float64
	}{{"rate_by_category", b.RateByCategory.Brier}, {"db_forecast", b.DBForecast.Brier}, {"db_forecast_calibrated", b.DBForecastCalibrated.Brier}} {
		if other.brier < best {
			name, best = other.name, other.brier
		}
	}
	return name, best
}

// blocksOf groups rows that are not independent: by service day, or with fewer
// than minDays days by station and three hours.
func blocksOf(table *dataset.Table) (func(dataset.Row) int32, string) {
	days := map[rail.Day]int32{}
	for _, row := range table.Rows {
		if _, found := days[row.EventDay]; !found {
			days[row.EventDay] = int32(len(days))
		}
	}
	if len(days) >= minDays {
		return func(r dataset.Row) int32 { return days[r.EventDay] },
			fmt.Sprintf("95 %% bootstrap over %d days", len(days))
	}
	ids := map[string]int32{}
	return func(r dataset.Row) int32 {
		key := fmt.Sprint(r.EVA, r.EventDay, r.Planned.Hour()/3)
		if _, found := ids[key]; !found {
			ids[key] = int32(len(ids))
		}
		return ids[key]
	}, fmt.Sprintf("95 %% bootstrap over blocks of one station and three hours, within these %d days only", len(days))
}

// scoreCancelled scores P(cancelled) at the middle horizon beside the rate of
// the test days themselves, which is a generous baseline.
func scoreCancelled(model *forecast.Model, table *dataset.Table) (schemas.CancelScore, error) {
	at := table.AtHorizon(60)
	var s schemas.CancelScore
	if len(at.Rows) == 0 {
		return s, nil
	}
	p, cancelled := make([]float64, len(at.Rows)), make([]bool, len(at.Rows))
	for i, row := range at.Rows {
		d, err := model.Forecast(at.Vector(i), float64(row.Horizon))
		if err != nil {
			return s, err
		}
		p[i], cancelled[i] = d.Cancelled, row.Cancelled
		if row.Cancelled {
			s.Cancelled++
		}
	}
	rate := make([]float64, len(p))
	for i := range rate {
		rate[i] = float64(s.Cancelled) / float64(len(p))
	}
	s.Events, s.Brier, s.RateBrier = len(p), metric.Brier(p, cancelled), metric.Brier(rate, cancelled)
	return s, nil
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
