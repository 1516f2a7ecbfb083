package experiment

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"puenktlich/internal/forecast"
	"puenktlich/internal/learn"
	"puenktlich/internal/plot"
	schema "puenktlich/schemas/clickhouse"
)

// topFeatures are drawn.
const topFeatures = 15

// importance draws the features that matter most in any of the runs.
func (a artist) importance(ctx context.Context) Drawing {
	d := Drawing{Name: "importance", Title: a.words.importance}
	highest := map[string]float64{}
	var found []forecast.Importance
	var series []plot.BarSeries
	axis := a.words.byGain
	for _, r := range a.records {
		var learned learn.Learned
		if note := a.read(ctx, r, schema.ArtifactLearned, &learned); note != "" {
			d.Missing = append(d.Missing, note)
			continue
		}
		one, err := learned.Artefact.Importance()
		if err != nil {
			d.Missing = append(d.Missing, fmt.Sprintf(a.words.broken, a.words.learned, label(r), err))
			continue
		}
		if !one.ByGain {
			axis = a.words.bySplits
		}
		found, series = append(found, one), append(series, plot.BarSeries{Name: label(r)})
		for name, share := range one.Share {
			highest[name] = max(highest[name], share)
		}
	}
	if len(found) == 0 {
		return d
	}
	features := slices.SortedFunc(maps.Keys(highest), func(x, y string) int {
		return cmp.Or(-cmp.Compare(highest[x], highest[y]), cmp.Compare(x, y))
	})
	features = features[:min(len(features), topFeatures)]
	for i := range series {
		for _, name := range features {
			series[i].Values = append(series[i].Values, found[i].Share[name])
		}
	}
	d.SVG = plot.Bars{ID: d.Name, Title: d.Title, Desc: strings.Join(features, ", "), ValueLabel: axis, Labels: features, Series: series, Percent: true}.SVG()
	return d
}
