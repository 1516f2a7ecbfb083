// Package metric scores forecasts: probabilities of being late, delay distributions and
// quantiles, with intervals that respect that events of one day are not independent.
//
// A forecast p is P(late) in [0,1], an outcome y is true when the event was late. Slices
// given together have one element per event and the same length; a function that returns
// no error panics on different lengths, because that is a fault of the program and not of
// the data. No function keeps or changes its arguments. A score that does not exist (no
// events, one class only) is NaN. All sums run in a fixed order, so the same input gives
// the same bits.
package metric

import (
	"fmt"
	"math"
)

// Brier returns the mean of (p - y)², in [0,1], lower is better; NaN without events.
// Source: G. W. Brier, "Verification of forecasts expressed in terms of probability",
// Monthly Weather Review 78 (1950), in its form for two outcomes (half of Brier's sum).
func Brier(p []float64, y []bool) float64 {
	requireSame(len(p), len(y))
	sum := 0.0
	for i := range p {
		d := p[i] - indicator(y[i])
		sum += d * d
	}
	return sum / float64(len(p))
}

// LogLoss returns the mean of -ln P(what happened) in nats, lower is better. A forecast of
// exactly 0 or 1 has no log loss: then, and without events, the result is NaN and false.
// Nothing is clipped. Source: I. J. Good, "Rational decisions", JRSS B 14 (1952).
func LogLoss(p []float64, y []bool) (float64, bool) {
	requireSame(len(p), len(y))
	if len(p) == 0 {
		return math.NaN(), false
	}
	sum := 0.0
	for i := range p {
		if !(p[i] > 0 && p[i] < 1) {
			return math.NaN(), false
		}
		if y[i] {
			sum -= math.Log(p[i])
		} else {
			sum -= math.Log1p(-p[i])
		}
	}
	return sum / float64(len(p)), true
}

// Accuracy returns the share of events on the right side of 0.5, where p >= 0.5 says late;
// NaN without events. A headline it is not: "on time" for all is right most of the time.
func Accuracy(p []float64, y []bool) float64 {
	requireSame(len(p), len(y))
	right := 0
	for i := range p {
		if (p[i] >= 0.5) == y[i] {
			right++
		}
	}
	return float64(right) / float64(len(p))
}

// Sharpness returns the mean of p(1-p), in [0,0.25], lower is sharper; NaN without
// events. It is the Brier score that p would have were it perfectly calibrated, and says
// nothing of whether it is. Source: T. Gneiting, F. Balabdaoui and A. E. Raftery,
// "Probabilistic forecasts, calibration and sharpness", JRSS B 69 (2007).
func Sharpness(p []float64) float64 {
	sum := 0.0
	for _, v := range p {
		sum += v * (1 - v)
	}
	return sum / float64(len(p))
}

// LateRate returns the share of late events; NaN without events.
func LateRate(y []bool) float64 {
	late := 0
	for _, v := range y {
		if v {
			late++
		}
	}
	return float64(late) / float64(len(y))
}

// Skill returns 1 - score/reference for scores whose best value is 0: 1 is perfect, 0 is
// as good as the reference, negative is worse. NaN when the reference is 0 or NaN.
// Source: A. H. Murphy, "Skill scores based on the mean square error and their
// relationships to the correlation coefficient", Monthly Weather Review 116 (1988).
func Skill(score, reference float64) float64 {
	if reference == 0 {
		return math.NaN()
	}
	return 1 - score/reference
}

func indicator(v bool) float64 {
	if v {
		return 1
	}
	return 0
}

func requireSame(forecasts, outcomes int) {
	if forecasts != outcomes {
		panic(fmt.Sprintf("metric: %d forecasts for %d outcomes, one each is needed", forecasts, outcomes))
	}
}
