// Package report writes the page of a night: what was decided and why, how good
// the forecasts were, and what moved. One file of HTML that loads nothing.
package report

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"

	"puenktlich/internal/metric"
	"puenktlich/internal/plot"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

//go:embed page.html
var files embed.FS

// Night is all the page tells. Everything but Result may be empty.
type Night struct {
	Result schemas.MonitorResult
	Source string // of the data
	// Before are the nights before, oldest first, and what each came to.
	Before []Past
	// Reliability is of the night's forecasts with a truth.
	Reliability []metric.Bin
	// Scores of the night, by horizon and slice.
	Scores []schema.Score
	// Shapes are distributions of the features that moved furthest.
	Shapes []Shape
}

// Past is one night before.
type Past struct {
	Signals schemas.Signals
	Kind    schemas.VerdictKind
	Act     schemas.Act
}

// Shape is how a feature is distributed, as shares of the known values in the bins
// of its reference.
type Shape struct {
	Feature          string
	Reference, Night []float64
	Labels           []string // of the bins, for those who do not see the drawing
}

// Page is the document.
func Page(n Night) ([]byte, error) {
	page, err := template.New("page.html").Funcs(template.FuncMap{
		"figure": figure, "percent": percent, "points": points, "signed": signed, "word": word, "thousands": thousands,
	}).ParseFS(files, "page.html")
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	var b bytes.Buffer
	if err := page.Execute(&b, view{Night: n}); err != nil {
		return nil, fmt.Errorf("report of %s: %w", n.Result.Signals.Day, err)
	}
	return b.Bytes(), nil
}

// view is what the template asks.
type view struct{ Night }

func (v view) S() schemas.Signals { return v.Result.Signals }
func (v view) V() schemas.Verdict { return v.Result.Verdict }

// Headline is the verdict as a person would say it.
func (v view) Headline() string {
	switch v.V().Kind {
	case schemas.VerdictNothing:
		return "Nothing to do"
	case schemas.VerdictAlert:
		return "Look at this"
	case schemas.VerdictRecalibrate:
		return "A new calibration"
	case schemas.VerdictRetrain:
		return "Learn again"
	case schemas.VerdictSearch:
		return "Learn again, with other hyper-parameters"
	case schemas.VerdictHandover:
		return "A person has to look"
	case schemas.VerdictRollback:
		return "Back to the champion before"
	}
	return string(v.V().Kind)
}

// Rules are those that fire first, then those that could not be judged.
func (v view) Rules() []schemas.RuleState {
	all := slices.Clone(v.V().Rules)
	rank := map[schemas.RuleStand]int{schemas.RuleFires: 0, schemas.RuleUnknown: 1, schemas.RuleQuiet: 2}
	slices.SortStableFunc(all, func(a, b schemas.RuleState) int { return rank[a.State] - rank[b.State] })
	return all
}

// Held are the reasons that are not the sentence of a rule: what kept a rule from
// its action.
func (v view) Held() []string {
	var held []string
	for _, reason := range v.V().Reasons {
		if strings.Contains(reason, " would ") {
			held = append(held, reason)
		}
	}
	return held
}

// Signals are those measured, then those that were not.
func (v view) Signals() []schemas.Signal {
	all := slices.Clone(v.S().Signals)
	slices.SortStableFunc(all, func(a, b schemas.Signal) int { return absent(a) - absent(b) })
	return all
}

func absent(s schemas.Signal) int {
	if s.Value == nil {
		return 1
	}
	return 0
}

// HasSkill says whether there is a curve to draw.
func (v view) HasSkill() bool { return v.S().Brier != nil }

// SkillChart draws Brier scores over the nights.
func (v view) SkillChart() template.HTML {
	nights := append(slices.Clone(v.Before), Past{Signals: v.S(), Kind: v.V().Kind})
	curve := func(name string, group, dash int, of func(schemas.Signals) *float64) plot.Series {
		s := plot.Series{Name: name, Group: group, Dash: dash}
		for i, night := range nights {
			s.X = append(s.X, float64(i-len(nights)+1))
			s.Y = append(s.Y, value(of(night.Signals)))
		}
		return s
	}
	return template.HTML(plot.Lines{ID: "skill", Title: "Brier score, night by night", XLabel: "nights before this one", YLabel: "Brier score, lower is better", XSmallest: 1, Markers: true,
		Desc: fmt.Sprintf("Brier scores of %d nights: served, expected from the evaluation, and the railway's calibrated forecast on the same events.", len(nights)),
		Series: []plot.Series{
			curve("served", 0, 0, func(s schemas.Signals) *float64 { return s.Brier }),
			curve("as evaluated", 1, 1, func(s schemas.Signals) *float64 { return s.BrierExpected }),
			curve("railway, calibrated", 2, 2, func(s schemas.Signals) *float64 { return s.BrierBaseline }),
		}}.SVG())
}

// ReliabilityChart draws forecast against what happened.
func (v view) ReliabilityChart() template.HTML {
	s := plot.Series{Name: "forecasts"}
	for _, bin := range v.Reliability {
		s.X, s.Y = append(s.X, bin.MeanForecast), append(s.Y, bin.LateRate)
	}
	return template.HTML(plot.Lines{ID: "reliability", Title: "Said and happened", XLabel: "forecast chance to be late", YLabel: "share that was late", Series: []plot.Series{s},
		XSpan: plot.Range{Low: 0, High: 1}, YSpan: plot.Range{Low: 0, High: 1}, XPercent: true, YPercent: true, Diagonal: true, Markers: true,
		Desc: fmt.Sprintf("%d groups of forecasts: on the diagonal what was said happened as often as said.", len(v.Reliability))}.SVG())
}

// Horizon is one row of the table by horizon.
type Horizon struct {
	Minutes         int32
	Brier, Baseline float64
	Low, High       float64
	Skill           float64
	Events          uint64
}

// shows says whether a score is of the forecasts that the night was judged on:
// those the champion served, on events whose outcome was observed. Other kinds of
// evidence are never pooled with them, nor shown beside them as if they were.
func (v view) shows(s schema.Score) bool {
	return s.Metric == "brier" && s.Role == schema.RoleChampion && int(s.Version) == v.S().Version &&
		s.Evidence == string(rail.ChangeObserved) && string(s.Source) == v.S().Source
}

// Horizons are the night's scores by horizon, the longest first.
func (v view) Horizons() []Horizon {
	var all []Horizon
	for _, s := range v.Scores {
		if v.shows(s) && s.SliceKind == "" && s.HorizonMinutes > 0 {
			all = append(all, Horizon{s.HorizonMinutes, s.Value, s.BaselineValue, s.Lower, s.Upper, metric.Skill(s.Value, s.BaselineValue), s.Events})
		}
	}
	slices.SortFunc(all, func(a, b Horizon) int { return int(b.Minutes - a.Minutes) })
	return all
}

// Slice is one row of the table of slices.
type Slice struct {
	Kind, Name string
	Horizon
}

// fewEvents is below what a slice says little; it is left out.
const fewEvents = 30

// Slices are those with the least skill first, and how many more there are.
func (v view) Slices() []Slice {
	var all []Slice
	for _, s := range v.Scores {
		if !v.shows(s) || s.SliceKind == "" || s.HorizonMinutes != 0 || s.Events < fewEvents {
			continue
		}
		all = append(all, Slice{s.SliceKind, s.Slice, Horizon{0, s.Value, s.BaselineValue, s.Lower, s.Upper, metric.Skill(s.Value, s.BaselineValue), s.Events}})
	}
	slices.SortStableFunc(all, func(a, b Slice) int {
		switch {
		case math.IsNaN(a.Skill) && !math.IsNaN(b.Skill):
			return 1
		case a.Skill < b.Skill:
			return -1
		case a.Skill > b.Skill:
			return 1
		}
		return strings.Compare(a.Kind+a.Name, b.Kind+b.Name)
	})
	return all[:min(15, len(all))]
}

// Moved is a row of the drift table.
type Moved struct {
	schemas.FeatureDrift
	Shape template.HTML // empty for none
	Far   bool          // beyond what ordinary days reach
}

// Drift are the features that moved furthest.
func (v view) Drift() []Moved {
	all := slices.Clone(v.S().Drift)
	slices.SortStableFunc(all, func(a, b schemas.FeatureDrift) int {
		switch {
		case a.PSI > b.PSI:
			return -1
		case a.PSI < b.PSI:
			return 1
		}
		return strings.Compare(a.Feature, b.Feature)
	})
	var moved []Moved
	for _, f := range all[:min(12, len(all))] {
		m := Moved{FeatureDrift: f, Far: f.PSI > max(schemas.DefaultPolicy().MaxPSI, f.Limit)}
		if i := slices.IndexFunc(v.Shapes, func(s Shape) bool { return s.Feature == f.Feature }); i >= 0 {
			m.Shape = v.Shapes[i].SVG()
		}
		moved = append(moved, m)
	}
	return moved
}
