package metric

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
)

// Draws is a bootstrap over whole blocks of events: how many resamples, and the
// seed that names them. The same Draws and data give the same intervals.
type Draws struct {
	Resamples int
	Seed      uint64
}

// Intervals returns intervals of several figures over the same resamples. Blocks
// are numbered from 0. compute fills one value a figure for events of which each
// block counts as often as weight says; NaN leaves a resample out of that
// figure. It is called once with every weight 1, for the estimates, and must keep
// neither slice. Aggregate by block before: compute is called Resamples times.
// Sources as for MeanInterval.
func (d Draws) Intervals(blocks, figures int, compute func(values []float64, weight []int32)) []Interval {
	weight, values := make([]int32, blocks), make([]float64, figures)
	for i := range weight {
		weight[i] = 1
	}
	compute(values, weight)
	intervals := make([]Interval, figures)
	for f := range intervals {
		intervals[f] = Interval{Estimate: values[f], Low: math.NaN(), High: math.NaN(), Blocks: blocks, Level: Level}
	}
	if blocks < 2 {
		return intervals
	}
	drawn := d.resample(weight, values, compute)
	for f := range intervals {
		slices.Sort(drawn[f])
		intervals[f].Resamples = len(drawn[f])
		intervals[f].Low = percentile(drawn[f], (1-Level)/2)
		intervals[f].High = percentile(drawn[f], (1+Level)/2)
	}
	return intervals
}

// resample answers the values of each figure that exist. It overwrites its arguments.
func (d Draws) resample(weight []int32, values []float64, compute func([]float64, []int32)) [][]float64 {
	random := rand.New(rand.NewPCG(d.Seed, pcgStream))
	drawn := make([][]float64, len(values))
	for range d.Resamples {
		clear(weight)
		for range weight {
			weight[random.IntN(len(weight))]++
		}
		compute(values, weight)
		for f, v := range values {
			if !math.IsNaN(v) {
				drawn[f] = append(drawn[f], v)
			}
		}
	}
	return drawn
}

// Dense numbers blocks from 0 in the order of their ids, and counts them.
func Dense(block []int32) (dense []int32, blocks int) {
	number := make(map[int32]int32)
	for _, id := range block {
		number[id] = 0
	}
	for n, id := range slices.Sorted(maps.Keys(number)) {
		number[id] = int32(n)
	}
	dense = make([]int32, len(block))
	for i, id := range block {
		dense[i] = number[id]
	}
	return dense, len(number)
}

// BlockSums adds up values by block, numbered from 0.
func BlockSums(values []float64, block []int32, blocks int) []float64 {
	sums := make([]float64, blocks)
	for i, v := range values {
		sums[block[i]] += v
	}
	return sums
}

// Weighted is the sum of block sums, each counted as often as its weight says.
func Weighted(sums []float64, weight []int32) float64 {
	total := 0.0
	for b, w := range weight {
		total += float64(w) * sums[b]
	}
	return total
}
