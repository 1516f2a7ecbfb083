package metric

import (
	"cmp"
	"math"
	"slices"
)

// maxGroups bounds how many different forecasts a Ranked tells apart: beyond
// them neighbours count as equal, which moves an AUC by less than 1/maxGroups.
const maxGroups = 2048

// Ranked is forecasts with their outcomes, ascending by forecast and summed up by
// block within each group of equal ones, so that an AUC and a calibration error of
// many resamples take a pass over the sums each, not over the events.
type Ranked struct {
	groups  []int   // end of each group in entries
	entries []entry // by group, then in the order of the blocks' first event
	events  []float64
	few     *fewBlocks // nil where there are many
}

// entry is the events of one block in one group.
type entry struct {
	block        int32
	events, late int32
	sum          float64 // of forecasts
}

// forecastAt is one forecast and its row.
type forecastAt struct {
	p   float64
	row int32
}

// NewRanked sorts forecasts, none of them NaN, whose blocks are numbered from 0.
// It keeps none of its arguments.
func NewRanked(p []float64, y []bool, block []int32, blocks int) *Ranked {
	requireSame(len(p), len(y))
	order := ascending(p)
	r := &Ranked{events: make([]float64, blocks)}
	slot := make([]int32, blocks) // of a block in the group being filled, 1 + index; 0 none
	distinct, group, first := distinctForecasts(order), -1, 0
	for i, f := range order {
		if i == 0 || f.p != order[i-1].p {
			if next := groupOf(i, len(order), distinct, group); next != group {
				r.close(slot, first)
				group, first = next, len(r.entries)
			}
		}
		b := block[f.row]
		if slot[b] == 0 {
			r.entries = append(r.entries, entry{block: b})
			slot[b] = int32(len(r.entries))
		}
		e := &r.entries[slot[b]-1]
		e.events++
		e.sum += f.p
		if y[f.row] {
			e.late++
		}
		r.events[b]++
	}
	r.close(slot, first)
	if blocks <= maxFewBlocks && blocks*searchSteps < len(r.entries) {
		r.few = r.byBlock(blocks)
	}
	return r
}

// close ends a group whose entries begin at first.
func (r *Ranked) close(slot []int32, first int) {
	for _, e := range r.entries[first:] {
		slot[e.block] = 0
	}
	if len(r.entries) > first {
		r.groups = append(r.groups, len(r.entries))
	}
}

// groupOf is the group of the forecasts that begin at a rank.
func groupOf(rank, events, distinct, before int) int {
	if distinct <= maxGroups {
		return before + 1
	}
	return rank * maxGroups / events
}

func ascending(p []float64) []forecastAt {
	order := make([]forecastAt, len(p))
	for i, v := range p {
		order[i] = forecastAt{v, int32(i)}
	}
	slices.SortFunc(order, func(a, b forecastAt) int { return cmp.Or(cmp.Compare(a.p, b.p), cmp.Compare(a.row, b.row)) })
	return order
}

func distinctForecasts(order []forecastAt) int {
	n := 0
	for i, f := range order {
		if i == 0 || f.p != order[i-1].p {
			n++
		}
	}
	return n
}

// Scores returns AUC and ECE over bins of equal mass where each block counts as
// often as weight says; NaN as AUC and ECE are. With all weights 1 and at most
// maxGroups different forecasts they are the bits of AUC and nearly those of ECE.
func (r *Ranked) Scores(weight []int32, bins int) (auc, ece float64) {
	total := Weighted(r.events, weight)
	if r.few != nil {
		return r.few.auc(weight), r.few.ece(weight, total, bins)
	}
	var rank, lateBefore, pairs float64
	gaps := calibrationError{bins: float64(bins), total: total, current: -1}
	begin := 0
	for _, end := range r.groups {
		var events, late, sum float64
		for i := begin; i < end; i++ {
			e := &r.entries[i]
			w := float64(weight[e.block])
			events += w * float64(e.events)
			late += w * float64(e.late)
			sum += w * e.sum
		}
		begin = end
		if events == 0 {
			continue
		}
		gaps.add(rank, sum, late)
		pairs += late * (rank - lateBefore + (events-late)/2)
		rank, lateBefore = rank+events, lateBefore+late
	}
	auc = math.NaN()
	if onTime := rank - lateBefore; lateBefore > 0 && onTime > 0 {
		auc = pairs / (lateBefore * onTime)
	}
	return auc, gaps.mean()
}

// calibrationError sums |forecasts - late| of one bin after the other.
type calibrationError struct {
	bins, total float64
	current     float64 // bin under way
	gap, sum    float64 // of it, and of those before
}

// add takes a group whose first event has this rank, from 0.
func (c *calibrationError) add(rank, forecasts, late float64) {
	if bin := math.Floor(rank * c.bins / c.total); bin != c.current {
		c.sum += math.Abs(c.gap)
		c.current, c.gap = bin, 0
	}
	c.gap += forecasts - late
}

func (c *calibrationError) mean() float64 {
	if c.bins <= 0 || c.total == 0 {
		return math.NaN()
	}
	return (c.sum + math.Abs(c.gap)) / c.total
}
