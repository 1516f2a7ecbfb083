package scoring

import (
	"fmt"
	"math"

	"puenktlich/internal/metric"
)

// Numbers of the intervals and of the calibration error, those of the evaluation.
const (
	eceBins   = 10
	resamples = 1000
	// sliceResamples of a product, a station or an hour, of which there are hundreds.
	sliceResamples = 200
	seed           = 20241101
	// manyDays is from where on days are the blocks; below, days of one season
	// say little about each other, and the label says so.
	manyDays = 10
)

// Baselines in the order of their columns.
func Baselines() []string {
	return []string{"rate", "rate_by_category", "db_forecast", "db_forecast_calibrated"}
}

// Figures are the scores of one cell. A figure that does not exist is NaN.
type Figures struct {
	Events                 int // distinct
	Forecasts              int
	LateRate, MeanForecast float64
	Brier, LogLoss, CRPS   metric.Interval
	Expected               metric.Interval // the Brier score the forecasts promise
	Gap                    metric.Interval // Brier less Expected
	AUC, ECE               metric.Interval
	Accuracy               float64
	BaselineBrier          [4]float64 // in the order of Baselines
	Skill                  [4]metric.Interval
	Blocks                 string // what intervals were drawn over
}

// Best is the baseline with the lowest Brier score, NaN and no name without any.
func (f Figures) Best() (name string, brier float64) {
	brier = math.NaN()
	for i, b := range f.BaselineBrier {
		if b < brier || math.IsNaN(brier) && !math.IsNaN(b) {
			name, brier = Baselines()[i], b
		}
	}
	return name, brier
}

// Intervals over these, after the means of the columns.
const (
	figureGap   = costs + iota
	figureSkill // four of them
	figureAUC   = costs + iota + 3
	figureECE
	figures
)

// Figures scores one cell, once: asked again it has them. Cells of a slice have no
// intervals of AUC and ECE, which cost a multiple of the rest.
func (t *Tally) Figures(g Group) Figures {
	m := t.groups[g]
	if m == nil {
		return Figures{}
	}
	if m.figures == nil {
		f := t.score(g, m)
		m.figures = &f
	}
	return *m.figures
}

// Of scores the rows of one digest whatever role they were made in, each event at
// each horizon once, as the cell g would score them; where that cell holds them all,
// its figures are the answer.
func (t *Tally) Of(g Group, rows []Row, events int) Figures {
	if m := t.groups[g]; len(rows) == 0 || m != nil && len(m.rows) == len(rows) {
		return t.Figures(g)
	}
	m := &members{events: events}
	for _, row := range rows {
		m.rows = append(m.rows, int32(row))
	}
	return t.score(g, m)
}

func (t *Tally) score(g Group, m *members) Figures {
	f := Figures{Events: m.events, Forecasts: len(m.rows)}
	p, late := pick(t.rows.p, m.rows), pick(t.rows.late, m.rows)
	f.LateRate, f.MeanForecast, f.Accuracy = metric.LateRate(late), mean(p), metric.Accuracy(p, late)
	block, blocks, over := t.blocksOf(m)
	f.Blocks = over
	drawn := t.draw(g, m, block, blocks, p, late)
	f.Brier, f.LogLoss, f.CRPS, f.Expected, f.Gap = drawn[costBrier], drawn[costLogLoss], drawn[costCRPS], drawn[costExpected], drawn[figureGap]
	for i := range f.Skill {
		f.Skill[i], f.BaselineBrier[i] = drawn[figureSkill+i], drawn[costRate+i].Estimate
	}
	f.AUC, f.ECE = drawn[figureAUC], drawn[figureECE]
	if g.SliceKind != SliceAll {
		f.AUC, f.ECE = point(metric.AUC(p, late)), point(metric.ECE(p, late, eceBins))
	}
	return f
}

func point(v float64) metric.Interval {
	return metric.Interval{Estimate: v, Low: math.NaN(), High: math.NaN()}
}

// blocksOf numbers the rows of a group by what is not independent.
func (t *Tally) blocksOf(m *members) (block []int32, blocks int, over string) {
	if len(t.days) >= manyDays {
		block, blocks = metric.Dense(pick(t.rows.day, m.rows))
		return block, blocks, fmt.Sprintf("%d days", blocks)
	}
	block, blocks = metric.Dense(pick(t.rows.block, m.rows))
	return block, blocks, fmt.Sprintf("%d blocks of a station and three hours, within these %d days only", blocks, len(t.days))
}

func (t *Tally) draw(g Group, m *members, block []int32, blocks int, p []float64, late []bool) []metric.Interval {
	rows := make([]float64, blocks)
	for _, b := range block {
		rows[b]++
	}
	var sums [costs][]float64
	for c := range sums {
		sums[c] = metric.BlockSums(pick(t.rows.cost[c], m.rows), block, blocks)
	}
	var order *metric.Ranked
	draws := metric.Draws{Resamples: sliceResamples, Seed: seed}
	if g.SliceKind == SliceAll {
		order, draws.Resamples = metric.NewRanked(p, late, block, blocks), resamples
	}
	return draws.Intervals(blocks, figures, func(values []float64, weight []int32) {
		n := metric.Weighted(rows, weight)
		for c := range sums {
			values[c] = metric.Weighted(sums[c], weight) / n
		}
		values[figureGap] = values[costBrier] - values[costExpected]
		for k := range 4 {
			values[figureSkill+k] = metric.Skill(values[costBrier], values[costRate+k])
		}
		values[figureAUC], values[figureECE] = math.NaN(), math.NaN()
		if order != nil {
			values[figureAUC], values[figureECE] = order.Scores(weight, eceBins)
		}
	})
}

func pick[T any](from []T, rows []int32) []T {
	out := make([]T, len(rows))
	for k, i := range rows {
		out[k] = from[i]
	}
	return out
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
