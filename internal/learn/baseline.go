package learn

import (
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

// FitBaselines fits on a table of events that ran, one row an event and horizon.
func FitBaselines(ran *dataset.Table) (Baselines, error) {
	late, events := 0, map[rail.EventKey]dataset.Row{}
	for _, row := range ran.Rows {
		events[row.Key()] = row
	}
	if len(events) == 0 {
		return Baselines{}, fmt.Errorf("fit baselines: the training days hold no event with an observed change")
	}
	for _, row := range events {
		if row.Late() {
			late++
		}
	}
	b := Baselines{Rate: float64(late) / float64(len(events)), Events: len(events), Forecast: map[int]map[string]float64{}}
	var once []dataset.Row
	for _, row := range events {
		once = append(once, row)
	}
	b.Category = shrunk(once, categoryKey, categoryPrior, b.Rate)
	byHorizon := map[int][]dataset.Row{}
	for _, row := range ran.Rows {
		byHorizon[row.Horizon] = append(byHorizon[row.Horizon], row)
	}
	for horizon, rows := range byHorizon {
		b.Forecast[horizon] = shrunk(rows, forecastKey, calibratedPrior, b.Rate)
	}
	return b, nil
}

// shrunk is the late rate of each group, with prior events at the base rate.
func shrunk(rows []dataset.Row, key func(dataset.Row) string, prior, base float64) map[string]float64 {
	events, late := map[string]float64{}, map[string]float64{}
	for _, row := range rows {
		events[key(row)]++
		if row.Late() {
			late[key(row)]++
		}
	}
	rates := make(map[string]float64, len(events))
	for k, n := range events {
		rates[k] = (late[k] + prior*base) / (n + prior)
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
