package modelpkg

import (
	"fmt"
	"math"
	"slices"

	"puenktlich/internal/dataset"
	"puenktlich/internal/feature"
	"puenktlich/internal/forecast"
	"puenktlich/internal/metric"
)

// SampleScores are the scores of a model on the labelled sample in its package,
// the file sample-metrics.json. They are there to be computed again; how good
// the model is says metrics.json, on all test days.
type SampleScores struct {
	Rows     int             `json:"rows"`
	Horizons []SampleHorizon `json:"horizons"` // longest first
	// Cancelled scores P(cancelled) on every row.
	Cancelled metric.Scores `json:"p_cancelled"`
}

// SampleHorizon scores P(late) on the rows of one horizon that ran, with a
// changed time observed.
type SampleHorizon struct {
	Minutes int           `json:"horizon_minutes"`
	Scores  metric.Scores `json:"p_late"`
}

// Tolerances of a score computed again. Means move with the last bits of their
// forecasts; ranks and bins may jump where two forecasts are that close.
const (
	meanTolerance = 1e-9
	rankTolerance = 1e-3
)

// readSample decodes the Parquet file. Bytes that make the reader panic are an
// error like others: they come from outside.
func readSample(parquet []byte) (table *dataset.Table, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			table, err = nil, fmt.Errorf("read parquet: %v", cause)
		}
	}()
	if table, err = dataset.Decode(parquet); err != nil {
		return nil, err
	}
	if table.Version != feature.Version() || !slices.Equal(table.Names, feature.Names()) {
		return nil, fmt.Errorf("its features are %s, this program computes %s", table.Version, feature.Version())
	}
	if len(table.Rows) == 0 {
		return nil, fmt.Errorf("it has no row")
	}
	return table, table.CheckFinite()
}

// scoreSample forecasts every row of a sample and scores what it says.
func scoreSample(model *forecast.Model, table *dataset.Table) (SampleScores, error) {
	scores := SampleScores{Rows: len(table.Rows)}
	late, truth := map[int][]float64{}, map[int][]bool{}
	var cancelled []float64
	var was []bool
	for i, row := range table.Rows {
		d, err := model.Forecast(table.Vector(i), float64(row.Horizon))
		if err != nil {
			return scores, fmt.Errorf("row %d, %s: %w", i, row.Place(), err)
		}
		cancelled, was = append(cancelled, d.Cancelled), append(was, row.Cancelled)
		if row.Ran() {
			late[row.Horizon], truth[row.Horizon] = append(late[row.Horizon], d.Late()), append(truth[row.Horizon], row.Late())
		}
	}
	var err error
	if scores.Cancelled, err = metric.Score(cancelled, was); err != nil {
		return scores, fmt.Errorf("P(cancelled): %w", err)
	}
	for minutes, p := range late {
		s, err := metric.Score(p, truth[minutes])
		if err != nil {
			return scores, fmt.Errorf("P(late) at %d min: %w", minutes, err)
		}
		scores.Horizons = append(scores.Horizons, SampleHorizon{minutes, s})
	}
	slices.SortFunc(scores.Horizons, func(a, b SampleHorizon) int { return b.Minutes - a.Minutes })
	return scores, nil
}

// compare says where scores computed again differ from those recorded.
func (s SampleScores) compare(again SampleScores) error {
	if s.Rows != again.Rows || len(s.Horizons) != len(again.Horizons) {
		return fmt.Errorf("recorded on %d rows at %d horizons, computed on %d at %d", s.Rows, len(s.Horizons), again.Rows, len(again.Horizons))
	}
	if err := compareScores(s.Cancelled, again.Cancelled); err != nil {
		return fmt.Errorf("P(cancelled): %w", err)
	}
	for i, recorded := range s.Horizons {
		if recorded.Minutes != again.Horizons[i].Minutes {
			return fmt.Errorf("recorded at %d min, computed at %d min", recorded.Minutes, again.Horizons[i].Minutes)
		}
		if err := compareScores(recorded.Scores, again.Horizons[i].Scores); err != nil {
			return fmt.Errorf("P(late) at %d min: %w", recorded.Minutes, err)
		}
	}
	return nil
}

func compareScores(recorded, again metric.Scores) error {
	if recorded.Events != again.Events {
		return fmt.Errorf("recorded on %d events, computed on %d", recorded.Events, again.Events)
	}
	for _, x := range []struct {
		name                       string
		recorded, again, tolerance float64
	}{
		{"late rate", recorded.LateRate, again.LateRate, meanTolerance}, {"mean forecast", recorded.MeanForecast, again.MeanForecast, meanTolerance},
		{"Brier", recorded.Brier, again.Brier, meanTolerance}, {"log loss", recorded.LogLoss, again.LogLoss, meanTolerance},
		{"AUC", recorded.AUC, again.AUC, rankTolerance}, {"ECE", recorded.ECE, again.ECE, rankTolerance}, {"accuracy", recorded.Accuracy, again.Accuracy, rankTolerance},
	} {
		same := math.IsNaN(x.recorded) && math.IsNaN(x.again) || math.Abs(x.recorded-x.again) <= x.tolerance
		if !same {
			return fmt.Errorf("%s recorded as %v, computed as %v", x.name, x.recorded, x.again)
		}
	}
	return nil
}
