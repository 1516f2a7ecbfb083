// Package forest evaluates and explains gradient-boosted tree ensembles that
// XGBoost has trained, in pure Go and without the XGBoost library.
//
// A row is a []float32 with one value a feature; NaN means "not known" and is
// read as [Sentinel], the value the training put in its place. Margins (raw
// scores before sigmoid or softmax) equal those of XGBoost bit for bit: leaves
// are float32 and are added in the order of the trees.
//
// Three layouts of the same trees are held. Perfect trees, filled up to one
// depth and walked without branches, serve a single row. Bit masks over blocks
// of 64 rows serve batches. Explanations come from tables over the outcomes of a
// few neighbouring splits; where trees are too deep for that, from the paths from root to leaf.
package forest

import (
	"fmt"
	"math"
	"sync"
)

// Sentinel stands for a missing value, in training and in evaluation. It lies
// below every real value of every feature, so that "missing" is one end of the
// scale and a split can separate it. A missing value then needs no direction
// of its own in the trees, which halves the work of training.
const Sentinel float32 = -1e5

// MissingAttribute is the key under learner.attributes of a model file whose
// value, the text of [Sentinel], states how the model was trained to read
// missing values.
const MissingAttribute = "missing_value"

// MissingAttributeValue is what [MissingAttribute] must hold.
const MissingAttributeValue = "-100000"

// Limits of the model files that [Parse] accepts.
const (
	// MaxDepth is the greatest number of splits between root and leaf. The cost
	// of a perfect tree doubles with each level.
	MaxDepth = 8
	// MaxFeatures is the greatest number of columns of a row.
	MaxFeatures = 256
	// MaxClasses is the greatest number of classes.
	MaxClasses = 256
)

// Objective is XGBoost's name of what a model was trained to predict.
type Objective string

// Objectives that can be trained and evaluated.
const (
	// BinaryLogistic gives one margin a row: the logit of P(label = 1).
	BinaryLogistic Objective = "binary:logistic"
	// MultiSoftprob gives one margin a class; softmax makes them probabilities.
	MultiSoftprob Objective = "multi:softprob"
)

// Forest is a parsed ensemble. It does not change after [Parse] and may be
// used by any number of goroutines at once.
type Forest struct {
	objective Objective
	classes   int // margins a row: 1 for binary
	features  int
	depth     int // of the deepest tree, at least 1
	base      []float32
	perfect   perfectTrees
	sliced    slicedTrees
	trees     [][]node
	paths     [][]path // by tree
	treeClass []int32  // class each tree adds to
	expected  []float64
	scratch   sync.Pool

	explainOnce sync.Once
	explain     *explanations // nil where the trees are too deep
}

// Objective is what the model was trained to predict.
func (f *Forest) Objective() Objective { return f.objective }

// Classes is the number of margins a row: 1 for [BinaryLogistic].
func (f *Forest) Classes() int { return f.classes }

// Features is the number of values a row must have.
func (f *Forest) Features() int { return f.features }

// Depth is the greatest number of splits between root and leaf of any tree.
func (f *Forest) Depth() int { return f.depth }

// Trees is the number of trees over all classes.
func (f *Forest) Trees() int { return len(f.treeClass) }

// Check says whether a row can be evaluated: its length is right and no value
// is infinite or below [Sentinel]. XGBoost refuses infinities too; the margin
// functions do not look for them.
func (f *Forest) Check(row []float32) error {
	if len(row) != f.features {
		return fmt.Errorf("check row: %d values, the model has %d features", len(row), f.features)
	}
	for column, x := range row {
		if err := CheckValue(x); err != nil {
			return fmt.Errorf("check row: column %d: %w", column, err)
		}
	}
	return nil
}

// CheckValue says whether x may be a feature value: NaN (missing), or a finite
// number not below [Sentinel].
func CheckValue(x float32) error {
	if math.IsInf(float64(x), 0) {
		return fmt.Errorf("%v is infinite; use NaN for a value that is not known", x)
	}
	if x < Sentinel {
		return fmt.Errorf("%v is below %v, which stands for a missing value; rescale the feature", x, Sentinel)
	}
	return nil
}

// mustShape panics on slices of the wrong length: the caller's mistake, which
// no input from outside can cause once rows have passed Check.
func (f *Forest) mustShape(out, rows int) int {
	n := rows / f.features
	if rows != n*f.features || out != n*f.classes {
		panic(fmt.Sprintf("forest: %d values in, %d out; want rows x %d in, rows x %d out",
			rows, out, f.features, f.classes))
	}
	return n
}

// known replaces a missing value by the sentinel.
func known(x float32) float32 {
	if x != x {
		return Sentinel
	}
	return x
}
