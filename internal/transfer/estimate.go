package transfer

import (
	"fmt"
	"math"
	"slices"

	"puenktlich/internal/metric"
)

// Numbers of the estimate.
const (
	resamples = 1000
	seed      = 20241101
	gridStep  = 0.05
	// leastCell keeps a pair that the forecasts called impossible from deciding alone.
	leastCell = 1e-12
)

// spares are the minutes to spare at which forecasts of a change are scored.
var spares = []int{0, 5, 10}

// grid are the correlations looked at, ascending.
var grid = func() []float64 {
	var g []float64
	for i := -int(math.Round(maxCorrelation / gridStep)); i <= int(math.Round(maxCorrelation/gridStep)); i++ {
		g = append(g, float64(i)*gridStep)
	}
	return g
}()

// Pair is an arrival and a departure that one could have changed between: what was
// forecast of each at one moment, and what became of them.
type Pair struct {
	Arrival, Departure           Delay
	ArrivalDelay, DepartureDelay int   // minutes
	Day                          int32 // pairs of one day have one number
	Block                        int32 // pairs of one block are not independent
}

// Estimated is how delays of pairs hang together beyond what was forecast of each,
// and what knowing it is worth.
type Estimated struct {
	Pairs, Days int
	// Correlation of the Gaussian copula, by maximum likelihood on the buckets of the
	// delays.
	Correlation metric.Interval
	// Brier scores of whether a change is caught with 0, 5 and 10 minutes to spare,
	// each day forecast with the correlation of the other days, and by independence.
	// NaN with less than two days.
	Brier, BrierIndependent float64
	Difference              metric.Interval // of the two; negative: the copula is better
}

// Estimate fits and judges. It needs a pair.
// The likelihood is that of ordered categories whose cells are given by the
// forecasts: U. Olsson, "Maximum likelihood estimation of the polychoric correlation
// coefficient", Psychometrika 44 (1979).
func Estimate(pairs []Pair) (Estimated, error) {
	if len(pairs) == 0 {
		return Estimated{}, fmt.Errorf("estimate dependence of delays: there are no pairs")
	}
	likelihood := make([][]float64, len(pairs))
	for i, p := range pairs {
		likelihood[i] = p.likelihood()
	}
	e := Estimated{Pairs: len(pairs), Brier: math.NaN(), BrierIndependent: math.NaN()}
	e.Correlation = correlation(pairs, likelihood)
	days, byDay := sums(pairs, likelihood, func(p Pair) int32 { return p.Day })
	if e.Days = len(byDay); e.Days < 2 {
		return e, nil
	}
	return e, e.judge(pairs, days, byDay)
}

// correlation is the most likely one, with an interval over whole blocks.
func correlation(pairs []Pair, likelihood [][]float64) metric.Interval {
	_, byBlock := sums(pairs, likelihood, func(p Pair) int32 { return p.Block })
	total := make([]float64, len(grid))
	return metric.Draws{Resamples: resamples, Seed: seed}.Intervals(len(byBlock), 1, func(values []float64, weight []int32) {
		clear(total)
		for b, w := range weight {
			for g := range total {
				total[g] += float64(w) * byBlock[b][g]
			}
		}
		values[0] = best(total)
	})[0]
}

// sums adds up the likelihoods of each group; group has the number of each pair's,
// from 0.
func sums(pairs []Pair, likelihood [][]float64, of func(Pair) int32) (group []int32, sum [][]float64) {
	group = make([]int32, len(pairs))
	for i, p := range pairs {
		group[i] = of(p)
	}
	group, groups := metric.Dense(group)
	sum = make([][]float64, groups)
	for i, n := range group {
		if sum[n] == nil {
			sum[n] = make([]float64, len(grid))
		}
		for g, l := range likelihood[i] {
			sum[n][g] += l
		}
	}
	return group, sum
}

// best is the correlation of the greatest likelihood: the top of the parabola
// through the best of the grid and its neighbours.
func best(total []float64) float64 {
	at := 0
	for g := range total {
		if total[g] > total[at] {
			at = g
		}
	}
	if at == 0 || at == len(total)-1 {
		return grid[at]
	}
	left, middle, right := total[at-1], total[at], total[at+1]
	bend := left - 2*middle + right
	if bend >= 0 {
		return grid[at]
	}
	return grid[at] + gridStep*(left-right)/(2*bend)
}

// likelihood is the logarithm of the probability of the pair's buckets at every
// correlation of the grid.
func (p Pair) likelihood() []float64 {
	aLow, aHigh := p.Arrival.cell(p.ArrivalDelay)
	dLow, dHigh := p.Departure.cell(p.DepartureDelay)
	out := make([]float64, len(grid))
	for _, corner := range []struct{ h, k, sign float64 }{{aHigh, dHigh, 1}, {aLow, dHigh, -1}, {aHigh, dLow, -1}, {aLow, dLow, 1}} {
		addNormal2(out, quantile(corner.h), quantile(corner.k), corner.sign)
	}
	for g, cell := range out {
		out[g] = math.Log(max(cell, leastCell))
	}
	return out
}

// cell is the cumulative probability below and at the bucket that holds a delay.
func (d Delay) cell(delay int) (low, high float64) {
	i := slices.IndexFunc(d.Edges, func(edge int) bool { return delay <= edge })
	switch {
	case i == 0:
		return 0, d.Cumulative[0]
	case i < 0:
		return d.Cumulative[len(d.Cumulative)-1], 1
	}
	return d.Cumulative[i-1], d.Cumulative[i]
}

// addNormal2 adds normal2(h, k), times a sign, for every correlation r of the
// grid: each goes on from its neighbour by three nodes of Gauss and Legendre.
func addNormal2(out []float64, h, k, sign float64) {
	zero := len(grid) / 2
	none := newCopula(0)
	start := sign * none.normal2(h, k)
	for g := range out {
		out[g] += start
	}
	if math.IsInf(h, 0) || math.IsInf(k, 0) {
		return
	}
	for _, way := range []int{1, -1} {
		sum, from := 0.0, 0.0
		for g := zero + way; g >= 0 && g < len(grid); g += way {
			to := math.Asin(grid[g])
			middle, half := (from+to)/2, (to-from)/2
			const off = 0.7745966692414834 // sqrt(3/5)
			sum += half / 9 * (5*density(h, k, middle-off*half) + 8*density(h, k, middle) + 5*density(h, k, middle+off*half))
			out[g] += sign * sum / (2 * math.Pi)
			from = to
		}
	}
}

// judge scores each day's pairs with the correlation of the other days.
func (e *Estimated) judge(pairs []Pair, day []int32, byDay [][]float64) error {
	others := make([]float64, len(byDay))
	for d := range byDay {
		total := make([]float64, len(grid))
		for o := range byDay {
			if o != d {
				for g := range total {
					total[g] += byDay[o][g]
				}
			}
		}
		others[d] = best(total)
	}
	var with, without []float64
	var block []int32
	for i, p := range pairs {
		for _, spare := range spares {
			came := 0.0
			if p.ArrivalDelay-p.DepartureDelay <= spare {
				came = 1
			}
			copula := Caught(p.Arrival, p.Departure, spare, others[day[i]]) - came
			product := Caught(p.Arrival, p.Departure, spare, 0) - came
			with, without, block = append(with, copula*copula), append(without, product*product), append(block, p.Block)
		}
	}
	e.Brier, e.BrierIndependent = mean(with), mean(without)
	var err error
	e.Difference, err = metric.PairedDifference(with, without, block, resamples, seed)
	return err
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
