package metric

import (
	"encoding/json"
	"fmt"
	"math"

	"puenktlich/internal/strictjson"
)

// ECEBins is the number of bins of equal mass in Scores.ECE.
const ECEBins = 15

// Scores judges P(late) forecasts on events whose truth is known. A score that does not
// exist is NaN in Go and null in JSON.
type Scores struct {
	Events       int     // events scored
	LateRate     float64 // share that was late
	MeanForecast float64 // mean of p; equal to LateRate when calibrated in the large
	Brier        float64
	LogLoss      float64 // nats; NaN when any forecast is exactly 0 or 1
	AUC          float64 // NaN when all or none were late
	ECE          float64 // over ECEBins bins of equal mass
	Accuracy     float64 // at threshold 0.5
}

// Score computes all scores of p against y. It returns an error that names the row and the
// value when a forecast is no number in [0,1], and one when the lengths differ. Without
// events every score is NaN.
func Score(p []float64, y []bool) (Scores, error) {
	if err := checkForecasts(p, y); err != nil {
		return Scores{}, fmt.Errorf("score forecasts: %w", err)
	}
	logLoss, _ := LogLoss(p, y)
	return Scores{
		Events:       len(p),
		LateRate:     LateRate(y),
		MeanForecast: mean(p),
		Brier:        Brier(p, y),
		LogLoss:      logLoss,
		AUC:          AUC(p, y),
		ECE:          ECE(p, y, ECEBins),
		Accuracy:     Accuracy(p, y),
	}, nil
}

func checkForecasts(p []float64, y []bool) error {
	if len(p) != len(y) {
		return fmt.Errorf("%d forecasts for %d outcomes, give one each", len(p), len(y))
	}
	for i, v := range p {
		if !(v >= 0 && v <= 1) {
			return fmt.Errorf("row %d: forecast %v is not a probability, give a number in [0,1]", i, v)
		}
	}
	return nil
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

type scoresJSON struct {
	Events       int      `json:"events"`
	LateRate     *float64 `json:"late_rate"`
	MeanForecast *float64 `json:"mean_forecast"`
	Brier        *float64 `json:"brier"`
	LogLoss      *float64 `json:"log_loss"`
	AUC          *float64 `json:"auc"`
	ECE          *float64 `json:"ece"`
	Accuracy     *float64 `json:"accuracy"`
}

// MarshalJSON writes NaN as null.
func (s Scores) MarshalJSON() ([]byte, error) {
	return json.Marshal(scoresJSON{
		Events: s.Events, LateRate: orNull(s.LateRate), MeanForecast: orNull(s.MeanForecast),
		Brier: orNull(s.Brier), LogLoss: orNull(s.LogLoss), AUC: orNull(s.AUC),
		ECE: orNull(s.ECE), Accuracy: orNull(s.Accuracy),
	})
}

// UnmarshalJSON reads null, and a score that is not there, as NaN; unknown fields are errors.
func (s *Scores) UnmarshalJSON(data []byte) error {
	var w scoresJSON
	if err := strictjson.Unmarshal(data, &w); err != nil {
		return fmt.Errorf("read scores: %w", err)
	}
	*s = Scores{
		Events: w.Events, LateRate: orNaN(w.LateRate), MeanForecast: orNaN(w.MeanForecast),
		Brier: orNaN(w.Brier), LogLoss: orNaN(w.LogLoss), AUC: orNaN(w.AUC),
		ECE: orNaN(w.ECE), Accuracy: orNaN(w.Accuracy),
	}
	return nil
}

func orNull(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	return &v
}

func orNaN(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}
