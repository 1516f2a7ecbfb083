package xgb

import (
	"fmt"
	"math"
	"slices"

	"puenktlich/internal/forest"
)

// State is a training between two segments. Training from it gives the bytes
// that the training which saved it would have given.
type State struct {
	Model     []byte    // XGBoost JSON
	TrainLoss []float64 // after each round
	EvalLoss  []float64 // after each round; nil without held-out data

	columns int // of the model, once checked
}

// Rounds is how many rounds have been trained.
func (s State) Rounds() int { return len(s.TrainLoss) }

// BestRound is the first round of the lowest loss on held-out data, counted
// from 1; 0 without such data.
func (s State) BestRound() int {
	if len(s.EvalLoss) == 0 {
		return 0
	}
	return slices.Index(s.EvalLoss, slices.Min(s.EvalLoss)) + 1
}

// clone shares the model, which nobody writes to.
func (s State) clone() State {
	s.TrainLoss, s.EvalLoss = slices.Clone(s.TrainLoss), slices.Clone(s.EvalLoss)
	return s
}

// check refuses a state that these parameters cannot have led to.
func (s *State) check(params Params, evaluated bool) error {
	model, err := forest.Parse(s.Model)
	if err != nil {
		return fmt.Errorf("saved state: %w", err)
	}
	if model.Objective() != params.Objective || model.Classes() != params.Classes {
		return fmt.Errorf("saved state: %s, %d classes; want %s, %d", model.Objective(), model.Classes(), params.Objective, params.Classes)
	}
	if rounds := model.Trees() / model.Classes(); rounds != s.Rounds() || rounds%max(params.SegmentRounds, 1) != 0 {
		return fmt.Errorf("saved state: %d rounds in the model, %d losses; want whole segments of %d rounds", rounds, s.Rounds(), params.SegmentRounds)
	}
	if evaluated != (s.EvalLoss != nil) || evaluated && len(s.EvalLoss) != s.Rounds() {
		return fmt.Errorf("saved state: %d losses on held-out data for %d rounds", len(s.EvalLoss), s.Rounds())
	}
	for _, loss := range slices.Concat(s.TrainLoss, s.EvalLoss) {
		if math.IsNaN(loss) || math.IsInf(loss, 0) {
			return fmt.Errorf("saved state: a loss is %v; want finite numbers", loss)
		}
	}
	s.columns = model.Features()
	return nil
}

// segmentSeed is the training's own seed for the first segment and one derived
// from both for the others, at most 2^31-1. The finaliser is that of SplitMix64
// (G. L. Steele et al., OOPSLA 2014).
func segmentSeed(seed uint64, segment int) uint64 {
	if segment == 0 {
		return seed
	}
	z := seed + uint64(segment)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return (z ^ z>>31) & math.MaxInt32
}
