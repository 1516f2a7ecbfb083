package evaluate

import (
	"math"

	"puenktlich/internal/metric"
	"puenktlich/schemas"
)

// Numbers of the intervals and of the calibration error.
const (
	eceBins     = 10
	resamples   = 1000
	simulations = 1000
	seed        = 20241101
)

// part is some rows of a sample, scored together.
type part struct {
	*sample
	at []int // rows
}

// where takes the scored rows that keep says.
func (s *sample) where(keep func(i int) bool) part {
	p := part{sample: s}
	for i, ran := range s.ran {
		if ran && keep(i) {
			p.at = append(p.at, i)
		}
	}
	return p
}

// outcomes are forecasts and truth of the part, in order.
func (p part) outcomes() (forecasts []float64, late []bool) {
	return gather(p.p, p.at), gather(p.late, p.at)
}

func gather[T any](from []T, at []int) []T {
	out := make([]T, len(at))
	for k, i := range at {
		out[k] = from[i]
	}
	return out
}

// figures are the intervals of a part: the mean of each column, then these.
type figures []metric.Interval

// Figures after the columns.
const (
	skillRate = int(columns) + iota // 1 - Brier / that of a baseline, in the order of the columns
	skillCategory
	skillDB
	skillDBCalibrated
	differenceChampion // Brier less the champion's
	aucFigure
	eceFigure
	allFigures
)

// bootstrap draws the blocks of the part. ranked adds AUC and ECE, which cost a
// multiple of the rest; without it they are NaN.
func (p part) bootstrap(ranked bool) figures {
	block, blocks := metric.Dense(gather(p.block, p.at))
	rows := make([]float64, blocks)
	for _, b := range block {
		rows[b]++
	}
	var sums [columns][]float64
	for c := range sums {
		sums[c] = metric.BlockSums(gather(p.cost[c], p.at), block, blocks)
	}
	var order *metric.Ranked
	if ranked {
		forecasts, late := p.outcomes()
		order = metric.NewRanked(forecasts, late, block, blocks)
	}
	return metric.Draws{Resamples: resamples, Seed: seed}.Intervals(blocks, allFigures, func(values []float64, weight []int32) {
		n := metric.Weighted(rows, weight)
		for c := range sums {
			values[c] = metric.Weighted(sums[c], weight) / n
		}
		for k := range baselines {
			values[skillRate+k] = metric.Skill(values[brierCost], values[int(rateCost)+k])
		}
		values[differenceChampion] = values[brierCost] - values[championCost]
		values[aucFigure], values[eceFigure] = math.NaN(), math.NaN()
		if order != nil {
			values[aucFigure], values[eceFigure] = order.Scores(weight, eceBins)
		}
	})
}

// of is a figure with its interval.
func (f figures) of(figure int) schemas.Estimate { return estimate(f[figure]) }

func (f figures) mean(c column) schemas.Estimate { return f.of(int(c)) }

// skill is that against one baseline.
func (f figures) skill(b schemas.Baseline) metric.Interval {
	switch b {
	case schemas.BaselineRate:
		return f[skillRate]
	case schemas.BaselineCategory:
		return f[skillCategory]
	case schemas.BaselineDB:
		return f[skillDB]
	}
	return f[skillDBCalibrated]
}

func estimate(i metric.Interval) schemas.Estimate {
	return schemas.Estimate{Value: exists(i.Estimate), Low: exists(i.Low), High: exists(i.High)}
}

// exists is nil for a figure that does not exist, which JSON cannot carry.
func exists(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// verdict is what an interval allows to be said of a figure that is better above 0.
func verdict(i metric.Interval) schemas.EvidenceVerdict {
	switch {
	case i.Low > 0:
		return schemas.VerdictBetter
	case i.High < 0:
		return schemas.VerdictWorse
	}
	return schemas.VerdictNoDifference
}

// enough is a verdict, or that the days do not suffice for one.
func (s *sample) enough(v schemas.EvidenceVerdict) schemas.EvidenceVerdict {
	if s.days < minDays {
		return schemas.VerdictNotEnoughDays
	}
	return v
}

// scoreBaselines scores the four baselines on the part.
func (p part) scoreBaselines(late []bool) schemas.Baselines {
	of := func(k int) schemas.Score { return scoreOf(gather(p.baseline[k], p.at), late) }
	return schemas.Baselines{Rate: of(0), RateByCategory: of(1), DBForecast: of(2), DBForecastCalibrated: of(3)}
}

// best is the baseline with the lowest Brier score.
func (f figures) best() schemas.Baseline {
	brier := func(c column) schemas.Score { return schemas.Score{Brier: f[c].Estimate} }
	name, _ := schemas.Baselines{Rate: brier(rateCost), RateByCategory: brier(categoryCost), DBForecast: brier(dbCost), DBForecastCalibrated: brier(dbCalibratedCost)}.Best()
	return name
}

func scoreOf(p []float64, late []bool) schemas.Score {
	s := schemas.Score{Brier: metric.Brier(p, late), Accuracy: metric.Accuracy(p, late)}
	if loss, exists := metric.LogLoss(p, late); exists {
		s.LogLoss = &loss
	}
	s.AUC = exists(metric.AUC(p, late))
	return s
}
