package metric

import (
	"math"
	"sort"
)

const (
	// maxFewBlocks bounds the table of pairs.
	maxFewBlocks = 64
	// searchSteps is about what the bins of a calibration error take to find: from
	// where on a pass over the entries costs more.
	searchSteps = 100
)

// fewBlocks is what a Ranked comes to where blocks are few: a resample then costs
// a look at pairs of blocks and a search for each bin, not a pass over the entries.
type fewBlocks struct {
	blocks int
	// pairs of a late event of one block and one on time of another, [late][on time]:
	// how many are in the right order, ties counting half. Exact.
	pairs        []float64
	late, onTime []float64 // events, by block
	// before and gap are sums over the groups before each, by group and block, one
	// group more than there are: of events, and of forecasts less late events.
	before, gap []float64
}

// byBlock passes over the entries once.
func (r *Ranked) byBlock(blocks int) *fewBlocks {
	f := &fewBlocks{blocks: blocks, pairs: make([]float64, blocks*blocks), late: make([]float64, blocks), onTime: make([]float64, blocks),
		before: make([]float64, (len(r.groups)+1)*blocks), gap: make([]float64, (len(r.groups)+1)*blocks)}
	begin := 0
	for g, end := range r.groups {
		group := r.entries[begin:end]
		begin = end
		before, gap := f.before[(g+1)*blocks:][:blocks], f.gap[(g+1)*blocks:][:blocks]
		copy(before, f.before[g*blocks:][:blocks])
		copy(gap, f.gap[g*blocks:][:blocks])
		for _, e := range group {
			pairs := f.pairs[int(e.block)*blocks:][:blocks]
			for b, below := range f.onTime {
				pairs[b] += float64(e.late) * below
			}
			for _, other := range group {
				pairs[other.block] += float64(e.late) * float64(other.events-other.late) / 2
			}
		}
		for _, e := range group {
			f.late[e.block] += float64(e.late)
			f.onTime[e.block] += float64(e.events - e.late)
			before[e.block] += float64(e.events)
			gap[e.block] += e.sum - float64(e.late)
		}
	}
	return f
}

func (f *fewBlocks) auc(weight []int32) float64 {
	late, onTime := Weighted(f.late, weight), Weighted(f.onTime, weight)
	if late == 0 || onTime == 0 {
		return math.NaN()
	}
	pairs := 0.0
	for b, w := range weight {
		if w > 0 {
			pairs += float64(w) * Weighted(f.pairs[b*f.blocks:][:f.blocks], weight)
		}
	}
	return pairs / (late * onTime)
}

// ece finds where each bin begins: at the first group of which so many events lie
// below.
func (f *fewBlocks) ece(weight []int32, total float64, bins int) float64 {
	if bins <= 0 || total == 0 {
		return math.NaN()
	}
	groups, sum, first := len(f.before)/f.blocks-1, 0.0, 0.0
	for bin, from := 1, 0; bin <= bins; bin++ {
		from += sort.Search(groups-from, func(i int) bool {
			return math.Floor(Weighted(f.before[(from+i)*f.blocks:][:f.blocks], weight)*float64(bins)/total) >= float64(bin)
		})
		last := Weighted(f.gap[from*f.blocks:][:f.blocks], weight)
		sum += math.Abs(last - first)
		first = last
	}
	return sum / total
}
