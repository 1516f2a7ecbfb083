package xgb

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"puenktlich/internal/forest"
	"puenktlich/internal/strictjson"
)

// Objective is what a model is trained to predict.
type Objective = forest.Objective

// Objectives that can be trained. Labels are 0 or 1 for BinaryLogistic, and 0
// to Classes-1 for MultiSoftprob.
const (
	BinaryLogistic = forest.BinaryLogistic
	MultiSoftprob  = forest.MultiSoftprob
)

// MaxBin is the greatest number of histogram bins a feature: bin indices then
// fit one byte.
const MaxBin = 255

// Params are the settings of one training. Every one is stated: the zero value
// is not valid; begin with [DefaultParams]. The library accepts unknown
// settings silently, so only these reach it.
type Params struct {
	Objective       Objective `json:"objective"`
	Classes         int       `json:"classes"`           // of MultiSoftprob; 1 for BinaryLogistic
	Rounds          int       `json:"rounds"`            // at most; each adds one tree a class
	MaxDepth        int       `json:"max_depth"`         // 1 to forest.MaxDepth
	MaxBin          int       `json:"max_bin"`           // 2 to MaxBin
	Threads         int       `json:"threads"`           // part of what determines the model
	LearningRate    float64   `json:"learning_rate"`     // (0, 1]
	MinChildWeight  float64   `json:"min_child_weight"`  // >= 0, least sum of hessians in a leaf
	Subsample       float64   `json:"subsample"`         // (0, 1], part of the rows a round
	ColsampleByTree float64   `json:"colsample_by_tree"` // (0, 1], part of the features a tree
	Lambda          float64   `json:"lambda"`            // >= 0, L2 penalty on leaves
	Gamma           float64   `json:"gamma"`             // >= 0, least gain of a split
	Seed            uint64    `json:"seed"`              // at most 2^31-1
	// SegmentRounds is after how many rounds training begins anew from the saved
	// model, so that an interrupted training can do the same. Part of what
	// determines the model: each segment has a seed of its own.
	SegmentRounds int `json:"segment_rounds"`
}

// DefaultSegmentRounds keeps what is lost by a killed process small beside what
// beginning anew costs: reading the model and evaluating it on every row.
const DefaultSegmentRounds = 50

// DefaultParams are the settings to begin with: 200 rounds of depth 6 (100 for
// classes), learning rate 0.1, two threads. classes is ignored for
// BinaryLogistic.
func DefaultParams(objective Objective, classes int) Params {
	p := Params{
		Objective: objective, Classes: classes, Rounds: 100, MaxDepth: 6, MaxBin: MaxBin, Threads: 2,
		LearningRate: 0.1, MinChildWeight: 1, Subsample: 1, ColsampleByTree: 1, Lambda: 1, SegmentRounds: DefaultSegmentRounds,
	}
	if objective == BinaryLogistic {
		p.Classes, p.Rounds = 1, 200
	}
	return p
}

// ParseParams reads settings from a JSON object over defaults. An unknown name
// is an error, as is any value that Validate refuses.
func ParseParams(data []byte, defaults Params) (Params, error) {
	p := defaults
	if err := strictjson.Unmarshal(data, &p); err != nil {
		return Params{}, fmt.Errorf("read training parameters: %w", err)
	}
	return p, p.Validate()
}

// Validate reports all settings that are out of range, joined.
func (p Params) Validate() error {
	var problems []error
	add := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf("training parameters: "+format, args...))
		}
	}
	switch p.Objective {
	case BinaryLogistic:
		add(p.Classes == 1, "classes %d; %s has 1", p.Classes, p.Objective)
	case MultiSoftprob:
		add(p.Classes >= 2 && p.Classes <= forest.MaxClasses, "classes %d; want 2 to %d", p.Classes, forest.MaxClasses)
	default:
		add(false, "objective %q; want %s or %s", p.Objective, BinaryLogistic, MultiSoftprob)
	}
	add(p.Rounds >= 1 && p.Rounds <= 10_000, "rounds %d; want 1 to 10000", p.Rounds)
	add(p.MaxDepth >= 1 && p.MaxDepth <= forest.MaxDepth, "max_depth %d; want 1 to %d", p.MaxDepth, forest.MaxDepth)
	add(p.MaxBin >= 2 && p.MaxBin <= MaxBin, "max_bin %d; want 2 to %d", p.MaxBin, MaxBin)
	add(p.Threads >= 1 && p.Threads <= 1024, "threads %d; want 1 to 1024", p.Threads)
	add(p.SegmentRounds >= 1 && p.SegmentRounds <= 10_000, "segment_rounds %d; want 1 to 10000", p.SegmentRounds)
	add(p.Seed <= math.MaxInt32, "seed %d; want at most %d", p.Seed, math.MaxInt32)
	add(within(p.LearningRate), "learning_rate %v; want above 0, at most 1", p.LearningRate)
	add(within(p.Subsample), "subsample %v; want above 0, at most 1", p.Subsample)
	add(within(p.ColsampleByTree), "colsample_by_tree %v; want above 0, at most 1", p.ColsampleByTree)
	add(notNegative(p.MinChildWeight), "min_child_weight %v; want a finite number >= 0", p.MinChildWeight)
	add(notNegative(p.Lambda), "lambda %v; want a finite number >= 0", p.Lambda)
	add(notNegative(p.Gamma), "gamma %v; want a finite number >= 0", p.Gamma)
	return errors.Join(problems...)
}

func within(x float64) bool      { return x > 0 && x <= 1 }
func notNegative(x float64) bool { return x >= 0 && !math.IsInf(x, 1) }

// setting is one parameter under the library's name.
type setting struct{ name, value string }

// settings are the parameters as the library names them. base_score is fixed:
// later versions estimate it, and a margin that starts from 0 is the same in
// all of them.
func (p Params) settings() []setting {
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	list := []setting{
		{"booster", "gbtree"},
		{"tree_method", "hist"},
		{"objective", string(p.Objective)},
		{"eval_metric", p.metric()},
		{"max_depth", strconv.Itoa(p.MaxDepth)},
		{"max_bin", strconv.Itoa(p.MaxBin)},
		{"nthread", strconv.Itoa(p.Threads)},
		{"eta", number(p.LearningRate)},
		{"min_child_weight", number(p.MinChildWeight)},
		{"subsample", number(p.Subsample)},
		{"colsample_bytree", number(p.ColsampleByTree)},
		{"lambda", number(p.Lambda)},
		{"gamma", number(p.Gamma)},
		{"seed", strconv.FormatUint(p.Seed, 10)},
		{"verbosity", "0"},
	}
	if p.Objective == MultiSoftprob {
		list = append(list, setting{"num_class", strconv.Itoa(p.Classes)})
	}
	return list
}

// metric is the log loss that training reports.
func (p Params) metric() string {
	if p.Objective == MultiSoftprob {
		return "mlogloss"
	}
	return "logloss"
}

// labels is the number of distinct labels.
func (p Params) labels() int { return max(p.Classes, 2) }
