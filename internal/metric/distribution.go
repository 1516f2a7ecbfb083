package metric

import "math"

// CRPS returns the continuous ranked probability score of one delay distribution over
// ordinal buckets, in the unit of edges (minutes), lower is better; NaN without edges.
//
// cumulative[k] is P(delay <= edges[k]) and edges ascend strictly. The score is the sum of
// (cumulative[k] - 1{delay <= edges[k]})² * width[k], where width[k] reaches up to the next
// edge. That is the exact integral for a distribution whose mass lies on the edges, as it
// does with whole minutes and an edge at each. The bucket above the last edge is open: its
// edge weighs as much as the gap before it, or 1 when it is the only one. Source: H.
// Hersbach, "Decomposition of the continuous ranked probability score for ensemble
// prediction systems", Weather and Forecasting 15 (2000).
func CRPS(cumulative, edges []float64, delay float64) float64 {
	requireSame(len(cumulative), len(edges))
	if len(edges) == 0 {
		return math.NaN()
	}
	sum := 0.0
	for k, f := range cumulative {
		d := f - indicator(delay <= edges[k])
		sum += d * d * width(edges, k)
	}
	return sum
}

func width(edges []float64, k int) float64 {
	switch {
	case k+1 < len(edges):
		return edges[k+1] - edges[k]
	case k > 0:
		return edges[k] - edges[k-1]
	default:
		return 1
	}
}

// Quantile returns the smallest edge at which the cumulative distribution reaches level,
// or NaN and false when it lies in the open bucket above the last edge.
func Quantile(cumulative, edges []float64, level float64) (float64, bool) {
	requireSame(len(cumulative), len(edges))
	for k, f := range cumulative {
		if f >= level {
			return edges[k], true
		}
	}
	return math.NaN(), false
}

// QuantileLoss returns the mean pinball loss of forecasts of the quantile at level in
// (0,1), in the unit of the delays, lower is better; NaN without events. Too low costs
// level per minute, too high 1-level. Source: R. Koenker and G. Bassett, "Regression
// quantiles", Econometrica 46 (1978).
func QuantileLoss(level float64, forecast, delay []float64) float64 {
	requireSame(len(forecast), len(delay))
	sum := 0.0
	for i, q := range forecast {
		sum += Pinball(level, q, delay[i])
	}
	return sum / float64(len(delay))
}

// Pinball is the loss of one forecast of the quantile at level, as in QuantileLoss.
func Pinball(level, forecast, delay float64) float64 {
	d := delay - forecast
	return max(level*d, (level-1)*d)
}

// MAE returns the mean of |forecast - delay|, in the unit of the delays; NaN without
// events. The forecast to give it is the median, which minimises it.
func MAE(forecast, delay []float64) float64 {
	requireSame(len(forecast), len(delay))
	sum := 0.0
	for i, m := range forecast {
		sum += math.Abs(delay[i] - m)
	}
	return sum / float64(len(delay))
}
