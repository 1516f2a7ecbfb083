package drift

import (
	"cmp"
	"fmt"
	"slices"
)

// CategoryReference is the distribution of a categorical feature that others are compared
// with. Bins are one for each of Top, then one for the Rest, then one for values the
// reference never saw; the last is empty in the reference.
type CategoryReference struct {
	Feature string   `json:"feature"`
	Top     []string `json:"top"`  // most frequent values, the most frequent first
	Rest    []string `json:"rest"` // all other values seen, ascending
	Counts
}

// NewCategoryReference makes a reference that tells the top most frequent values apart;
// among equally frequent ones the smaller text goes first. The empty text is missing. It
// needs one known value at least, and top >= 1.
func NewCategoryReference(feature string, values []string, top int) (CategoryReference, error) {
	if top < 1 {
		return CategoryReference{}, fmt.Errorf("drift reference of %s: top %d values, give at least 1", feature, top)
	}
	known := byFrequency(values)
	if len(known) == 0 {
		return CategoryReference{}, fmt.Errorf("drift reference of %s: none of %d values is known, leave the feature out", feature, len(values))
	}
	cut := min(top, len(known))
	r := CategoryReference{Feature: feature, Top: known[:cut:cut], Rest: slices.Sorted(slices.Values(known[cut:]))}
	r.Counts = r.NewCounts()
	return r, r.Add(&r.Counts, values)
}

// NewCounts returns counts of nothing for the bins of r.
func (r CategoryReference) NewCounts() Counts {
	return Counts{Bins: make([]uint64, len(r.Top)+2)}
}

// Add counts values into c; the empty text is missing. It prepares a look-up at each call:
// give it many values at once.
func (r CategoryReference) Add(c *Counts, values []string) error {
	if len(c.Bins) != len(r.Top)+2 {
		return fmt.Errorf("count %s for drift: %d bins for %d top values, take counts from this reference", r.Feature, len(c.Bins), len(r.Top))
	}
	bins := make(map[string]int, len(r.Top)+len(r.Rest))
	for _, v := range r.Rest {
		bins[v] = len(r.Top)
	}
	for i, v := range r.Top {
		bins[v] = i
	}
	for _, v := range values {
		if v == "" {
			c.Missing++
			continue
		}
		bin, seen := bins[v]
		if !seen {
			bin = len(r.Top) + 1
		}
		c.Bins[bin]++
	}
	return nil
}

// byFrequency returns the distinct known values, the most frequent first.
func byFrequency(values []string) []string {
	counts := make(map[string]int)
	var distinct []string
	for _, v := range values {
		if v == "" {
			continue
		}
		if counts[v] == 0 {
			distinct = append(distinct, v)
		}
		counts[v]++
	}
	slices.SortFunc(distinct, func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	return distinct
}
