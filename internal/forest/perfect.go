package forest

import "math"

// perfectTrees holds every tree filled up to the depth of the forest. Nodes are
// numbered from 1, and node i has the children 2i and 2i+1: the next node is
// computed instead of loaded, and every walk has the same length. A leaf above
// the last level becomes splits that always go left, above leaves of one value.
//
// Node numbers are kept in a byte, and a tree is seen through a window of 256
// entries that begins at it (the last ones reach into filling): no index needs
// a bounds check. After the last step of depth d the number is 2^d + leaf, of
// which the byte keeps, less 2^d, the leaf, for every depth up to 8.
type perfectTrees struct {
	depth  int
	splits []split   // (trees x 2^depth) + window; entry 0 of each tree is not used
	leaves []float32 // (trees x 2^depth) + window
}

// split is one node: go right if row[feature] >= threshold.
type split struct {
	threshold float32
	feature   uint8
}

// window is how many entries a byte can index.
const window = 256

// alwaysLeft is the threshold of a split that only fills a tree up.
var alwaysLeft = float32(math.Inf(1))

func newPerfectTrees(trees [][]node, depth int) perfectTrees {
	size := 1 << depth
	p := perfectTrees{
		depth:  depth,
		splits: make([]split, len(trees)*size+window),
		leaves: make([]float32, len(trees)*size+window),
	}
	for i := range p.splits {
		p.splits[i].threshold = alwaysLeft
	}
	for i, tree := range trees {
		fill(tree, 0, p.splits[i*size:][:size], p.leaves[i*size:][:size], 1)
	}
	return p
}

// fill writes the subtree at node from as node at of a perfect tree.
func fill(tree []node, from int32, splits []split, leaves []float32, at int) {
	n := &tree[from]
	if at >= len(splits) {
		leaves[at-len(splits)] = n.value
		return
	}
	left, right := n.left, n.right
	if n.leaf() {
		left, right = from, from
	} else {
		splits[at] = split{threshold: n.value, feature: n.feature}
	}
	fill(tree, left, splits, leaves, 2*at)
	fill(tree, right, splits, leaves, 2*at+1)
}

// Margin fills out (len Classes) with the margins of one row (len Features),
// equal bit for bit to XGBoost's. NaN is missing. It keeps neither slice and
// allocates nothing; it panics if a length is wrong.
func (f *Forest) Margin(out, row []float32) {
	if f.mustShape(len(out), len(row)) != 1 {
		panic("forest: Margin takes exactly one row")
	}
	var x [MaxFeatures]float32
	for i, value := range row {
		x[i] = known(value)
	}
	copy(out, f.base)
	f.perfect.add(out, &x, f.treeClass)
}

// add walks four trees at a time, which hides the wait for memory of each
// behind that of the others, and adds their leaves to out in tree order.
func (p *perfectTrees) add(out []float32, x *[MaxFeatures]float32, class []int32) {
	tree := 0
	for ; tree+4 <= len(class); tree += 4 {
		i0, i1, i2, i3 := p.walk4(x, tree)
		leaves, size := p.leaves[tree<<p.depth:], 1<<p.depth
		out[class[tree]] += leaves[i0]
		out[class[tree+1]] += leaves[int(i1)+size]
		out[class[tree+2]] += leaves[int(i2)+2*size]
		out[class[tree+3]] += leaves[int(i3)+3*size]
	}
	for ; tree < len(class); tree++ {
		s, i := p.window(tree), uint8(1)
		for range p.depth {
			i = 2*i + goesRight(x, s[i])
		}
		out[class[tree]] += p.leaves[tree<<p.depth+int(i-uint8(1<<p.depth))]
	}
}

func (p *perfectTrees) window(tree int) *[window]split {
	return (*[window]split)(p.splits[tree<<p.depth:])
}

// walk4 gives the leaves that a row reaches in four trees.
func (p *perfectTrees) walk4(x *[MaxFeatures]float32, tree int) (i0, i1, i2, i3 uint8) {
	s0, s1, s2, s3 := p.window(tree), p.window(tree+1), p.window(tree+2), p.window(tree+3)
	i0, i1, i2, i3 = 1, 1, 1, 1
	for range p.depth {
		i0 = 2*i0 + goesRight(x, s0[i0])
		i1 = 2*i1 + goesRight(x, s1[i1])
		i2 = 2*i2 + goesRight(x, s2[i2])
		i3 = 2*i3 + goesRight(x, s3[i3])
	}
	first := uint8(1 << p.depth)
	return i0 - first, i1 - first, i2 - first, i3 - first
}

// goesRight is 1 or 0; the compiler makes it a comparison without a jump.
func goesRight(x *[MaxFeatures]float32, s split) uint8 {
	if x[s.feature] >= s.threshold {
		return 1
	}
	return 0
}
