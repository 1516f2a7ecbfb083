package backtest

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"puenktlich/internal/plot"
	"puenktlich/internal/rail"
)

// Drawings are one a scenario: the Brier score of each contender by day, on the
// mean over the seeds run, beside the railway's calibrated forecast.
func (p Page) Drawings() map[string][]byte {
	all := map[string][]byte{}
	for _, s := range p.Experiment.Scenarios {
		seeds := p.Experiment.JudgingSeeds
		runs := p.of(s.Name, seeds)
		if len(runs) == 0 {
			runs = p.of(s.Name, p.Experiment.TuningSeeds)
		}
		if len(runs) > 0 {
			all[s.Name+".svg"] = drawing(s, runs)
		}
	}
	for _, r := range p.Runs {
		if r.Recordings != "" {
			all[r.Recordings+".svg"] = drawing(Scenario{Name: r.Recordings, What: "recorded days"}, []Run{r})
		}
	}
	return all
}

// means gathers a value by day.
type means struct{ sum, n map[int]float64 }

func drawing(s Scenario, runs []Run) []byte {
	lines := map[string]means{}
	add := func(name string, x int, value, weight float64) {
		m, found := lines[name]
		if !found {
			m = means{map[int]float64{}, map[int]float64{}}
			lines[name] = m
		}
		m.sum[x], m.n[x] = m.sum[x]+weight*value, m.n[x]+weight
	}
	for _, r := range runs {
		for _, d := range r.Report.Scores {
			if d.Forecasts == 0 {
				continue
			}
			x, n := r.x(rail.Day(d.Day)), float64(d.Forecasts)
			for name, brier := range d.Brier {
				add(name, x, brier, n)
			}
			add("railway's forecast, calibrated", x, d.Baseline, n)
		}
	}
	chart := plot.Lines{ID: "backtest-" + s.Name, Title: fmt.Sprintf("%s: Brier score by day, %d seeds", s.Name, len(runs)), XLabel: "days since the change", YLabel: "Brier score of P(late)", XSmallest: 1, Markers: true,
		Desc: fmt.Sprintf("%s. One line each for the frozen model, the loop, the oracle on the graded days, and the railway's calibrated forecast; lower is better.", s.What)}
	if runs[0].Change == "" {
		chart.XLabel = "day"
	}
	names := slices.Sorted(maps.Keys(lines))
	for i, name := range names {
		m := lines[name]
		line := plot.Series{Name: name, Group: i, Dash: i}
		days := slices.Sorted(maps.Keys(m.sum))
		for j, x := range days {
			if j > 0 && days[j-1] != x-1 { // a gap is no line
				line.X, line.Y = append(line.X, float64(x)-0.5), append(line.Y, math.NaN())
			}
			line.X, line.Y = append(line.X, float64(x)), append(line.Y, m.sum[x]/m.n[x])
		}
		chart.Series = append(chart.Series, line)
	}
	return chart.SVG()
}

// x is the day of a drawing: 0 is the first changed one, or the first of all.
func (r Run) x(day rail.Day) int {
	zero := r.Change
	if zero == "" {
		zero = rail.Day(r.Report.Days.From)
	}
	if day < zero {
		return -len(rail.Days(day, zero))
	}
	return len(rail.Days(zero, day))
}
