// Package calibrate corrects probabilities that are systematically too high or too low:
// Platt scaling on the logit, one for each forecast horizon, and isotonic regression. A
// calibration is fitted on events the model was not trained on, and serialised with it.
//
// A probability is clipped to [Clip, 1-Clip] on the way in and on the way out, so that
// logit and log loss always exist; NaN stays NaN. An outcome is true when the event whose
// probability is given came true: for P(delay <= 5) that the delay was at most 5, for
// P(late) that it was late. All sums run in a fixed order.
package calibrate

import (
	"errors"
	"fmt"
	"math"
)

// Clip is the smallest probability told apart from 0, and 1-Clip the largest from 1.
const Clip = 1e-6

func clip(p float64) float64 {
	return min(max(p, Clip), 1-Clip)
}

// logit returns ln(p/(1-p)) of the clipped p.
func logit(p float64) float64 {
	p = clip(p)
	return math.Log(p) - math.Log1p(-p)
}

// sigmoid returns 1/(1+e^-z), without overflow.
func sigmoid(z float64) float64 {
	if z >= 0 {
		return 1 / (1 + math.Exp(-z))
	}
	e := math.Exp(z)
	return e / (1 + e)
}

func checkEvents(p []float64, y []bool) error {
	if len(p) != len(y) {
		return fmt.Errorf("%d forecasts for %d outcomes, give one each", len(p), len(y))
	}
	if len(p) == 0 {
		return errors.New("no events, give at least one")
	}
	for i, v := range p {
		if !(v >= 0 && v <= 1) {
			return fmt.Errorf("row %d: forecast %v is not a probability, give a number in [0,1]", i, v)
		}
	}
	return nil
}

func finite(v float64) bool {
	return !math.IsNaN(v) && !math.IsInf(v, 0)
}
