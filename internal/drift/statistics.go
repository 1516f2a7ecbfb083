package drift

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Smoothing is the number of events added to every bin, of both sides, for the PSI, so that
// it exists where one side has none: half an event, as Jeffreys' prior for a multinomial.
const Smoothing = 0.5

// The functions below take counts of the same bins, and know at least one value on each
// side. A bin that is empty on both sides tells nothing and is left out.

// psi returns the population stability index, the sum of (q-p)·ln(q/p) over smoothed
// shares. Source: N. Siddiqi, "Credit Risk Scorecards" (2006); it is Jeffreys' divergence,
// H. Jeffreys, Proc. R. Soc. A 186 (1946).
func psi(reference, current []uint64) float64 {
	filled, n, m := totals(reference, current)
	n += Smoothing * float64(filled)
	m += Smoothing * float64(filled)
	sum := 0.0
	for i := range reference {
		if reference[i]+current[i] == 0 {
			continue
		}
		p := (float64(reference[i]) + Smoothing) / n
		q := (float64(current[i]) + Smoothing) / m
		sum += (q - p) * math.Log(q/p)
	}
	return sum
}

// jensenShannon returns the Jensen-Shannon divergence to base 2, in [0,1]; its root is the
// distance of that name. Source: J. Lin, "Divergence measures based on the Shannon
// entropy", IEEE Trans. Inf. Theory 37 (1991).
func jensenShannon(reference, current []uint64) float64 {
	_, n, m := totals(reference, current)
	sum := 0.0
	for i := range reference {
		p, q := float64(reference[i])/n, float64(current[i])/m
		sum += half(p, p+q) + half(q, p+q)
	}
	return max(sum, 0)
}

// half returns p/2·log2(p / (sum/2)), 0 for p = 0.
func half(p, sum float64) float64 {
	if p == 0 {
		return 0
	}
	return p / 2 * math.Log2(2*p/sum)
}

// kolmogorovSmirnov returns the largest difference of the two cumulative distributions at
// the edges, in [0,1]: the exact statistic where values lie on edges, else at most a bin's
// share below it. Source: N. Smirnov, Ann. Math. Statist. 19 (1948).
func kolmogorovSmirnov(reference, current []uint64) float64 {
	largest := 0.0
	for _, d := range cumulativeDifference(reference, current) {
		largest = max(largest, math.Abs(d))
	}
	return largest
}

// wasserstein returns the first Wasserstein distance in the unit of edges, all values taken
// to lie on the upper edge of their bin and those above the last edge on it: what lies
// beyond the range of the reference counts too little. Source: S. S. Vallender, Theory of
// Probability and its Applications 18 (1974).
func wasserstein(edges []float64, reference, current []uint64) float64 {
	difference, sum := cumulativeDifference(reference, current), 0.0
	for i := 0; i+1 < len(edges); i++ {
		sum += math.Abs(difference[i]) * (edges[i+1] - edges[i])
	}
	return sum
}

// chiSquare returns Pearson's statistic of the 2 x bins table, its degrees of freedom and
// the probability of one as large under equal distributions; without degrees of freedom 0,
// 0 and 1. No continuity correction. Source: K. Pearson, Biometrika 8 (1911).
func chiSquare(reference, current []uint64) (statistic float64, freedom int, p float64) {
	filled, n, m := totals(reference, current)
	if filled < 2 {
		return 0, 0, 1
	}
	for i := range reference {
		both := float64(reference[i]) + float64(current[i])
		if both == 0 {
			continue
		}
		expected := both * (n / (n + m))
		d := float64(reference[i]) - expected
		statistic += d*d/expected + d*d/(both-expected)
	}
	freedom = filled - 1
	return statistic, freedom, distuv.ChiSquared{K: float64(freedom)}.Survival(statistic)
}

// totals returns the number of bins not empty on both sides and the values on each side.
func totals(reference, current []uint64) (filled int, n, m float64) {
	for i := range reference {
		if reference[i]+current[i] > 0 {
			filled++
		}
		n += float64(reference[i])
		m += float64(current[i])
	}
	return filled, n, m
}

// cumulativeDifference returns F-G at the upper edge of each bin, 0 at the last.
func cumulativeDifference(reference, current []uint64) []float64 {
	_, n, m := totals(reference, current)
	difference := make([]float64, len(reference))
	below, belowCurrent := uint64(0), uint64(0)
	for i := range reference {
		below += reference[i]
		belowCurrent += current[i]
		difference[i] = float64(below)/n - float64(belowCurrent)/m
	}
	return difference
}
