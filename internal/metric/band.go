package metric

import (
	"math"
	"math/rand/v2"
	"slices"
)

// exactEvents is up to how many events CalibratedECE draws each outcome; beyond
// them the sum of a bin's outcomes is drawn from a normal distribution with its
// mean and variance, from which it then cannot be told apart.
const exactEvents = 20_000

// CalibratedECE returns the 95 % point of the ECE that forecasts p have when they
// are perfectly calibrated and events are independent: outcomes are drawn from p
// itself. An ECE up to it is no evidence against calibration. Events that share a
// delay scatter more, so it is a strict bound. NaN without events or bins. The same
// input and seed give the same number. Source: J. Bröcker and L. A. Smith,
// "Increasing the reliability of reliability diagrams", Weather and Forecasting 22
// (2007), who draw outcomes so.
func CalibratedECE(p []float64, bins, simulations int, seed uint64) float64 {
	if len(p) == 0 || bins <= 0 || simulations < 1 {
		return math.NaN()
	}
	random := rand.New(rand.NewPCG(seed, pcgStream))
	parts := equalMass(p, bins)
	errors := make([]float64, simulations)
	for i := range errors {
		for _, part := range parts {
			errors[i] += math.Abs(part.gap(random, len(p) <= exactEvents))
		}
		errors[i] /= float64(len(p))
	}
	slices.Sort(errors)
	return percentile(errors, Level)
}

// mass is the forecasts of one bin.
type mass struct {
	p              []forecastAt
	sum, deviation float64 // of the number of late events
}

// gap draws outcomes and returns late events less forecast ones.
func (m mass) gap(random *rand.Rand, exact bool) float64 {
	if !exact {
		return m.deviation * random.NormFloat64()
	}
	late := 0.0
	for _, f := range m.p {
		if random.Float64() < f.p {
			late++
		}
	}
	return late - m.sum
}

// equalMass takes forecasts apart into the bins of Reliability.
func equalMass(p []float64, bins int) []mass {
	order := ascending(p)
	var parts []mass
	current, variance := -1, 0.0
	for i, f := range order {
		if i == 0 || f.p != order[i-1].p {
			if b := i * bins / len(order); b != current {
				current, variance = b, 0
				parts = append(parts, mass{p: order[i:i]})
			}
		}
		last := &parts[len(parts)-1]
		last.p = last.p[:len(last.p)+1]
		last.sum += f.p
		variance += f.p * (1 - f.p)
		last.deviation = math.Sqrt(variance)
	}
	return parts
}
