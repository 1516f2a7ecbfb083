package learn

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"puenktlich/internal/forest"
)

// Parameter is one number a candidate is made with.
type Parameter struct {
	Name       string // as in the input of a training
	Low, High  float64
	Open       bool // Low itself is not allowed
	Whole      bool
	Algorithms []Algorithm // that have it
}

// maxRounds bounds a model's size and a training's time.
const maxRounds = 10_000

// Parameters lists every parameter with its range.
func Parameters() []Parameter {
	trees := []Algorithm{Buckets, Binary}
	return []Parameter{
		{Name: "rounds", Low: 1, High: maxRounds, Whole: true, Algorithms: trees},
		{Name: "max_depth", Low: 1, High: forest.MaxDepth, Whole: true, Algorithms: trees},
		{Name: "learning_rate", High: 1, Open: true, Algorithms: trees},
		{Name: "min_child_weight", High: 1e6, Algorithms: trees},
		{Name: "subsample", High: 1, Open: true, Algorithms: trees},
		{Name: "colsample_bytree", High: 1, Open: true, Algorithms: trees},
		{Name: "half_life_days", High: 3650, Algorithms: trees},
		{Name: "lambda", High: 1e6, Algorithms: []Algorithm{Buckets, Binary, Logistic}},
	}
}

// Of says whether the algorithm has the parameter.
func (p Parameter) Of(a Algorithm) bool { return slices.Contains(p.Algorithms, a) }

// Check refuses a value out of range, naming parameter, value and range.
func (p Parameter) Check(value float64) error {
	if value >= p.Low && value <= p.High && !(p.Open && value == p.Low) && !(p.Whole && value != math.Trunc(value)) {
		return nil
	}
	return fmt.Errorf("%s %v: want %s", p.Name, value, p.Allowed())
}

// Allowed is the range in words.
func (p Parameter) Allowed() string {
	number, from := "a number", "from"
	if p.Whole {
		number = "a whole number"
	}
	if p.Open {
		from = "above"
	}
	return fmt.Sprintf("%s %s %v to %v", number, from, p.Low, p.High)
}

// Value is the parameter in the settings.
func (s Settings) Value(name string) float64 {
	return map[string]float64{"rounds": float64(s.Rounds), "max_depth": float64(s.MaxDepth), "learning_rate": s.LearningRate,
		"min_child_weight": s.MinChild, "subsample": s.Subsample, "colsample_bytree": s.ColSample, "lambda": s.Lambda, "half_life_days": s.HalfLifeDays}[name]
}

// Validate reports every setting that is out of range, and every one that the
// algorithm does not have, joined.
func (s Settings) Validate() error {
	if !s.Algorithm.Known() {
		return fmt.Errorf("algorithm %q: want one of %v", s.Algorithm, Algorithms())
	}
	var problems []error
	for _, p := range Parameters() {
		value := s.Value(p.Name)
		if p.Of(s.Algorithm) {
			problems = append(problems, p.Check(value))
		} else if value != 0 {
			problems = append(problems, fmt.Errorf("%s %v: algorithm %s has %s", p.Name, value, s.Algorithm, parametersOf(s.Algorithm)))
		}
	}
	if s.Algorithm.Rounds() && (s.SegmentRounds < 1 || s.SegmentRounds > maxRounds) {
		problems = append(problems, fmt.Errorf("segment_rounds %d: want a whole number from 1 to %d", s.SegmentRounds, maxRounds))
	}
	return errors.Join(problems...)
}

// parametersOf names what an algorithm has.
func parametersOf(a Algorithm) string {
	var names []string
	for _, p := range Parameters() {
		if p.Of(a) {
			names = append(names, p.Name)
		}
	}
	if names == nil {
		return "no parameters"
	}
	return fmt.Sprintf("%v alone", names)
}
