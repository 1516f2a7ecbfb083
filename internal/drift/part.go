package drift

import (
	"maps"
	"math"
	"slices"
)

// Part is what the forecasts of one part of the events came to.
type Part struct {
	Events int
	// Bias is the mean of outcome less forecast.
	Bias float64
	// Variance is that of one event's outcome under the forecasts: the mean of p(1-p).
	Variance float64
}

// Apart answers for each part how far its bias lies from that of all the others
// together, in standard errors: what all have in common, such as weather, falls out. An
// event counts once, however many forecasts it has. Parts of fewer events than least, or
// with fewer others, or whose forecasts promise no variance are left out.
// Source: the score test of two binomial shares against given probabilities, D. J.
// Spiegelhalter, "Probabilistic prediction in patient management and clinical trials",
// Statistics in Medicine 5 (1986), for a difference of two.
func Apart(parts map[string]Part, least int) map[string]float64 {
	var events int
	var bias, variance float64
	for _, name := range slices.Sorted(maps.Keys(parts)) { // one order of adding up: the same to the last bit
		p := parts[name]
		events += p.Events
		bias += float64(p.Events) * p.Bias
		variance += float64(p.Events) * p.Variance
	}
	apart := map[string]float64{}
	for name, p := range parts {
		n, others := float64(p.Events), float64(events-p.Events)
		if p.Events < least || others < float64(least) {
			continue
		}
		difference := p.Bias - (bias-n*p.Bias)/others
		of := p.Variance/n + (variance-n*p.Variance)/(others*others)
		if z := difference / math.Sqrt(of); of > 0 && !math.IsNaN(z) {
			apart[name] = z
		}
	}
	return apart
}
