package drift

import (
	"fmt"
	"math"
	"slices"
)

// Reference is the distribution of a numeric feature that others are compared with.
//
// Bin 0 holds values <= Edges[0], bin i values in (Edges[i-1], Edges[i]], the last bin
// those above the last edge. Edges ascend strictly: the first lies just below the smallest
// reference value, the last is the largest, so the two outer bins are empty in the
// reference and hold only what it never saw.
type Reference struct {
	Feature   string    `json:"feature"`
	Edges     []float64 `json:"edges"`
	Deviation float64   `json:"deviation"` // population standard deviation of the known values
	// DayPSI is the largest PSI of a single reference day against all of them:
	// how far an ordinary day lies. 0 where there was one day only.
	DayPSI float64 `json:"day_psi"`
	// Days are the counts of single days, ascending; they add up to Counts, unless
	// the reference was made by a program that kept none or too many were there.
	Days []DayCounts `json:"days,omitempty"`
	Counts
}

// NewReference makes a reference with edges at the k/bins quantiles of values, each edge a
// value that occurs; equal edges become one, so a feature with few values gets a bin for
// each. NaN is missing. It needs one finite value at least, no infinite one, and bins >= 2.
func NewReference(feature string, values []float64, bins int) (Reference, error) {
	if bins < 2 {
		return Reference{}, fmt.Errorf("drift reference of %s: %d bins, give at least 2 (256 is usual)", feature, bins)
	}
	known := make([]float64, 0, len(values))
	for i, v := range values {
		if math.IsInf(v, 0) {
			return Reference{}, fmt.Errorf("drift reference of %s: row %d: value %v, infinite values have no place in a feature", feature, i, v)
		}
		if !math.IsNaN(v) {
			known = append(known, v)
		}
	}
	if len(known) == 0 {
		return Reference{}, fmt.Errorf("drift reference of %s: none of %d values is known, leave the feature out", feature, len(values))
	}
	slices.Sort(known)
	r := Reference{Feature: feature, Edges: quantileEdges(known, bins), Deviation: deviation(known)}
	r.Counts = r.NewCounts()
	return r, r.Add(&r.Counts, values)
}

// NewCounts returns counts of nothing for the bins of r.
func (r Reference) NewCounts() Counts {
	return Counts{Bins: make([]uint64, len(r.Edges)+1)}
}

// Add counts values into c; NaN is missing, an infinite value falls in an outer bin.
func (r Reference) Add(c *Counts, values []float64) error {
	if err := r.Validate(); err != nil {
		return fmt.Errorf("count for drift: %w", err)
	}
	if len(c.Bins) != len(r.Edges)+1 {
		return fmt.Errorf("count %s for drift: %d bins for %d edges, take counts from this reference", r.Feature, len(c.Bins), len(r.Edges))
	}
	for _, v := range values {
		r.Count(c, v)
	}
	return nil
}

// Count counts one value into c, which must be of NewCounts of a valid reference,
// as Add does.
func (r Reference) Count(c *Counts, v float64) {
	if v != v {
		c.Missing++
		return
	}
	c.Bins[edgesBelow(r.Edges, v)]++
}

// Validate says what is wrong with a reference that came from outside.
func (r Reference) Validate() error {
	if len(r.Edges) == 0 || len(r.Bins) != len(r.Edges)+1 {
		return fmt.Errorf("drift reference of %s: %d bins for %d edges, one edge at least and one bin more than edges are needed", r.Feature, len(r.Bins), len(r.Edges))
	}
	for _, d := range r.Days {
		if len(d.Bins) != len(r.Bins) {
			return fmt.Errorf("drift reference of %s: %d bins on %s, all days together have %d", r.Feature, len(d.Bins), d.Day, len(r.Bins))
		}
	}
	for i := 1; i < len(r.Edges); i++ {
		if !(r.Edges[i] > r.Edges[i-1]) {
			return fmt.Errorf("drift reference of %s: edge %v after %v, edges ascend strictly", r.Feature, r.Edges[i], r.Edges[i-1])
		}
	}
	return nil
}

// edgesBelow returns how many edges are smaller than v. Its steps are computed without a
// branch that depends on v, which on values in random order no processor foresees.
func edgesBelow(edges []float64, v float64) int {
	base, n := 0, len(edges)
	for n > 1 {
		half := n / 2
		base += half & -less(edges[base+half-1], v)
		n -= half
	}
	return base + less(edges[base], v)
}

// less is 1 for a < b, else 0; the compiler makes it one instruction, not a branch.
func less(a, b float64) int {
	one := 0
	if a < b {
		one = 1
	}
	return one
}

func quantileEdges(sorted []float64, bins int) []float64 {
	n := len(sorted)
	edges := []float64{math.Nextafter(sorted[0], math.Inf(-1))}
	for k := 1; k <= bins; k++ {
		rank := (k*n + bins - 1) / bins
		if v := sorted[max(rank, 1)-1]; v > edges[len(edges)-1] {
			edges = append(edges, v)
		}
	}
	return edges
}

func deviation(values []float64) float64 {
	n, sum, squares := float64(len(values)), 0.0, 0.0
	for _, v := range values {
		sum += v
	}
	for _, v := range values {
		squares += (v - sum/n) * (v - sum/n)
	}
	return math.Sqrt(squares / n)
}
