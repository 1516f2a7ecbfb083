package forest

import (
	"fmt"
	"math"
)

// node is one node of a tree as read and checked. A leaf has left = 0: no node
// has the root as its child.
type node struct {
	left, right int32
	feature     uint8
	value       float32 // threshold: go left if x < value; or value of a leaf
	cover       float32 // sum of hessians of the training rows that reached it
}

func (n *node) leaf() bool { return n.left == 0 }

// parseTrees reads and checks all trees; it sets the depth and the classes of
// the trees in f.
func parseTrees(file *modelFile, f *Forest) ([][]node, error) {
	model := &file.Learner.Booster.Model
	const field = "learner.gradient_booster.model"
	if len(model.Trees) == 0 {
		return nil, wrong(field+".trees", "no trees")
	}
	if len(model.TreeInfo) != len(model.Trees) {
		return nil, wrong(field+".tree_info", "%d classes for %d trees", len(model.TreeInfo), len(model.Trees))
	}
	f.treeClass, f.depth = model.TreeInfo, 1
	trees := make([][]node, len(model.Trees))
	for i := range model.Trees {
		if class := model.TreeInfo[i]; class < 0 || int(class) >= f.classes {
			return nil, wrong(fmt.Sprintf("%s.tree_info[%d]", field, i), "class %d of %d", class, f.classes)
		}
		reader := treeReader{file: &model.Trees[i], field: fmt.Sprintf("%s.trees[%d]", field, i), features: f.features}
		tree, err := reader.read()
		if err != nil {
			return nil, err
		}
		trees[i], f.depth = tree, max(f.depth, reader.depth)
	}
	return trees, nil
}

// treeReader checks one tree of a file and makes its nodes.
type treeReader struct {
	file     *treeFile
	field    string
	features int
	depth    int
	nodes    []node
	seen     []bool
}

func (r *treeReader) read() ([]node, error) {
	if err := r.checkShape(); err != nil {
		return nil, err
	}
	r.nodes = make([]node, len(r.file.Left))
	r.seen = make([]bool, len(r.file.Left))
	if err := r.visit(0, 0); err != nil {
		return nil, err
	}
	return r.nodes, nil
}

// checkShape compares the lengths of the arrays of a tree.
func (r *treeReader) checkShape() error {
	t, n := r.file, len(r.file.Left)
	if n == 0 {
		return wrong(r.field+".left_children", "no nodes")
	}
	if size := t.Param.SizeLeafVector; size != "" && size != "0" && size != "1" {
		return wrong(r.field+".tree_param.size_leaf_vector", "%s; leaves with more than one value cannot be evaluated", size)
	}
	if t.Param.NumNodes != fmt.Sprint(n) {
		return wrong(r.field+".tree_param.num_nodes", "%q, but left_children has %d", t.Param.NumNodes, n)
	}
	lengths := []struct {
		name string
		n    int
	}{
		{"right_children", len(t.Right)}, {"split_indices", len(t.Feature)},
		{"split_conditions", len(t.Condition)}, {"sum_hessian", len(t.SumHessian)},
	}
	for _, array := range lengths {
		if array.n != n {
			return wrong(r.field+"."+array.name, "%d values for %d nodes", array.n, n)
		}
	}
	if len(t.SplitType) != 0 && len(t.SplitType) != n {
		return wrong(r.field+".split_type", "%d values for %d nodes", len(t.SplitType), n)
	}
	if len(t.Categories) != 0 {
		return wrong(r.field+".categories", "categorical splits cannot be evaluated; encode categories as numbers")
	}
	return nil
}

// visit reads the node i at the given depth and all below it. Nodes that
// pruning has cut off are never reached and stay zero.
func (r *treeReader) visit(i int32, depth int) error {
	if i < 0 || int(i) >= len(r.nodes) || r.seen[i] {
		return wrong(r.field, "node %d is not in the tree or is reached twice", i)
	}
	r.seen[i] = true
	if err := r.checkNode(i, depth); err != nil {
		return err
	}
	t := r.file
	n := node{value: t.Condition[i], cover: t.SumHessian[i]}
	if t.Left[i] == -1 && t.Right[i] == -1 {
		r.nodes[i], r.depth = n, max(r.depth, depth)
		return nil
	}
	n.left, n.right, n.feature = t.Left[i], t.Right[i], uint8(t.Feature[i])
	r.nodes[i] = n
	if err := r.visit(n.left, depth+1); err != nil {
		return err
	}
	return r.visit(n.right, depth+1)
}

func (r *treeReader) checkNode(i int32, depth int) error {
	t := r.file
	at := func(array string) string { return fmt.Sprintf("%s.%s[%d]", r.field, array, i) }
	if math.IsInf(float64(t.Condition[i]), 0) || t.Condition[i] != t.Condition[i] {
		return wrong(at("split_conditions"), "%v is not finite", t.Condition[i])
	}
	if h := float64(t.SumHessian[i]); !(h >= 0) || math.IsInf(h, 0) {
		return wrong(at("sum_hessian"), "%v is not a finite number >= 0", h)
	}
	if t.Left[i] == -1 && t.Right[i] == -1 {
		return nil
	}
	if depth >= MaxDepth {
		return wrong(at("left_children"), "depth %d; at most %d can be evaluated", depth+1, MaxDepth)
	}
	if len(t.SplitType) != 0 && t.SplitType[i] != 0 {
		return wrong(at("split_type"), "categorical splits cannot be evaluated; encode categories as numbers")
	}
	if t.Feature[i] < 0 || int(t.Feature[i]) >= r.features {
		return wrong(at("split_indices"), "feature %d of %d", t.Feature[i], r.features)
	}
	return nil
}
