package metric

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Level is the nominal coverage of the intervals of this package.
const Level = 0.95

// pcgStream is the fixed second word of the generator's seed, so that one number names a run.
const pcgStream = 0x9e3779b97f4a7c15

// MeanInterval returns the mean of values with an interval over whole blocks: block holds
// one id per value (the service day, say), each resample draws as many blocks as there are,
// with replacement, and takes the mean over all their values, so larger blocks weigh more.
// The same input and seed give the same interval. Values must be finite.
// Sources: B. Efron and R. J. Tibshirani, "An Introduction to the Bootstrap" (1993), ch. 13;
// blocks: A. C. Davison and D. V. Hinkley, "Bootstrap Methods and their Application" (1997), 3.8.
func MeanInterval(values []float64, block []int32, resamples int, seed uint64) (Interval, error) {
	if err := checkBootstrap(len(values), len(block), resamples); err != nil {
		return Interval{}, fmt.Errorf("bootstrap a mean: %w", err)
	}
	for i, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return Interval{}, fmt.Errorf("bootstrap a mean: row %d: value %v is not finite, leave such rows out", i, v)
		}
	}
	groups := groupRows(block)
	sums := make([]float64, len(groups))
	for g, rows := range groups {
		for _, r := range rows {
			sums[g] += values[r]
		}
	}
	replicate := func(drawn []int) float64 {
		sum, n := 0.0, 0
		for _, g := range drawn {
			sum += sums[g]
			n += len(groups[g])
		}
		return sum / float64(n)
	}
	return resample(len(groups), resamples, seed, replicate).around(mean(values)), nil
}

// PairedDifference returns mean(a) - mean(b) of two losses on the same events with an
// interval over whole blocks, as MeanInterval does. Negative says a is better,
// with evidence for it only when the interval excludes 0.
func PairedDifference(a, b []float64, block []int32, resamples int, seed uint64) (Interval, error) {
	if len(a) != len(b) {
		return Interval{}, fmt.Errorf("compare losses: %d of a and %d of b, give one each per event", len(a), len(b))
	}
	difference := make([]float64, len(a))
	for i := range a {
		difference[i] = a[i] - b[i]
	}
	interval, err := MeanInterval(difference, block, resamples, seed)
	if err != nil {
		return Interval{}, fmt.Errorf("compare losses: %w", err)
	}
	return interval, nil
}

// BlockBootstrap returns any statistic with an interval over whole blocks. statistic gets
// row numbers, those of a block drawn twice twice, and must not keep the slice; NaN (an AUC
// of one class) leaves the resample out. For means MeanInterval is much faster and draws
// the same blocks for the same seed.
func BlockBootstrap(block []int32, resamples int, seed uint64, statistic func(rows []int) float64) (Interval, error) {
	if err := checkBootstrap(len(block), len(block), resamples); err != nil {
		return Interval{}, fmt.Errorf("bootstrap a statistic: %w", err)
	}
	groups := groupRows(block)
	rows := make([]int, 0, len(block))
	replicate := func(drawn []int) float64 {
		rows = rows[:0]
		for _, g := range drawn {
			rows = append(rows, groups[g]...)
		}
		return statistic(rows)
	}
	interval := resample(len(groups), resamples, seed, replicate)
	all := make([]int, len(block))
	for i := range all {
		all[i] = i
	}
	return interval.around(statistic(all)), nil
}

func checkBootstrap(values, blocks, resamples int) error {
	switch {
	case values != blocks:
		return fmt.Errorf("%d values for %d block ids, give one each", values, blocks)
	case values == 0:
		return fmt.Errorf("no events, give at least one")
	case resamples < 1:
		return fmt.Errorf("%d resamples, give at least 1 (1000 is usual)", resamples)
	}
	return nil
}

// groupRows returns the rows of each block, blocks ordered by id and rows ascending.
func groupRows(block []int32) [][]int {
	ids := slices.Compact(slices.Sorted(slices.Values(block)))
	at := make(map[int32]int, len(ids))
	for i, id := range ids {
		at[id] = i
	}
	groups := make([][]int, len(ids))
	for row, id := range block {
		g := at[id]
		groups[g] = append(groups[g], row)
	}
	return groups
}

// resample draws the given number of blocks with replacement, resamples times, and returns
// the percentile interval of what replicate makes of them.
func resample(blocks, resamples int, seed uint64, replicate func(drawn []int) float64) Interval {
	interval := Interval{Low: math.NaN(), High: math.NaN(), Blocks: blocks, Level: Level}
	if blocks < 2 {
		return interval
	}
	random := rand.New(rand.NewPCG(seed, pcgStream))
	drawn, values := make([]int, blocks), make([]float64, 0, resamples)
	for range resamples {
		for i := range drawn {
			drawn[i] = random.IntN(blocks)
		}
		if v := replicate(drawn); !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	slices.Sort(values)
	interval.Resamples = len(values)
	interval.Low = percentile(values, (1-Level)/2)
	interval.High = percentile(values, (1+Level)/2)
	return interval
}

func (i Interval) around(estimate float64) Interval {
	i.Estimate = estimate
	return i
}
