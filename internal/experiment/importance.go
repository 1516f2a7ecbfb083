package experiment

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"puenktlich/internal/learn"
	"puenktlich/internal/plot"
	schema "puenktlich/schemas/clickhouse"
)

// topFeatures are drawn.
const topFeatures = 15

// importance is how much each feature contributed to a model's splits.
type importance struct {
	share  map[string]float64 // of all gain, or of all splits; sums to 1
	byGain bool               // false where the file has no gains: splits are counted
}

// boosterFile is the part of XGBoost's JSON model file (doc/model.schema in its
// sources) that tells which splits gained what.
type boosterFile struct {
	Learner struct {
		Booster struct {
			Model struct {
				Trees []struct {
					Left    []int32   `json:"left_children"`
					Feature []int32   `json:"split_indices"`
					Gain    []float64 `json:"loss_changes"`
				} `json:"trees"`
			} `json:"model"`
		} `json:"gradient_booster"`
	} `json:"learner"`
}

// importanceOf sums the gains of a delay model's splits by feature, XGBoost's
// "total_gain".
func importanceOf(learned learn.Learned) (importance, error) {
	var file boosterFile
	if err := json.Unmarshal(learned.Artefact.Buckets, &file); err != nil {
		return importance{}, fmt.Errorf("the model is not made of trees: %w", err)
	}
	gains, splits := map[string]float64{}, map[string]float64{}
	totalGain, totalSplits := 0.0, 0.0
	for _, tree := range file.Learner.Booster.Model.Trees {
		for node, left := range tree.Left {
			if left < 0 || node >= len(tree.Feature) { // a leaf
				continue
			}
			feature := int(tree.Feature[node])
			if feature < 0 || feature >= len(learned.Artefact.Features) {
				return importance{}, fmt.Errorf("the model splits on feature %d of %d", feature, len(learned.Artefact.Features))
			}
			name := learned.Artefact.Features[feature]
			splits[name]++
			totalSplits++
			if node < len(tree.Gain) {
				gains[name] += tree.Gain[node]
				totalGain += tree.Gain[node]
			}
		}
	}
	if totalSplits == 0 {
		return importance{}, fmt.Errorf("the model has no split")
	}
	if totalGain > 0 {
		return importance{share: shares(gains, totalGain), byGain: true}, nil
	}
	return importance{share: shares(splits, totalSplits)}, nil
}

func shares(sums map[string]float64, total float64) map[string]float64 {
	for name := range sums {
		sums[name] /= total
	}
	return sums
}

// importance draws the features that matter most in any of the runs.
func (a artist) importance(ctx context.Context) Drawing {
	d := Drawing{Name: "importance", Title: a.words.importance}
	highest := map[string]float64{}
	var found []importance
	var series []plot.BarSeries
	axis := a.words.byGain
	for _, r := range a.records {
		var learned learn.Learned
		if note := a.read(ctx, r, schema.ArtifactLearned, &learned); note != "" {
			d.Missing = append(d.Missing, note)
			continue
		}
		one, err := importanceOf(learned)
		if err != nil {
			d.Missing = append(d.Missing, fmt.Sprintf(a.words.broken, a.words.learned, label(r), err))
			continue
		}
		if !one.byGain {
			axis = a.words.bySplits
		}
		found, series = append(found, one), append(series, plot.BarSeries{Name: label(r)})
		for name, share := range one.share {
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
			series[i].Values = append(series[i].Values, found[i].share[name])
		}
	}
	d.SVG = plot.Bars{ID: d.Name, Title: d.Title, Desc: strings.Join(features, ", "), ValueLabel: axis, Labels: features, Series: series, Percent: true}.SVG()
	return d
}
