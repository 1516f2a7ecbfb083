package evaluate

import (
	"puenktlich/internal/metric"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
)

// cancelMinutes is the horizon of the short figures.
const cancelMinutes = 60

// scoreCancelled scores P(cancelled) on every settled event at each horizon, beside
// the rate of the test days themselves, which is a generous baseline.
func (s *sample) scoreCancelled() schemas.CancelScore {
	var out schemas.CancelScore
	for _, minutes := range rail.Horizons() {
		p := part{sample: s}
		for i, row := range s.rows {
			if row.Horizon == minutes {
				p.at = append(p.at, i)
			}
		}
		if len(p.at) == 0 {
			continue
		}
		h, rateBrier := p.cancelHorizon(minutes)
		out.Horizons = append(out.Horizons, h)
		if minutes == cancelMinutes {
			out.Events, out.Cancelled, out.Brier, out.RateBrier = h.Events, h.Cancelled, *h.Brier.Value, rateBrier
		}
	}
	return out
}

// cancelHorizon scores one horizon and answers the rate's Brier score too.
func (p part) cancelHorizon(minutes int) (schemas.CancelHorizon, float64) {
	forecasts, came := gather(p.cancelled, p.at), make([]bool, len(p.at))
	h := schemas.CancelHorizon{Minutes: minutes, Events: len(p.at)}
	for k, i := range p.at {
		if came[k] = p.rows[i].Cancelled; came[k] {
			h.Cancelled++
		}
	}
	block, blocks := metric.Dense(gather(p.block, p.at))
	rate := float64(h.Cancelled) / float64(h.Events)
	costs := [4][]float64{}
	for k, f := range forecasts {
		for c, cost := range [4]float64{squared(f, came[k]), surprise(f, came[k]), f * (1 - f), squared(rate, came[k])} {
			costs[c] = append(costs[c], cost)
		}
	}
	drawn := intervalsOf(costs, metric.NewRanked(forecasts, came, block, blocks), block, blocks)
	h.MeanForecast, h.ECEBand = mean(forecasts), metric.CalibratedECE(forecasts, eceBins, simulations, seed)
	h.Brier, h.LogLoss, h.Sharpness = estimate(drawn[0]), estimate(drawn[1]), estimate(drawn[2])
	h.SkillRate, h.AUC, h.ECE = estimate(drawn[4]), estimate(drawn[5]), estimate(drawn[6])
	h.Reliability = reliability(forecasts, came)
	return h, drawn[3].Estimate
}

// intervalsOf are the means of the costs, the skill of the first against the last, AUC
// and ECE.
func intervalsOf(costs [4][]float64, order *metric.Ranked, block []int32, blocks int) []metric.Interval {
	rows := make([]float64, blocks)
	for _, b := range block {
		rows[b]++
	}
	var sums [4][]float64
	for c := range sums {
		sums[c] = metric.BlockSums(costs[c], block, blocks)
	}
	return metric.Draws{Resamples: resamples, Seed: seed}.Intervals(blocks, 7, func(values []float64, weight []int32) {
		n := metric.Weighted(rows, weight)
		for c := range sums {
			values[c] = metric.Weighted(sums[c], weight) / n
		}
		values[4] = metric.Skill(values[0], values[3])
		values[5], values[6] = order.Scores(weight, eceBins)
	})
}
