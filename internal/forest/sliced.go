package forest

import (
	"math"
	"slices"
)

// blockRows is how many rows are evaluated together: one a bit of a mask.
const blockRows = 64

// fewRows is the number of rows from which a block is cheaper than walking
// perfect trees row by row.
const fewRows = 12

// slicedTrees evaluates 64 rows at once. Each distinct (feature, threshold) of
// the forest has one mask, in which bit r says that row r is not below the
// threshold. A tree is then a network of multiplexers over masks: it yields,
// for each level, the mask of the rows that went right, which is one bit of the
// leaf index of all 64 rows.
type slicedTrees struct {
	features []featureScale
	masks    int      // number of masks, the first of which is always zero
	nodes    []uint32 // trees x 2^depth, as in perfectTrees: index of the mask of each split
}

// featureScale holds the distinct thresholds of one feature, ascending and
// filled up with +Inf to a power of two less one; the mask of threshold k is
// first+k.
type featureScale struct {
	feature    int
	count      int // without the filling
	first      int
	thresholds []float32
}

// block is the working memory for 64 rows.
type block struct {
	masks   []uint64
	values  [blockRows]float32
	margins []float32 // class-major: classes x 64
	held    [1 << (MaxDepth - 2)]uint64
}

func newSlicedTrees(p *perfectTrees, features int) slicedTrees {
	distinct := make([][]float32, features)
	for _, s := range p.splits {
		if s.threshold != alwaysLeft {
			distinct[s.feature] = append(distinct[s.feature], s.threshold)
		}
	}
	sliced := slicedTrees{masks: 1, nodes: make([]uint32, len(p.splits))}
	scaleOf := make([]int, features)
	for feature, thresholds := range distinct {
		if len(thresholds) == 0 {
			continue
		}
		slices.Sort(thresholds)
		thresholds = slices.Compact(thresholds)
		scaleOf[feature] = len(sliced.features)
		sliced.features = append(sliced.features, newFeatureScale(feature, sliced.masks, thresholds))
		sliced.masks += len(thresholds)
	}
	for i, s := range p.splits {
		if s.threshold != alwaysLeft {
			scale := &sliced.features[scaleOf[s.feature]]
			at, _ := slices.BinarySearch(scale.thresholds, s.threshold)
			sliced.nodes[i] = uint32(scale.first + at)
		}
	}
	return sliced
}

func newFeatureScale(feature, first int, thresholds []float32) featureScale {
	scale := featureScale{feature: feature, count: len(thresholds), first: first, thresholds: thresholds}
	for n := len(scale.thresholds); n&(n+1) != 0; n++ {
		scale.thresholds = append(scale.thresholds, float32(math.Inf(1)))
	}
	return scale
}

// Margins fills out (rows x Classes) with the margins of rows (row-major, rows
// x Features), each equal bit for bit to what Margin gives. NaN is missing. It
// keeps neither slice; it panics if a length is wrong. It is the fastest way
// from about a dozen rows on.
func (f *Forest) Margins(out, rows []float32) {
	n := f.mustShape(len(out), len(rows))
	b, _ := f.scratch.Get().(*block)
	if b == nil {
		b = &block{masks: make([]uint64, f.sliced.masks), margins: make([]float32, f.classes*blockRows)}
	}
	defer f.scratch.Put(b)
	for start := 0; start < n; start += blockRows {
		end := min(start+blockRows, n)
		in, to := rows[start*f.features:end*f.features], out[start*f.classes:end*f.classes]
		if end-start < fewRows {
			f.marginEach(to, in)
			continue
		}
		f.marginBlock(b, to, in)
	}
}

func (f *Forest) marginEach(out, rows []float32) {
	for len(rows) > 0 {
		f.Margin(out[:f.classes], rows[:f.features])
		out, rows = out[f.classes:], rows[f.features:]
	}
}

// marginBlock evaluates up to 64 rows.
func (f *Forest) marginBlock(b *block, out, rows []float32) {
	n := len(rows) / f.features
	f.sliced.fill(b.masks, &b.values, rows, f.features)
	for i := range b.margins {
		b.margins[i] = f.base[i/blockRows]
	}
	size := 1 << f.depth
	for tree, class := range f.treeClass {
		acc := (*[blockRows]float32)(b.margins[int(class)*blockRows:])
		leaves := (*[window]float32)(f.perfect.leaves[tree*size:])
		b.addTree(acc, f.sliced.nodes[tree*size:][:size], leaves)
	}
	for r := range n {
		for class := range f.classes {
			out[r*f.classes+class] = b.margins[class*blockRows+r]
		}
	}
}

// fill sets all masks for up to 64 rows of so many columns each; values is
// working memory.
func (s *slicedTrees) fill(masks []uint64, values *[blockRows]float32, rows []float32, columns int) {
	n := len(rows) / columns
	for i := range s.features {
		scale := &s.features[i]
		for r := range n {
			values[r] = known(rows[r*columns+scale.feature])
		}
		scale.fillMasks(masks[scale.first:][:scale.count], values)
	}
}

// fillMasks sets masks[k] to the rows whose value is not below threshold k. A
// row whose value reaches k thresholds is marked in masks[k-1] alone; from the
// last threshold to the first each mask then takes in the one after it.
func (s *featureScale) fillMasks(masks []uint64, values *[blockRows]float32) {
	clear(masks)
	for r := 0; r < blockRows; r += 4 {
		k0, k1, k2, k3 := reached(s.thresholds, values[r], values[r+1], values[r+2], values[r+3])
		mark(masks, k0, r)
		mark(masks, k1, r+1)
		mark(masks, k2, r+2)
		mark(masks, k3, r+3)
	}
	for k := len(masks) - 2; k >= 0; k-- {
		masks[k] |= masks[k+1]
	}
}

func mark(masks []uint64, reached, row int) {
	if reached > 0 {
		masks[min(reached, len(masks))-1] |= 1 << row
	}
}

// reached counts for four values the thresholds that are not above them, by
// binary searches without jumps that run side by side. The number of
// thresholds is a power of two less one.
func reached(thresholds []float32, v0, v1, v2, v3 float32) (k0, k1, k2, k3 int) {
	for step := (len(thresholds) + 1) / 2; step > 0; step /= 2 {
		k0 += step & -notBelow(v0, thresholds[k0+step-1])
		k1 += step & -notBelow(v1, thresholds[k1+step-1])
		k2 += step & -notBelow(v2, thresholds[k2+step-1])
		k3 += step & -notBelow(v3, thresholds[k3+step-1])
	}
	return k0, k1, k2, k3
}

func notBelow(value, threshold float32) int {
	if value >= threshold {
		return 1
	}
	return 0
}
