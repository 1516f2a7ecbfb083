// Package drift measures how far the values of a feature have moved from a reference.
//
// A reference is made once from the data a model was trained on: bin edges at its
// quantiles, or its most frequent categories, and the counts. Everything later is only
// counted into the same bins; counts of hours or partitions are merged by adding, so no
// row is read twice. Compare turns two counts into statistics.
//
// Missing values (NaN, the empty category) are counted apart: the shares of missing are
// reported beside the statistics, which are about the known values alone. On many rows
// every test finds a difference, so an alarm belongs on the size of the effect, with a
// threshold learned from how weeks of the reference differ among themselves.
package drift

import "fmt"

// ForecastName is the name of the reference of P(late), among those of features.
const ForecastName = "p_late"

// Counts holds the number of values in each bin of one reference. The zero value fits no
// reference: get one from NewCounts. Not safe for concurrent change.
type Counts struct {
	Bins    []uint64 `json:"bins"`
	Missing uint64   `json:"missing"` // values not known, in no bin
}

// Known returns the number of values in bins.
func (c Counts) Known() uint64 {
	total := uint64(0)
	for _, n := range c.Bins {
		total += n
	}
	return total
}

// Merge adds the counts of other, which must be of the same reference; that is not
// checked beyond the number of bins.
func (c *Counts) Merge(other Counts) error {
	if len(c.Bins) != len(other.Bins) {
		return fmt.Errorf("merge drift counts: %d bins into %d, count both with one reference", len(other.Bins), len(c.Bins))
	}
	for i, n := range other.Bins {
		c.Bins[i] += n
	}
	c.Missing += other.Missing
	return nil
}

// missingShare returns the share of missing among all values, NaN without any.
func (c Counts) missingShare() float64 {
	return float64(c.Missing) / float64(c.Known()+c.Missing)
}
