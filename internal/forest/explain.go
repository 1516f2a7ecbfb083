package forest

import "math"

// path is one leaf with the conditions that lead to it, those on one feature
// merged: the row reaches the leaf if low <= x < high for each condition.
type path struct {
	value      float64
	conditions []condition
}

// condition is what a path asks of one feature. share is the part of the
// training rows (by sum of hessians) that would follow the path at the splits
// on this feature: the product of cover(child)/cover(parent).
type condition struct {
	feature   uint8
	low, high float32
	share     float64
}

// build makes all layouts of the trees.
func (f *Forest) build(trees [][]node) {
	f.perfect = newPerfectTrees(trees, f.depth)
	f.sliced = newSlicedTrees(&f.perfect, f.features)
	f.trees = trees
	f.paths = make([][]path, len(trees))
	f.expected = make([]float64, f.classes)
	for class, base := range f.base {
		f.expected[class] = float64(base)
	}
	for i, tree := range trees {
		f.paths[i] = appendPaths(nil, tree, 0, nil)
		for _, p := range f.paths[i] {
			f.expected[f.treeClass[i]] += p.expectation()
		}
	}
}

// expectation is the part of the leaf in the mean of its tree over the training
// rows.
func (p *path) expectation() float64 {
	part := p.value
	for _, c := range p.conditions {
		part *= c.share
	}
	return part
}

// appendPaths appends all leaves below node i, whose own path is known.
func appendPaths(paths []path, tree []node, i int32, conditions []condition) []path {
	n := &tree[i]
	if n.leaf() {
		return append(paths, path{value: float64(n.value), conditions: conditions})
	}
	paths = appendPaths(paths, tree, n.left, toLeft(conditions, tree, n))
	return appendPaths(paths, tree, n.right, toRight(conditions, tree, n))
}

// toLeft gives the conditions of the left child of n, toRight those of the right.
func toLeft(conditions []condition, tree []node, n *node) []condition {
	left := narrow(conditions, n, share(n, &tree[n.left]))
	c := &left[conditionOn(left, n.feature)]
	c.high = min(c.high, n.value)
	return left
}

func toRight(conditions []condition, tree []node, n *node) []condition {
	right := narrow(conditions, n, share(n, &tree[n.right]))
	c := &right[conditionOn(right, n.feature)]
	c.low = max(c.low, n.value)
	return right
}

// share is the part of the rows at a split that went on to the child; one half
// where no row ever was, so that the shares of both children still sum to 1.
func share(parent, child *node) float64 {
	if parent.cover == 0 {
		return 0.5
	}
	return float64(child.cover) / float64(parent.cover)
}

// narrow copies conditions and lets the one on the feature of n, added if
// absent, pass only the given share of rows.
func narrow(conditions []condition, n *node, share float64) []condition {
	own := make([]condition, len(conditions), len(conditions)+1)
	copy(own, conditions)
	at := conditionOn(own, n.feature)
	if at < 0 {
		at = len(own)
		infinite := float32(math.Inf(1))
		own = append(own, condition{feature: n.feature, low: -infinite, high: infinite, share: 1})
	}
	own[at].share *= share
	return own
}

func conditionOn(conditions []condition, feature uint8) int {
	for i := range conditions {
		if conditions[i].feature == feature {
			return i
		}
	}
	return -1
}

// Contributions fills out (Classes x (Features + 1)) with the exact Shapley
// value of each feature of one row, class after class; the last value of a
// class is the mean margin over the training rows, and all values of a class
// sum to its margin. A feature counts as absent by following both children of
// its splits in proportion to their covers (path-dependent TreeSHAP, S.
// Lundberg et al., Consistent Individualized Feature Attribution for Tree
// Ensembles, 2018), as XGBoost's pred_contribs does. NaN is missing. It keeps
// neither slice; it panics if a length is wrong.
func (f *Forest) Contributions(out []float64, row []float32) {
	stride := f.features + 1
	if len(row) != f.features || len(out) != f.classes*stride {
		panic("forest: Contributions takes one row and Classes x (Features + 1) values out")
	}
	var x [MaxFeatures]float32
	for i, value := range row {
		x[i] = known(value)
	}
	clear(out)
	for class, expected := range f.expected {
		out[class*stride+f.features] = expected
	}
	if t := f.explaining(); t != nil {
		t.add(out, stride, &x)
		return
	}
	for tree, paths := range f.paths {
		phi := out[int(f.treeClass[tree])*stride:][:stride]
		for i := range paths {
			paths[i].attribute(phi, &x)
		}
	}
}

// attribute adds the Shapley values of the leaf for one row.
func (p *path) attribute(phi []float64, x *[MaxFeatures]float32) {
	var met [MaxDepth]bool
	for k, c := range p.conditions {
		met[k] = x[c.feature] >= c.low && x[c.feature] < c.high
	}
	values := p.values(&met)
	for k, c := range p.conditions {
		phi[c.feature] += values[k]
	}
}

// values are the Shapley values of the game that this leaf is on its own, one a
// condition: a coalition S of features is worth value x prod(k in S: met) x
// prod(k not in S: share). With m conditions, w(s) = s! (m-s-1)! / m! and c_j(s)
// the sum over coalitions of size s without j, feature j earns
//
//	value x (met_j - share_j) x sum over s of w(s) c_j(s),
//
// and the c_j are the coefficients of prod(k != j: share_k + met_k t).
func (p *path) values(met *[MaxDepth]bool) (values [MaxDepth]float64) {
	m := len(p.conditions)
	unmet := 0
	for k := range p.conditions {
		if !met[k] {
			unmet++
		}
	}
	// A condition that is not met has the constant factor share_k in every
	// product but its own; only the met ones build the polynomial.
	product, coefficients := p.polynomial(met)
	if product == 0 {
		return values
	}
	for j, c := range p.conditions {
		if met[j] {
			rest := divide(coefficients, m-unmet, c.share)
			values[j] = p.value * (1 - c.share) * product * weigh(&rest, m-unmet-1, m)
		} else {
			values[j] = -p.value * product * weigh(&coefficients, m-unmet, m)
		}
	}
	return values
}

// polynomial gives the product of the shares of all conditions that are not
// met, and the coefficients of prod(met k: share_k + t).
func (p *path) polynomial(met *[MaxDepth]bool) (product float64, coefficients [MaxDepth + 1]float64) {
	product = 1
	coefficients[0] = 1
	degree := 0
	for k, c := range p.conditions {
		if !met[k] {
			product *= c.share
			continue
		}
		degree++
		for s := degree; s > 0; s-- {
			coefficients[s] = coefficients[s]*c.share + coefficients[s-1]
		}
		coefficients[0] *= c.share
	}
	return product, coefficients
}

// divide gives the quotient of a polynomial by (share + t), from the highest
// coefficient down, which is stable for shares in [0, 1].
func divide(coefficients [MaxDepth + 1]float64, degree int, share float64) (quotient [MaxDepth + 1]float64) {
	carry := 0.0
	for s := degree; s > 0; s-- {
		carry = coefficients[s] - carry*share
		quotient[s-1] = carry
	}
	return quotient
}

// weigh sums coefficients 0 to degree, each times the weight of coalitions of
// its size among m features.
func weigh(coefficients *[MaxDepth + 1]float64, degree, m int) float64 {
	sum := 0.0
	for s := range degree + 1 {
		sum += coefficients[s] * coalitionWeight[m][s]
	}
	return sum
}

// coalitionWeight[m][s] = s! (m-s-1)! / m!: the part of the orders of m
// features in which exactly the s given ones come before a given one.
var coalitionWeight = func() (w [MaxDepth + 1][MaxDepth + 1]float64) {
	for m := 1; m <= MaxDepth; m++ {
		w[m][0] = 1 / float64(m)
		for s := 1; s < m; s++ {
			w[m][s] = w[m][s-1] * float64(s) / float64(m-s)
		}
	}
	return w
}()
