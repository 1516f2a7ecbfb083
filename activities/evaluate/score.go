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

// score fills a report from the rows of the test days. champion may be nil.
func score(model *forecast.Model, b learn.Baselines, table *dataset.Table, champion *forecast.Model) (schemas.Report, schemas.ModelCost, error) {
	var report schemas.Report
	s, err := forecastAll(model, b, table)
	if err != nil {
		return report, schemas.ModelCost{}, err
	}
	all := s.where(func(int) bool { return true })
	if len(all.at) == 0 {
		return report, schemas.ModelCost{}, fmt.Errorf("the test days hold no event that ran with an observed change")
	}
	if champion != nil {
		if err := s.chargeChampion(champion, table, all); err != nil {
			return report, schemas.ModelCost{}, err
		}
	}
	events, distinct := eventsOf(all)
	report.TestEvents, report.TestDayCount, report.Interval = distinct, s.days, s.how()
	report.Notes = limits(all)
	s.scoreHorizons(&report, champion != nil)
	overall, drawn := all.score()
	overall.Events = distinct
	report.Overall = &overall
	if champion != nil {
		report.Champion.Overall = s.compare(0, len(all.at), drawn)
		report.Champion.Verdict = report.Champion.Overall.Verdict
	}
	report.Slices = s.slices(table, events)
	report.Worst = worst(report.Slices)
	report.Cancelled = s.scoreCancelled()
	return report, schemas.ModelCost{RowMicroseconds: s.microseconds}, nil
}

// scoreHorizons scores each horizon of the grid, and compares.
func (s *sample) scoreHorizons(report *schemas.Report, compared bool) {
	if compared {
		report.Champion = &schemas.Comparison{}
	}
	for _, minutes := range rail.Horizons() {
		p := s.where(func(i int) bool { return s.rows[i].Horizon == minutes })
		if len(p.at) == 0 {
			continue
		}
		row, drawn := p.score()
		row.Minutes = minutes
		report.Horizons = append(report.Horizons, row)
		if compared {
			report.Champion.Horizons = append(report.Champion.Horizons, s.compare(minutes, len(p.at), drawn))
		}
	}
}

// score is one row of a report.
func (p part) score() (schemas.HorizonScore, figures) {
	forecasts, late := p.outcomes()
	drawn := p.bootstrap(true)
	h := schemas.HorizonScore{Events: len(p.at), LateRate: metric.LateRate(late), Score: scoreOf(forecasts, late),
		ECE: metric.ECE(forecasts, late, eceBins), ECEBand: metric.CalibratedECE(forecasts, eceBins, simulations, seed), Baselines: p.scoreBaselines(late)}
	h.BrierLow, h.BrierHigh = orEstimate(drawn[brierCost].Low, h.Brier), orEstimate(drawn[brierCost].High, h.Brier)
	best := 0.0
	h.BestBaseline, best = h.Baselines.Best()
	if skill := metric.Skill(h.Brier, best); !math.IsNaN(skill) {
		h.Skill = skill // none over a baseline without a fault, and JSON has no NaN
	}
	against := verdict(drawn.skill(h.BestBaseline))
	if best == 0 && h.Brier > 0 {
		against = schemas.VerdictWorse // no skill exists against a baseline without a fault
	}
	h.Verdict = p.enough(against)
	h.Detail = detail(forecasts, late, drawn)
	return h, drawn
}

// orEstimate stands in for the bound of an interval that does not exist.
func orEstimate(bound, estimate float64) float64 {
	if math.IsNaN(bound) {
		return estimate
	}
	return bound
}

func detail(forecasts []float64, late []bool, f figures) *schemas.ScoreDetail {
	return &schemas.ScoreDetail{
		Rows: len(forecasts), MeanForecast: mean(forecasts), Brier: f.mean(brierCost), LogLoss: f.mean(logLossCost),
		AUC: f.of(aucFigure), ECE: f.of(eceFigure), Sharpness: f.mean(sharpness),
		Skill: schemas.SkillEstimates{Rate: f.of(skillRate), RateByCategory: f.of(skillCategory), DBForecast: f.of(skillDB), DBForecastCalibrated: f.of(skillDBCalibrated)},
		CRPS:  f.mean(crps), CRPSDB: f.mean(crpsDB), MAE: f.mean(medianError), MAEDB: f.mean(errorDB),
		Quantiles: []schemas.QuantileEstimate{{Level: 0.1, Loss: f.mean(pinball10)}, {Level: 0.5, Loss: f.mean(pinball50)}, {Level: 0.9, Loss: f.mean(pinball90)}},
		Width80:   f.mean(width80), Coverage80: f.mean(covered80), Reliability: reliability(forecasts, late),
	}
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

func reliability(forecasts []float64, came []bool) []schemas.ReliabilityBin {
	var bins []schemas.ReliabilityBin
	for _, b := range metric.Reliability(forecasts, came, eceBins) {
		bins = append(bins, schemas.ReliabilityBin{Events: b.Events, Low: b.Low, High: b.High, MeanForecast: b.MeanForecast, Rate: b.LateRate})
	}
	return bins
}

// limits are sentences on what the test days cannot tell.
func limits(all part) []string {
	_, late := all.outcomes()
	var notes []string
	switch metric.LateRate(late) {
	case 0:
		notes = append(notes, fmt.Sprintf("none of %d forecasts met a late event: AUC does not exist, and nothing is known of how late events are told apart", len(late)))
	case 1:
		notes = append(notes, fmt.Sprintf("all of %d forecasts met a late event: AUC does not exist, and nothing is known of how punctual events are told apart", len(late)))
	}
	if all.days < minDays {
		notes = append(notes, fmt.Sprintf("%d test days are not enough days for a verdict: intervals are within these days only, and at least %d would be needed", all.days, minDays))
	}
	return notes
}
