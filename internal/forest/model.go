package forest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A ParseError names the field of a model file that is wrong.
type ParseError struct {
	Field string // path in the file, e.g. learner.objective.name
	Err   error
}

// Error gives the field and what is wrong with it.
func (e *ParseError) Error() string { return "parse model: " + e.Field + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *ParseError) Unwrap() error { return e.Err }

func wrong(field, format string, args ...any) error {
	return &ParseError{Field: field, Err: fmt.Errorf(format, args...)}
}

// modelFile is the part of XGBoost's JSON model file (doc/model.schema in its
// sources) that evaluation needs. Numbers of parameters are strings there.
type modelFile struct {
	Version []int `json:"version"`
	Learner *struct {
		Attributes map[string]string `json:"attributes"`
		Booster    boosterFile       `json:"gradient_booster"`
		Param      struct {
			BaseScore  string `json:"base_score"`
			NumClass   string `json:"num_class"`
			NumFeature string `json:"num_feature"`
			NumTarget  string `json:"num_target"`
		} `json:"learner_model_param"`
		Objective struct {
			Name string `json:"name"`
		} `json:"objective"`
	} `json:"learner"`
}

type boosterFile struct {
	Name  string `json:"name"`
	Model struct {
		Trees    []treeFile `json:"trees"`
		TreeInfo []int32    `json:"tree_info"`
	} `json:"model"`
}

type treeFile struct {
	Param struct {
		NumNodes       string `json:"num_nodes"`
		SizeLeafVector string `json:"size_leaf_vector"`
	} `json:"tree_param"`
	Left       []int32   `json:"left_children"`
	Right      []int32   `json:"right_children"`
	Feature    []int32   `json:"split_indices"`
	Condition  []float32 `json:"split_conditions"` // threshold, or value of a leaf
	SumHessian []float32 `json:"sum_hessian"`
	SplitType  []int     `json:"split_type"`
	Categories []int     `json:"categories"`
}

// Parse reads a model that XGBoost 1.7 to 3.x has saved as JSON, with objective
// binary:logistic or multi:softprob and trees without categorical splits. The
// model must say, in the attribute [MissingAttribute], that it was trained with
// [Sentinel] for missing values. All errors are of type [*ParseError].
func Parse(modelJSON []byte) (*Forest, error) {
	var file modelFile
	decoder := json.NewDecoder(bytes.NewReader(modelJSON))
	if err := decoder.Decode(&file); err != nil {
		return nil, wrong("file", "not an XGBoost model in JSON: %w", err)
	}
	if decoder.More() {
		return nil, wrong("file", "something follows the JSON document at byte %d", decoder.InputOffset())
	}
	if file.Learner == nil {
		return nil, wrong("learner", "absent; not an XGBoost model")
	}
	f, err := parseHead(&file)
	if err != nil {
		return nil, err
	}
	trees, err := parseTrees(&file, f)
	if err != nil {
		return nil, err
	}
	f.build(trees)
	return f, nil
}

// parseHead reads everything but the trees.
func parseHead(file *modelFile) (*Forest, error) {
	learner := file.Learner
	f := &Forest{objective: Objective(learner.Objective.Name), classes: 1}
	var err error
	if f.features, err = count("learner.learner_model_param.num_feature", learner.Param.NumFeature, MaxFeatures); err != nil {
		return nil, err
	}
	switch f.objective {
	case BinaryLogistic:
	case MultiSoftprob:
		if f.classes, err = count("learner.learner_model_param.num_class", learner.Param.NumClass, MaxClasses); err != nil {
			return nil, err
		}
	default:
		return nil, wrong("learner.objective.name", "%q; only %s and %s can be evaluated", f.objective, BinaryLogistic, MultiSoftprob)
	}
	if got := learner.Attributes[MissingAttribute]; got != MissingAttributeValue {
		return nil, wrong("learner.attributes."+MissingAttribute,
			"%q, want %q; train with missing values replaced by that number and set the attribute", got, MissingAttributeValue)
	}
	if target := learner.Param.NumTarget; target != "" && target != "0" && target != "1" {
		return nil, wrong("learner.learner_model_param.num_target", "%s; only one target can be evaluated", target)
	}
	if learner.Booster.Name != "gbtree" {
		return nil, wrong("learner.gradient_booster.name", "%q; only gbtree can be evaluated", learner.Booster.Name)
	}
	f.base, err = baseMargins(learner.Param.BaseScore, f.objective, f.classes)
	return f, err
}

// count reads a positive number kept as text.
func count(field, text string, limit int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, wrong(field, "%q is not a whole number", text)
	}
	if n < 1 || n > limit {
		return 0, wrong(field, "%d; want 1 to %d", n, limit)
	}
	return n, nil
}

// baseMargins reads base_score, "5E-1" or since XGBoost 3.1 "[5E-1]" with one
// value or one a class, and gives the margin each class starts from. For
// binary:logistic it is a probability p, with the margin -ln(1/p - 1) computed
// in float32 as XGBoost's LogisticRegression::ProbToMargin does; softprob takes
// it as it is. The margin of 0.5, which package xgb always starts from, is exact;
// others may rarely be one step of float32 off, as the C library's logf is not
// always rounded correctly.
func baseMargins(text string, objective Objective, classes int) ([]float32, error) {
	const field = "learner.learner_model_param.base_score"
	parts := strings.Split(strings.Trim(text, "[]"), ",")
	if len(parts) != 1 && len(parts) != classes {
		return nil, wrong(field, "%d values for %d classes", len(parts), classes)
	}
	base := make([]float32, classes)
	for class := range base {
		part := strings.TrimSpace(parts[class%len(parts)])
		value, err := strconv.ParseFloat(part, 32)
		if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
			return nil, wrong(field, "%q is not a finite number", part)
		}
		base[class] = float32(value)
	}
	if objective != BinaryLogistic {
		return base, nil
	}
	p := base[0]
	if !(p > 0 && p < 1) {
		return nil, wrong(field, "%v is not a probability between 0 and 1", p)
	}
	base[0] = -float32(math.Log(float64(1/p - 1)))
	return base, nil
}
