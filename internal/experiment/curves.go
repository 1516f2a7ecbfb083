package experiment

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"puenktlich/internal/plot"
)

// learningCurves has one chart for each family of metrics by round: those that
// differ in the prefix train_ or valid_ stand in one.
func (a artist) learningCurves() []Drawing {
	families := map[string][]plot.Series{}
	drawn := map[int]bool{}
	for i, r := range a.records {
		for _, name := range keys(r.Series) {
			points := r.Series[name]
			whole, _, _ := strings.Cut(name, "/")
			if len(points) < 2 || Part(name) && len(r.Series[whole]) > 1 {
				continue // the whole stands for its parts
			}
			drawn[i] = true
			family, dash := name, 0
			if rest, is := strings.CutPrefix(name, "train_"); is {
				family, dash = rest, 1
			} else if rest, is := strings.CutPrefix(name, "valid_"); is {
				family = rest
			}
			s := plot.Series{Name: label(r) + " " + name, Group: i, Dash: dash}
			for _, p := range points {
				s.X, s.Y = append(s.X, float64(p.Step)), append(s.Y, float64(p.Value))
			}
			families[family] = append(families[family], s)
		}
	}
	first := Drawing{Name: "learning-curves", Title: a.words.learning}
	for i, r := range a.records {
		if !drawn[i] {
			first.Missing = append(first.Missing, fmt.Sprintf(a.words.notSteps, label(r)))
		}
	}
	var all []Drawing
	for _, family := range slices.SortedFunc(maps.Keys(families), logLossFirst) {
		d := Drawing{Name: "learning-curves-" + family, Title: a.words.learning + ": " + family}
		if len(all) == 0 {
			d.Name, d.Missing = first.Name, first.Missing
		}
		d.SVG = plot.Lines{ID: d.Name, Title: d.Title, Desc: lastOf(families[family]), XLabel: a.words.round, YLabel: family, XSmallest: 1, Series: families[family]}.SVG()
		all = append(all, d)
	}
	if len(all) == 0 {
		return []Drawing{first}
	}
	return all
}

func logLossFirst(x, y string) int {
	return cmp.Or(-cmp.Compare(btoi(x == "log_loss"), btoi(y == "log_loss")), cmp.Compare(x, y))
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// lastOf tells lines in words: where each ends.
func lastOf(series []plot.Series) string {
	var texts []string
	for _, s := range series {
		if n := len(s.Y); n > 0 && !math.IsNaN(s.Y[n-1]) {
			texts = append(texts, fmt.Sprintf("%s: %.4g", s.Name, s.Y[n-1]))
		}
	}
	return strings.Join(texts, "; ")
}
