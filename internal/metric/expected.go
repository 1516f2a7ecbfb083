package metric

import "math"

// The functions below say which score forecasts have on the mean if every event
// comes true with the probability that was forecast for it, so before any truth is known.
// They are right as far as the forecasts are calibrated. The Brier score so expected is
// Sharpness. NaN without forecasts. Source: J. Białek et al., "Estimating Model Performance
// Under Covariate Shift Without Labels", arXiv:2401.08348 (2024), confidence-based
// performance estimation.

// ExpectedLogLoss is the mean entropy in nats.
func ExpectedLogLoss(p []float64) float64 {
	sum := 0.0
	for _, v := range p {
		sum += entropy(v) + entropy(1-v)
	}
	return sum / float64(len(p))
}

// entropy is -p·ln p, 0 for p = 0.
func entropy(p float64) float64 {
	if p == 0 {
		return 0
	}
	return -p * math.Log(p)
}

// ExpectedAccuracy is that at threshold 0.5.
func ExpectedAccuracy(p []float64) float64 {
	sum := 0.0
	for _, v := range p {
		sum += max(v, 1-v)
	}
	return sum / float64(len(p))
}

// ExpectedAUC is the expected number of pairs in the right order, ties counting half,
// over the expected number of pairs of one event that comes true and another that does
// not. NaN where no such pair is expected.
func ExpectedAUC(p []float64) float64 {
	order := ascending(p)
	right, pairs := 0.0, 0.0
	var total, below float64 // of 1-p: all events, and those with a smaller p
	for _, f := range order {
		total += 1 - f.p
	}
	for i := 0; i < len(order); {
		end, tied := i, 0.0
		for ; end < len(order) && order[end].p == order[i].p; end++ {
			tied += 1 - order[end].p
		}
		v, n := order[i].p, float64(end-i)
		right += n * v * (below + (tied-(1-v))/2)
		pairs += n * v * (total - (1 - v))
		below += tied
		i = end
	}
	if pairs == 0 {
		return math.NaN()
	}
	return right / pairs
}
