package forest_test

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"

	"puenktlich/internal/forest"
)

// handModel is the smallest file Parse accepts: one tree of two splits.
const handModel = `{
"learner": {
  "attributes": {"missing_value": "-100000"},
  "feature_names": [], "feature_types": [],
  "gradient_booster": {
    "model": {
      "gbtree_model_param": {"num_parallel_tree": "1", "num_trees": "1"},
      "tree_info": [0],
      "trees": [{
        "base_weights": [0, 1, 0, 2, 6], "categories": [], "default_left": [0, 0, 0, 0, 0], "id": 0,
        "left_children": [1, -1, 3, -1, -1],
        "right_children": [2, -1, 4, -1, -1],
        "split_indices": [0, 0, 1, 0, 0],
        "split_conditions": [1E0, 1E0, 2E0, 2E0, 6E0],
        "split_type": [0, 0, 0, 0, 0],
        "sum_hessian": [1E2, 6E1, 4E1, 1E1, 3E1],
        "tree_param": {"num_deleted": "0", "num_feature": "2", "num_nodes": "5", "size_leaf_vector": "0"}
      }]
    },
    "name": "gbtree"
  },
  "learner_model_param": {"base_score": "5E-1", "num_class": "0", "num_feature": "2", "num_target": "1"},
  "objective": {"name": "binary:logistic", "reg_loss_param": {"scale_pos_weight": "1"}}
}, "version": [1, 7, 4]}`

func wantError(t *testing.T, err error, part string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), part) {
		t.Errorf("error %v\nwant one with %q", err, part)
	}
}

// Each case replaces one piece of the good file.
func TestParseNamesTheWrongField(t *testing.T) {
	t.Parallel()
	tests := []struct{ old, replacement, message string }{
		{`"version": [1, 7, 4]}`, ``, "file: not an XGBoost model in JSON"},
		{`"version": [1, 7, 4]}`, `"version": [1, 7, 4]} {}`, "file: something follows"},
		{`"learner": {`, `"leaner": {`, "learner: absent"},
		{`binary:logistic`, `reg:squarederror`, `learner.objective.name: "reg:squarederror"`},
		{`"-100000"`, `"nan"`, `learner.attributes.missing_value: "nan", want "-100000"`},
		{`{"missing_value": "-100000"}`, `{}`, `learner.attributes.missing_value: ""`},
		{`"name": "gbtree"`, `"name": "dart"`, `learner.gradient_booster.name: "dart"`},
		{`"5E-1"`, `"half"`, `base_score: "half" is not a finite number`},
		{`"5E-1"`, `"[5E-1,5E-1]"`, "base_score: 2 values for 1 classes"},
		{`"5E-1"`, `"1E0"`, "base_score: 1 is not a probability"},
		{`"num_feature": "2", "num_target"`, `"num_feature": "x", "num_target"`, `num_feature: "x" is not a whole number`},
		{`"num_feature": "2", "num_target"`, `"num_feature": "0", "num_target"`, "num_feature: 0; want 1 to 256"},
		{`"num_feature": "2", "num_target"`, `"num_feature": "999", "num_target"`, "num_feature: 999; want 1 to 256"},
		{`"num_target": "1"`, `"num_target": "3"`, "num_target: 3"},
		{`"tree_info": [0]`, `"tree_info": [0, 0]`, "tree_info: 2 classes for 1 trees"},
		{`"tree_info": [0]`, `"tree_info": [1]`, "tree_info[0]: class 1 of 1"},
		{`"num_nodes": "5"`, `"num_nodes": "7"`, `trees[0].tree_param.num_nodes: "7", but left_children has 5`},
		{`"size_leaf_vector": "0"`, `"size_leaf_vector": "4"`, "trees[0].tree_param.size_leaf_vector: 4"},
		{`"right_children": [2, -1,`, `"right_children": [2,`, "trees[0].right_children: 4 values for 5 nodes"},
		{`"sum_hessian": [1E2,`, `"sum_hessian": [`, "trees[0].sum_hessian: 4 values"},
		{`"sum_hessian": [1E2,`, `"sum_hessian": [-1,`, "trees[0].sum_hessian[0]: -1 is not"},
		{`"left_children": [1,`, `"left_children": [9,`, "trees[0]: node 9 is not in the tree or is reached twice"},
		{`"left_children": [1, -1, 3`, `"left_children": [1, -1, 0`, "trees[0]: node 0 is not in the tree or is reached twice"},
		{`"left_children": [1, -1, 3`, `"left_children": [1, -1, -1`, "trees[0]: node -1 is not"},
		{`"split_indices": [0, 0, 1`, `"split_indices": [0, 0, 2`, "trees[0].split_indices[2]: feature 2 of 2"},
		{`"split_type": [0`, `"split_type": [1`, "trees[0].split_type[0]: categorical splits"},
		{`"categories": []`, `"categories": [3]`, "trees[0].categories: categorical splits"},
		{`"split_conditions": [1E0,`, `"split_conditions": [NaN,`, "file: not an XGBoost model in JSON"},
		{`"split_conditions": [1E0,`, `"split_conditions": [1E99,`, "file: not an XGBoost model in JSON"},
	}
	for _, test := range tests {
		t.Run(test.message, func(t *testing.T) {
			t.Parallel()
			if strings.Count(handModel, test.old) != 1 {
				t.Fatalf("%q is not once in the good file", test.old)
			}
			_, err := forest.Parse([]byte(strings.Replace(handModel, test.old, test.replacement, 1)))
			wantError(t, err, "parse model: ")
			wantError(t, err, test.message)
			if parseError := new(forest.ParseError); !errors.As(err, &parseError) {
				t.Errorf("error of type %T, want *forest.ParseError", err)
			}
		})
	}
}

func TestParseRefusesDeepTrees(t *testing.T) {
	t.Parallel()
	_, err := forest.Parse([]byte(chain(forest.MaxDepth + 1)))
	wantError(t, err, "depth 9; at most 8 can be evaluated")
	f, err := forest.Parse([]byte(chain(forest.MaxDepth)))
	if err != nil || f.Depth() != forest.MaxDepth {
		t.Errorf("depth 8: %v", err)
	}
}

// chain makes a model of one tree in which each right child splits again.
func chain(depth int) string {
	var left, right, feature, condition, cover []string
	for i := range depth {
		left = append(left, itoa(2*i+1), "-1")
		right = append(right, itoa(2*i+2), "-1")
		feature = append(feature, "0", "0")
		condition = append(condition, itoa(i), itoa(i))
		cover = append(cover, itoa(depth-i+1), "1")
	}
	left, right = append(left, "-1"), append(right, "-1")
	feature, condition, cover = append(feature, "0"), append(condition, "5"), append(cover, "1")
	replace := strings.NewReplacer(
		"[1, -1, 3, -1, -1]", list(left), "[2, -1, 4, -1, -1]", list(right), "[0, 0, 1, 0, 0]", list(feature),
		"[1E0, 1E0, 2E0, 2E0, 6E0]", list(condition), "[1E2, 6E1, 4E1, 1E1, 3E1]", list(cover),
		`"split_type": [0, 0, 0, 0, 0],`, "", `"num_nodes": "5"`, `"num_nodes": "`+itoa(len(left))+`"`)
	return replace.Replace(handModel)
}

func list(values []string) string { return "[" + strings.Join(values, ", ") + "]" }

func itoa(n int) string { return strconv.Itoa(n) }

// XGBoost 3.1 and later write base_score as a list, with one value or one a
// class.
func TestBaseScore(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{"5E-1": 0, "[5E-1]": 0, "7.5E-1": math.Log(3), "[2.5E-1]": -math.Log(3)} {
		f := parse(t, []byte(strings.Replace(handModel, "5E-1", text, 1)))
		margin := make([]float32, 1)
		f.Margin(margin, []float32{5, 5})
		if math.Abs(float64(margin[0])-6-want) > 1e-6 {
			t.Errorf("base_score %s: margin %v, want %v", text, margin[0], 6+want)
		}
	}
	softprob := strings.NewReplacer("binary:logistic", "multi:softprob", `"num_class": "0"`, `"num_class": "2"`, "5E-1", "[-1E0,2.5E0]")
	f := parse(t, []byte(softprob.Replace(handModel)))
	margins := make([]float32, 2)
	f.Margin(margins, []float32{5, 5})
	if margins[0] != 5 || margins[1] != 2.5 {
		t.Errorf("margins %v, want 5 and 2.5", margins)
	}
}
