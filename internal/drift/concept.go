package drift

import "math"

// PageHinkley watches for a rise of the mean of a series. Each value is compared
// with the mean of all so far, Allowance taken off; the statistic is how far the sum
// of those differences lies above its least value. Source: E. S. Page, "Continuous
// inspection schemes", Biometrika 41 (1954); D. V. Hinkley, "Inference about the
// change-point from cumulative sum tests", Biometrika 58 (1971); in the form of J. Gama
// et al., "A survey on concept drift adaptation", ACM Computing Surveys 46 (2014).
type PageHinkley struct {
	// Allowance is a rise that is no change, in the unit of the values.
	Allowance float64
	// Prior counts as so many values equal to Expected before the first.
	Expected, Prior float64
}

// Statistic runs over the values in order, NaN left out, and answers the
// statistic after the last; 0 without values.
func (p PageHinkley) Statistic(values []float64) float64 {
	n, sum := p.Prior, p.Prior*p.Expected
	cumulative, least := 0.0, 0.0
	for _, v := range values {
		if math.IsNaN(v) {
			continue
		}
		n, sum = n+1, sum+v
		cumulative += v - sum/n - p.Allowance
		least = min(least, cumulative)
	}
	return cumulative - least
}

// CUSUM adds up how far values lie from 0, on each side, Allowance taken off each; a
// sum never goes below 0. Source: E. S. Page, "Continuous inspection schemes",
// Biometrika 41 (1954), in the tabular form of the NIST/SEMATECH e-Handbook of
// Statistical Methods, 6.3.2.3; with a bound, D. M. Hawkins, "Robustification of
// cumulative sum charts by winsorization", Journal of Quality Technology 25 (1993).
type CUSUM struct {
	// Allowance is a distance that is no change, in the unit of the values.
	Allowance float64
	// Most is the distance that a value counts for at most, so that one alone says
	// little; 0 sets no bound.
	Most float64
}

// Statistics runs over the values in order, NaN left out, and answers the sums above
// and below 0 after the last.
func (c CUSUM) Statistics(values []float64) (above, below float64) {
	for _, v := range values {
		if math.IsNaN(v) {
			continue
		}
		if c.Most > 0 {
			v = max(-c.Most, min(c.Most, v))
		}
		above, below = max(0, above+v-c.Allowance), max(0, below-v-c.Allowance)
	}
	return above, below
}
