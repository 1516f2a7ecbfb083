package learn

import (
	"context"
	"fmt"

	"puenktlich/internal/dataset"
	"puenktlich/internal/rail"
)

// Prior weights of the shrunk rates, in events at the base rate.
const (
	categoryPrior   = 20
	calibratedPrior = 5
)

// Baselines are the forecasts to beat, fitted on the training days alone. An
// event is the arrival or departure of a planned stop that was not cancelled
// and had a changed time observed; late is 6 minutes or more.
type Baselines struct {
	Rate     float64                    `json:"rate"`
	Category map[string]float64         `json:"rate_by_category"`    // category x arrival/departure
	Forecast map[int]map[string]float64 `json:"forecast_calibrated"` // horizon -> category x bin of the forecast delay
	Events   int                        `json:"events"`
}

// FitBaselines fits on the rows of a source that ran, one row an event and
// horizon.
func (t Trainer) FitBaselines(ctx context.Context, source Source) (Baselines, error) {
	return fitBaselines(ctx, Data{source: source, keep: ran})
}

func fitBaselines(ctx context.Context, data Data) (Baselines, error) {
	all, categories, forecasts := tally{}, map[string]*tally{}, map[int]map[string]*tally{}
	events := distinct{}
	err := data.each(ctx, func(batch *dataset.Table) error {
		for _, row := range batch.Rows {
			if events.add(row) {
				all.add(row)
				count(categories, categoryKey(row), row)
			}
			if forecasts[row.Horizon] == nil {
				forecasts[row.Horizon] = map[string]*tally{}
			}
			count(forecasts[row.Horizon], forecastKey(row), row)
		}
		return nil
	})
	if err != nil {
		return Baselines{}, err
	}
	if all.events == 0 {
		return Baselines{}, fmt.Errorf("fit baselines: the training days hold no event with an observed change")
	}
	b := Baselines{Rate: all.late / all.events, Events: int(all.events), Forecast: map[int]map[string]float64{}}
	b.Category = shrunk(categories, categoryPrior, b.Rate)
	for horizon, groups := range forecasts {
		b.Forecast[horizon] = shrunk(groups, calibratedPrior, b.Rate)
	}
	return b, nil
}

// tally counts events of a group.
type tally struct{ events, late float64 }

func (t *tally) add(row dataset.Row) {
	t.events++
	if row.Late() {
		t.late++
	}
}

func count(groups map[string]*tally, key string, row dataset.Row) {
	if groups[key] == nil {
		groups[key] = &tally{}
	}
	groups[key].add(row)
}

// shrunk is the late rate of each group, with prior events at the base rate.
func shrunk(groups map[string]*tally, prior, base float64) map[string]float64 {
	rates := make(map[string]float64, len(groups))
	for key, group := range groups {
		rates[key] = (group.late + prior*base) / (group.events + prior)
	}
	return rates
}

func categoryKey(r dataset.Row) string { return r.Category + "|" + string(r.Kind) }

func forecastKey(r dataset.Row) string {
	return fmt.Sprintf("%s|%s", r.Category, forecastBin(r.DBDelay))
}

// forecastBin is: below -1; each whole minute to 14; tens of minutes to 60; above.
func forecastBin(minutes int) string {
	switch {
	case minutes < -1:
		return "early"
	case minutes <= 14:
		return fmt.Sprint(minutes)
	case minutes <= 60:
		return fmt.Sprintf("%d0s", minutes/10)
	}
	return "above"
}

// LateByCategory is P(late) by category and arrival or departure.
func (b Baselines) LateByCategory(r dataset.Row) float64 {
	return b.orRate(b.Category[categoryKey(r)])
}

// LateByForecast is the railway's forecast as it stands: 0 or 1.
func (b Baselines) LateByForecast(r dataset.Row) float64 {
	if rail.OnTime(r.DBDelay) {
		return 0
	}
	return 1
}

// LateByCalibratedForecast is P(late) given the railway's forecast at the
// row's horizon, by category; the base rate for a group never seen.
func (b Baselines) LateByCalibratedForecast(r dataset.Row) float64 {
	return b.orRate(b.Forecast[r.Horizon][forecastKey(r)])
}

// orRate takes a shrunk rate, which is never 0, or the base rate for none.
func (b Baselines) orRate(rate float64) float64 {
	if rate == 0 {
		return b.Rate
	}
	return rate
}

// baseline is the learner of one of the baselines.
type baseline struct{ algorithm Algorithm }

// Fit counts; the railway's own forecast as it stands needs nothing.
func (l baseline) Fit(ctx context.Context, task Task) (Fitted, error) {
	fitted, err := fitBaselines(ctx, task.Train)
	if err != nil {
		return nil, err
	}
	late := map[Algorithm]func(dataset.Row) float64{
		Rate:               func(dataset.Row) float64 { return fitted.Rate },
		RateByCategory:     fitted.LateByCategory,
		Forecast:           fitted.LateByForecast,
		ForecastCalibrated: fitted.LateByCalibratedForecast,
	}[l.algorithm]
	if late == nil {
		return nil, fmt.Errorf("%s: no learner for algorithm %q: want one of %v", task.Name, l.algorithm, Algorithms())
	}
	return fittedBaseline{late}, nil
}

type fittedBaseline struct{ late func(dataset.Row) float64 }

func (f fittedBaseline) Curve() Curve { return Curve{Best: 1} }

func (f fittedBaseline) OnTime(out []float64, rows *dataset.Table) error {
	for i, row := range rows.Rows {
		out[i] = 1 - f.late(row)
	}
	return nil
}
