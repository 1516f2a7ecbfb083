package drift

import (
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat/distuv"
)

// DayCounts are the values of one day of a reference, in its bins.
type DayCounts struct {
	Day string `json:"day"` // 2006-01-02, or what else days are told apart by
	Counts
}

// Numbers of the thresholds.
const (
	// SeasonDays is how many days a reference must span before a day is compared
	// with its like, Monday to Friday, Saturday or Sunday: eight weeks.
	SeasonDays = 56
	// priorDays is how many days the deviation common to all features weighs
	// against a feature's own.
	priorDays = 10
	// negligible is added to every distance before the logarithm: below it nobody
	// cares, and a feature that never moved has a logarithm.
	negligible = 1e-3
)

// Season answers the days of a reference that a day is compared with, and
// whether those are its like alone: the reference must span SeasonDays and have
// two of them.
func Season(days []DayCounts, day string) ([]DayCounts, bool) {
	kind, known := kindOfDay(day)
	if !known || span(days) < SeasonDays {
		return days, false
	}
	like := slices.DeleteFunc(slices.Clone(days), func(d DayCounts) bool {
		other, known := kindOfDay(d.Day)
		return !known || other != kind
	})
	if len(like) < 2 {
		return days, false
	}
	return like, true
}

// kindOfDay is 0 for Monday to Friday, 6 for Saturday, 7 for Sunday.
func kindOfDay(day string) (int, bool) {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return 0, false
	}
	switch t.Weekday() {
	case time.Saturday:
		return 6, true
	case time.Sunday:
		return 7, true
	}
	return 0, true
}

// span is the number of days from the first to the last, both counted.
func span(days []DayCounts) int {
	var first, last time.Time
	for _, d := range days {
		t, err := time.Parse(time.DateOnly, d.Day)
		if err != nil {
			return 0
		}
		if first.IsZero() || t.Before(first) {
			first = t
		}
		if t.After(last) {
			last = t
		}
	}
	if first.IsZero() {
		return 0
	}
	return int(last.Sub(first).Hours()/24) + 1
}

// Sum adds up days; bins is the number of bins where there are none.
func Sum(days []DayCounts, bins int) Counts {
	total := Counts{Bins: make([]uint64, bins)}
	for _, d := range days {
		for i := range min(bins, len(d.Bins)) {
			total.Bins[i] += d.Bins[i]
		}
		total.Missing += d.Missing
	}
	return total
}

// without is a total less one of its days.
func (c Counts) without(day Counts) Counts {
	rest := Counts{Bins: slices.Clone(c.Bins), Missing: c.Missing - min(c.Missing, day.Missing)}
	for i := range min(len(rest.Bins), len(day.Bins)) {
		rest.Bins[i] -= min(rest.Bins[i], day.Bins[i])
	}
	return rest
}

// Distances are how far one set of counts lies from another. One that does not
// exist, because a side knows no value, is NaN.
type Distances struct {
	PSI           float64
	JensenShannon float64
	Missing       float64 // Jensen-Shannon divergence of known and missing, in [0,1]
	MissingRise   float64 // share missing now less then
}

// Between measures counts of the same bins.
func Between(reference, current Counts) Distances {
	d := Distances{PSI: math.NaN(), JensenShannon: math.NaN(), Missing: math.NaN(), MissingRise: math.NaN()}
	n, m := reference.Known(), current.Known()
	if n > 0 && m > 0 {
		d.PSI, d.JensenShannon = psi(reference.Bins, current.Bins), jensenShannon(reference.Bins, current.Bins)
	}
	if n+reference.Missing > 0 && m+current.Missing > 0 {
		d.Missing = jensenShannon([]uint64{n, reference.Missing}, []uint64{m, current.Missing})
		d.MissingRise = current.missingShare() - reference.missingShare()
	}
	return d
}

// LeaveOneOut measures each day against all the others. Nothing with fewer than
// two days.
func LeaveOneOut(days []DayCounts, bins int) []Distances {
	if len(days) < 2 {
		return nil
	}
	total := Sum(days, bins)
	all := make([]Distances, len(days))
	for i, d := range days {
		all[i] = Between(total.without(d.Counts), d.Counts)
	}
	return all
}

// Threshold is what distances of ordinary days look like: the logarithm of the
// distance plus negligible is taken to be normal, its deviation shrunk towards the
// one common to all features. The zero Threshold knows nothing.
type Threshold struct {
	Mean, Deviation float64 // of the logarithm
	Freedom         float64 // degrees of freedom of the deviation
	Days            int
}

// Thresholds learns one threshold a feature from its distances on the days of the
// reference, NaN left out. The deviation of each is moderated,
// s² = (ν₀s₀² + (n-1)s²)/(ν₀+n-1), with the mean of all variances as s₀² and
// priorDays as ν₀. Source: G. K. Smyth, "Linear models and empirical Bayes methods for
// assessing differential expression", Stat. Appl. Genet. Mol. Biol. 3 (2004); the prior
// weight is fixed here.
func Thresholds(distances [][]float64) []Threshold {
	all := make([]Threshold, len(distances))
	pooled, freedom := 0.0, 0.0
	own := make([]float64, len(distances)) // sums of squares
	for f, values := range distances {
		var logs []float64
		for _, v := range values {
			if !math.IsNaN(v) {
				logs = append(logs, math.Log(v+negligible))
			}
		}
		if len(logs) < 2 {
			continue
		}
		sum := 0.0
		for _, x := range logs {
			sum += x
		}
		t := &all[f]
		t.Days, t.Mean = len(logs), sum/float64(len(logs))
		for _, x := range logs {
			own[f] += (x - t.Mean) * (x - t.Mean)
		}
		pooled, freedom = pooled+own[f], freedom+float64(t.Days-1)
	}
	if freedom == 0 {
		return all
	}
	common := pooled / freedom
	for f := range all {
		if t := &all[f]; t.Days > 0 {
			t.Freedom = priorDays + float64(t.Days-1)
			t.Deviation = math.Sqrt((priorDays*common + own[f]) / t.Freedom)
		}
	}
	return all
}

// Known says that there were days enough to learn from.
func (t Threshold) Known() bool { return t.Days >= 2 }

// P is the probability that an ordinary day lies this far or farther; 1 where
// nothing is known of ordinary days or the distance does not exist.
func (t Threshold) P(distance float64) float64 {
	if !t.Known() || math.IsNaN(distance) {
		return 1
	}
	scale := t.Deviation * math.Sqrt(1+1/float64(t.Days))
	x := math.Log(distance+negligible) - t.Mean
	if scale == 0 {
		if x > 0 {
			return 0
		}
		return 1
	}
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: t.Freedom}.Survival(x / scale)
}

// Limit is the distance that one ordinary day in 1/alpha exceeds; NaN where
// nothing is known of ordinary days.
func (t Threshold) Limit(alpha float64) float64 {
	if !t.Known() {
		return math.NaN()
	}
	quantile := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: t.Freedom}.Quantile(1 - alpha)
	return math.Max(math.Exp(t.Mean+quantile*t.Deviation*math.Sqrt(1+1/float64(t.Days)))-negligible, 0)
}

// BenjaminiHochberg answers for each p-value the smallest rate of false
// discoveries at which it is one; NaN stays NaN and does not count. Source: Y. Benjamini
// and Y. Hochberg, "Controlling the false discovery rate", J. R. Statist. Soc. B 57
// (1995), in the adjusted form of R's p.adjust.
func BenjaminiHochberg(p []float64) []float64 {
	adjusted := slices.Clone(p)
	var order []int
	for i, v := range p {
		if !math.IsNaN(v) {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case p[a] > p[b]:
			return -1
		case p[a] < p[b]:
			return 1
		}
		return 0
	})
	least := 1.0
	for k, i := range order {
		least = min(least, p[i]*float64(len(order))/float64(len(order)-k))
		adjusted[i] = least
	}
	return adjusted
}
