package learn

import (
	"fmt"
	"maps"
	"slices"

	"puenktlich/internal/calibrate"
	"puenktlich/internal/drift"
)

// forecastBins of the distribution of P(late).
const forecastBins = 20

// ForecastReference is the distribution of P(late) that a calibration makes of
// forecasts of P(on time) on days that were not learned from; false without any.
// Its days are the folds, where they are told apart.
func ForecastReference(events calibrate.HorizonEvents, fold []int, calibration calibrate.Horizons) (r drift.Reference, known bool, err error) {
	if len(events.Forecast) == 0 {
		return r, false, nil
	}
	all, byFold, p := make([]float64, len(events.Forecast)), map[string][]float64{}, make([]float64, 1)
	for i, f := range events.Forecast {
		p[0] = f
		calibration.ApplyCumulative(p, p, float64(events.HorizonMinutes[i]))
		all[i] = 1 - p[0]
		if len(fold) == len(all) {
			name := fmt.Sprintf("fold %03d", fold[i])
			byFold[name] = append(byFold[name], all[i])
		}
	}
	if r, err = drift.NewReference(drift.ForecastName, all, forecastBins); err != nil {
		return r, true, err
	}
	for _, name := range slices.Sorted(maps.Keys(byFold)) {
		counts := r.NewCounts()
		if err := r.Add(&counts, byFold[name]); err != nil {
			return r, true, err
		}
		r.Days = append(r.Days, drift.DayCounts{Day: name, Counts: counts})
	}
	return r, true, nil
}

// WithForecastReference answers references with that of P(late) made anew; it
// changes none of its arguments.
func WithForecastReference(references []drift.Reference, events calibrate.HorizonEvents, fold []int, calibration calibrate.Horizons) ([]drift.Reference, error) {
	kept := slices.DeleteFunc(slices.Clone(references), func(r drift.Reference) bool { return r.Feature == drift.ForecastName })
	made, known, err := ForecastReference(events, fold, calibration)
	if err != nil || !known {
		return kept, err
	}
	return append(kept, made), nil
}
