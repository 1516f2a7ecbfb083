package forest

import "slices"

const (
	// tableDepth is the depth of trees up to which explanations come from tables.
	tableDepth = 6
	// groupHeight is how many levels of splits lie in one group.
	groupHeight = 2
	// groupSplits is how many splits such a group has at most; with the conditions
	// that lead to it, of which there are tableDepth-groupHeight at most, each
	// has a bit in the index of the group's table.
	groupSplits = 1<<groupHeight - 1
	// groupWidth is how many values stand beside each other for each pattern
	// of bits: one a feature, of which there are at most as many as bits.
	groupWidth = 8
)

// explanations answer the Shapley values of a row by look-ups. What a leaf gives
// to each feature depends only on which of the conditions on its path the row
// meets. The leaves below one node share the path to it; so they are taken
// together: up to four leaves have one table, over the conditions on the path to
// their node and the up to three splits below it.
type explanations struct {
	groups []group
	// tables holds for each group 2^bits rows of groupWidth values, a row of
	// a group without so many features being filled up, and filling at the end,
	// so that no window reaches out of it.
	tables []float32
}

// group is the leaves below one node of a tree.
type group struct {
	class    int32
	first    int // in tables
	bits     []outcome
	features []uint8 // of the first values of each row of the table
}

// outcome is one bit: the feature's value is not below low and below high.
type outcome struct {
	feature   uint8
	low, high float32
	// The same in masks of 64 rows: those of notBelow less those of reached.
	// anyLow says that there is no lower bound.
	notBelow, reached uint32
	anyLow            bool
}

// explaining makes the tables at the first explanation: most forests are never
// asked for one.
func (f *Forest) explaining() *explanations {
	f.explainOnce.Do(func() {
		if f.depth <= tableDepth {
			f.explain = f.newExplanations()
		}
	})
	return f.explain
}

func (f *Forest) newExplanations() *explanations {
	t := &explanations{}
	for i, tree := range f.trees {
		t.addTree(f, f.treeClass[i], tree, 0, nil)
	}
	t.tables = append(t.tables, make([]float32, windowValues)...)
	return t
}

// addTree makes the groups of the subtree at node i, which the conditions lead to.
func (t *explanations) addTree(f *Forest, class int32, tree []node, i int32, conditions []condition) {
	n := &tree[i]
	if height(tree, i) > groupHeight {
		t.addTree(f, class, tree, n.left, toLeft(conditions, tree, n))
		t.addTree(f, class, tree, n.right, toRight(conditions, tree, n))
		return
	}
	g := newGroupBuilder(f, conditions)
	g.visit(tree, i, conditions, nil)
	if len(g.bits) == 0 {
		return // a tree without a split explains nothing
	}
	t.groups = append(t.groups, group{class: class, first: len(t.tables), bits: g.bits, features: g.features})
	t.tables = append(t.tables, g.table()...)
}

// height is the number of splits between a node and its farthest leaf.
func height(tree []node, i int32) int {
	if n := &tree[i]; !n.leaf() {
		return 1 + max(height(tree, n.left), height(tree, n.right))
	}
	return 0
}

// groupBuilder makes the table of one group.
type groupBuilder struct {
	forest   *Forest
	bits     []outcome
	features []uint8
	leaves   []groupLeaf
}

// groupLeaf is a leaf and what its conditions ask of the bits of its group.
type groupLeaf struct {
	path
	asks []bitPattern // one a condition
}

// bitPattern is met where the bits under the mask are those of value.
type bitPattern struct{ mask, value uint8 }

func newGroupBuilder(f *Forest, conditions []condition) *groupBuilder {
	g := &groupBuilder{forest: f}
	for _, c := range conditions {
		g.bits = append(g.bits, f.sliced.outcome(c.feature, c.low, c.high))
		g.features = append(g.features, c.feature)
	}
	return g
}

// turn is a split on the way through a group.
type turn struct {
	feature uint8
	bit     int
	right   bool
}

// visit adds the splits and leaves below node i.
func (g *groupBuilder) visit(tree []node, i int32, conditions []condition, turns []turn) {
	n := &tree[i]
	if n.leaf() {
		g.leaves = append(g.leaves, groupLeaf{path: path{value: float64(n.value), conditions: conditions}, asks: g.asks(conditions, turns)})
		return
	}
	bit := len(g.bits)
	g.bits = append(g.bits, g.forest.sliced.outcome(n.feature, n.value, alwaysLeft))
	if !slices.Contains(g.features, n.feature) {
		g.features = append(g.features, n.feature)
	}
	turns = slices.Clip(turns)
	g.visit(tree, n.left, toLeft(conditions, tree, n), append(turns, turn{n.feature, bit, false}))
	g.visit(tree, n.right, toRight(conditions, tree, n), append(turns, turn{n.feature, bit, true}))
}

// asks says of each condition of a leaf which bits meet it: that of the path to
// the group, if it was on it, and those of the splits on its feature below.
func (g *groupBuilder) asks(conditions []condition, turns []turn) []bitPattern {
	asks := make([]bitPattern, len(conditions))
	for k, c := range conditions {
		if k < len(g.bits) && g.onPath(k, c.feature, turns) {
			asks[k] = bitPattern{1 << k, 1 << k}
		}
		for _, t := range turns {
			if t.feature != c.feature {
				continue
			}
			asks[k].mask |= 1 << t.bit
			if t.right {
				asks[k].value |= 1 << t.bit
			}
		}
	}
	return asks
}

// onPath says whether condition k stood on the path to the group: those come
// first, in the same order, before the first split of the group.
func (g *groupBuilder) onPath(k int, feature uint8, turns []turn) bool {
	first := len(g.bits)
	if len(turns) > 0 {
		first = turns[0].bit
	}
	return k < first && g.bits[k].feature == feature
}

// table sums what the leaves give to each feature, for every pattern of bits.
func (g *groupBuilder) table() []float32 {
	sums := make([]float64, groupWidth<<len(g.bits))
	for i := range g.leaves {
		leaf := &g.leaves[i]
		values := leaf.everyValue()
		var column [MaxDepth]int
		for k, c := range leaf.conditions {
			column[k] = slices.Index(g.features, c.feature)
		}
		for pattern := range 1 << len(g.bits) {
			row, earned := sums[pattern*groupWidth:][:groupWidth], &values[leaf.met(uint8(pattern))]
			for k := range leaf.conditions {
				row[column[k]] += earned[k]
			}
		}
	}
	table := make([]float32, len(sums))
	for i, sum := range sums {
		table[i] = float32(sum)
	}
	return table
}

// met is which conditions of the leaf a pattern of the group's bits meets, one
// bit a condition.
func (l *groupLeaf) met(pattern uint8) (met int) {
	for k, ask := range l.asks {
		if pattern&ask.mask == ask.value {
			met |= 1 << k
		}
	}
	return met
}

// everyValue is the values of the leaf whatever is met, one bit a condition.
func (l *groupLeaf) everyValue() [][MaxDepth]float64 {
	all := make([][MaxDepth]float64, 1<<len(l.conditions))
	for pattern := range all {
		var met [MaxDepth]bool
		for k := range l.conditions {
			met[k] = pattern>>k&1 == 1
		}
		all[pattern] = l.values(&met)
	}
	return all
}

// outcome finds the masks of a condition.
func (s *slicedTrees) outcome(feature uint8, low, high float32) outcome {
	o := outcome{feature: feature, low: low, high: high, anyLow: low == -alwaysLeft}
	if !o.anyLow {
		o.notBelow = s.mask(feature, low)
	}
	if high != alwaysLeft {
		o.reached = s.mask(feature, high)
	}
	return o
}

// mask is the number of the mask of a split.
func (s *slicedTrees) mask(feature uint8, threshold float32) uint32 {
	i, _ := slices.BinarySearchFunc(s.features, int(feature), func(f featureScale, feature int) int { return f.feature - feature })
	at, _ := slices.BinarySearch(s.features[i].thresholds, threshold)
	return uint32(s.features[i].first + at)
}
