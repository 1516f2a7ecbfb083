package experiment

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"puenktlich/internal/plot"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// skill draws the skill by horizon from the reports on test days.
func (a artist) skill(ctx context.Context) Drawing {
	d := Drawing{Name: "skill", Title: a.words.skill}
	var series []plot.Series
	horizons := map[int]bool{}
	for i, r := range a.records {
		var report schemas.Report
		if note := a.read(ctx, r, schema.ArtifactReport, &report); note != "" {
			d.Missing = append(d.Missing, note)
			continue
		}
		s := plot.Series{Group: i, Dash: i, Name: fmt.Sprintf("%s (%s)", label(r), report.TestDays)}
		for _, h := range report.Horizons {
			horizons[h.Minutes] = true
			s.X, s.Y = append(s.X, float64(h.Minutes)), append(s.Y, h.Skill)
		}
		if len(s.X) > 0 {
			series = append(series, s)
		}
	}
	if len(series) == 0 {
		return d
	}
	var ticks []float64
	for _, minutes := range slices.Backward(slices.Sorted(maps.Keys(horizons))) {
		ticks = append(ticks, float64(minutes))
	}
	d.SVG = plot.Lines{ID: d.Name, Title: d.Title, Desc: told(series), XLabel: a.words.horizon, YLabel: a.words.skillAxis, Series: series,
		XTicks: ticks, YPercent: true, ZeroLine: true, Markers: true}.SVG()
	return d
}

// told tells points in words.
func told(series []plot.Series) string {
	var texts []string
	for _, s := range series {
		var points []string
		for i := range s.X {
			points = append(points, fmt.Sprintf("%g min %.1f %%", s.X[i], 100*s.Y[i]))
		}
		texts = append(texts, s.Name+": "+strings.Join(points, ", "))
	}
	return strings.Join(texts, "; ")
}
