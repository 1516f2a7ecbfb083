package study

import (
	"puenktlich/internal/metric"
	"puenktlich/internal/rail"
)

// Numbers of the intervals and of the calibration error.
const (
	resamples = 1000
	seed      = 20241029
	eceBins   = 10
)

// outcome is one event at one horizon: what was forecast, what happened.
type outcome struct {
	horizon        int
	late           bool
	model, railway float64 // P(late)
	announced      float64 // 0 or 1: the railway's forecast as it stands
	block          string
}

// scored is the outcomes of one test, or of several together.
type scored struct {
	rows                       []outcome
	parts                      int
	trainEvents, depth, rounds int // of the last part
}

func (s *scored) add(o scored) {
	s.rows = append(s.rows, o.rows...)
	s.parts++
}

// Test is the skill on one or more days.
type Test struct {
	Name          string
	TrainEvents   int // 0 for several days together
	Depth, Rounds int // of the model; 0 for several days together
	Held          bool
	Horizons      []Horizon
	Skill         metric.Interval // over all horizons together
}

// Horizon is the skill at one horizon.
type Horizon struct {
	Minutes, Events int
	LateRate        float64
	Brier, Railway  float64         // of the model and of the railway's calibrated forecast
	Announced       float64         // Brier score of the railway's forecast as it stands
	Skill           metric.Interval // 1 - Brier / Railway
	ECE, ECEBand    float64         // and what 95 % of perfectly calibrated forecasts stay below
	AUC             float64
}

func (s scored) test(name string) Test {
	t := Test{Name: name}
	if s.parts == 1 {
		t.TrainEvents, t.Depth, t.Rounds = s.trainEvents, s.depth, s.rounds
	}
	for _, minutes := range rail.Horizons() {
		rows := s.at(minutes)
		if len(rows) > 0 {
			t.Horizons = append(t.Horizons, horizonOf(minutes, rows))
		}
	}
	model, railway, blocks := losses(s.rows)
	t.Skill = skillOf(model, railway, blocks)
	return t
}

func (s scored) at(minutes int) []outcome {
	var rows []outcome
	for _, row := range s.rows {
		if row.horizon == minutes {
			rows = append(rows, row)
		}
	}
	return rows
}

func horizonOf(minutes int, rows []outcome) Horizon {
	p, announced, late := make([]float64, len(rows)), make([]float64, len(rows)), make([]bool, len(rows))
	for i, row := range rows {
		p[i], late[i], announced[i] = row.model, row.late, row.announced
	}
	model, railway, blocks := losses(rows)
	return Horizon{Minutes: minutes, Events: len(rows), LateRate: metric.LateRate(late), Brier: mean(model), Railway: mean(railway), Announced: metric.Brier(announced, late),
		ECE: metric.ECE(p, late, eceBins), ECEBand: metric.CalibratedECE(p, eceBins, resamples, seed), AUC: metric.AUC(p, late),
		Skill: skillOf(model, railway, blocks)}
}

// losses are the squared errors of model and railway, and the block of each row.
func losses(rows []outcome) (model, railway []float64, blocks []int32) {
	ids := map[string]int32{}
	for _, row := range rows {
		truth := 0.0
		if row.late {
			truth = 1
		}
		model = append(model, (row.model-truth)*(row.model-truth))
		railway = append(railway, (row.railway-truth)*(row.railway-truth))
		if _, found := ids[row.block]; !found {
			ids[row.block] = int32(len(ids))
		}
		blocks = append(blocks, ids[row.block])
	}
	return model, railway, blocks
}

// skillOf is 1 - mean(model) / mean(other), its interval over whole blocks, which
// are numbered from 0.
func skillOf(model, other []float64, blocks []int32) metric.Interval {
	return ratio(blocks, model, other, metric.Skill)
}

// ratio is a figure of two sums over all rows, with an interval over whole blocks.
func ratio(blocks []int32, a, b []float64, figure func(a, b float64) float64) metric.Interval {
	n := 0
	for _, block := range blocks {
		n = max(n, int(block)+1)
	}
	ofA, ofB := metric.BlockSums(a, blocks, n), metric.BlockSums(b, blocks, n)
	return metric.Draws{Resamples: resamples, Seed: seed}.Intervals(n, 1, func(values []float64, weight []int32) {
		values[0] = figure(metric.Weighted(ofA, weight), metric.Weighted(ofB, weight))
	})[0]
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
