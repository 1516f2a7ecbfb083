package servingtest

import (
	"encoding/json"
	"fmt"
	"slices"

	"puenktlich/internal/feature"
	"puenktlich/internal/forecast"
	"puenktlich/internal/forest"
	"puenktlich/internal/rail"
)

// Overflowing is the tiny model with trees that add up to more than a float32 holds
// where a feature is known and not below a threshold: it has no forecast there, and
// nobody sees that before.
func Overflowing(name string, threshold float64) forecast.Artefact {
	const huge = 3e38 // two of them are infinite
	all := tiny()
	for range 2 {
		all = append(all, classTree{0, stump(name, threshold, 0, huge)})
	}
	return artefactOf(all)
}

// Deep is the tiny model with n trees more, full to the depth that is the greatest, each
// level of them split by another feature. They hardly move a forecast, and take
// long to explain: each of their 256 leaves has eight conditions. Each half minute of the
// horizon up to n/2 minutes has explanations of its own.
func Deep(n int) forecast.Artefact {
	all := tiny()
	classes := len(all)
	for i := range n {
		all = append(all, classTree{i % classes, full(i)})
	}
	return artefactOf(all)
}

// classTree is a tree of a class, in the form of XGBoost's model files.
type classTree struct {
	class int
	tree  treeJSON
}

type treeJSON struct {
	Left       []int             `json:"left_children"`
	Right      []int             `json:"right_children"`
	Feature    []int             `json:"split_indices"`
	Condition  []float64         `json:"split_conditions"` // of a leaf its value
	SplitType  []int             `json:"split_type"`
	Categories []int             `json:"categories"`
	Hessians   []float64         `json:"sum_hessian"`
	Param      map[string]string `json:"tree_param"`
}

// modelOf is a model file as XGBoost writes it.
func modelOf(all []classTree) json.RawMessage {
	var trees []treeJSON
	var info []int
	for _, t := range all {
		trees, info = append(trees, t.tree), append(info, t.class)
	}
	body, err := json.Marshal(map[string]any{
		"version": []int{1, 7, 4},
		"learner": map[string]any{
			"attributes": map[string]string{forest.MissingAttribute: forest.MissingAttributeValue},
			"learner_model_param": map[string]string{"base_score": "5E-1", "num_class": fmt.Sprint(len(rail.BucketEdges()) + 1),
				"num_feature": fmt.Sprint(feature.Width()), "num_target": "1"},
			"objective":        map[string]any{"name": "multi:softprob"},
			"gradient_booster": map[string]any{"name": "gbtree", "model": map[string]any{"tree_info": info, "trees": trees}},
		},
	})
	if err != nil {
		panic("servingtest: " + err.Error()) // plain numbers are always JSON
	}
	return body
}

// stump is one split: below the threshold, or not known, the left leaf.
func stump(name string, threshold, left, right float64) treeJSON {
	split := slices.Index(feature.Names(), name)
	return treeJSON{Left: []int{1, -1, -1}, Right: []int{2, -1, -1}, Feature: []int{split, 0, 0}, Condition: []float64{threshold, left, right},
		SplitType: []int{0, 0, 0}, Categories: []int{}, Hessians: []float64{100, 75, 25}, Param: treeParam(3)}
}

// full is a tree with every node down to forest.MaxDepth. Its leaves are 0.001 and less,
// and half of the rows went each way. It is split by the horizon at seed/2 minutes, and
// then by features that seed decides about.
func full(seed int) treeJSON {
	const nodes, splits = 1<<(forest.MaxDepth+1) - 1, 1<<forest.MaxDepth - 1
	t := treeJSON{Categories: []int{}, SplitType: make([]int, nodes), Param: treeParam(nodes)}
	cover, next := 256.0, 1 // the first node of the next level
	for node, level := 0, 0; node < nodes; node++ {
		if node == next {
			level, next, cover = level+1, 2*next+1, cover/2
		}
		left, right, split, condition := -1, -1, 0, float64((node*31+seed)%11-5)/5000
		switch {
		case node == 0:
			left, right, split, condition = 1, 2, slices.Index(feature.Names(), "horizon"), float64(seed)/2
		case node < splits:
			left, right, split, condition = 2*node+1, 2*node+2, 1+(seed+7*level)%(feature.Width()-1), float64(level)
		}
		t.Left, t.Right = append(t.Left, left), append(t.Right, right)
		t.Feature, t.Condition, t.Hessians = append(t.Feature, split), append(t.Condition, condition), append(t.Hessians, cover)
	}
	return t
}

func treeParam(nodes int) map[string]string {
	return map[string]string{"num_nodes": fmt.Sprint(nodes), "size_leaf_vector": "0"}
}
