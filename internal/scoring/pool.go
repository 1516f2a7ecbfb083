package scoring

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"puenktlich/internal/metric"
	schema "puenktlich/schemas/clickhouse"
)

// Pool puts the scores of single days together, one row for each cell and
// metric, without reading a forecast again. Means weigh a day by its events; a
// skill is that of the pooled Brier scores; AUC and ECE, which do not add up, are
// means over the days, and have no interval. From ten days on intervals are drawn
// over days; below there are none. Rows keep the order of their first day.
func Pool(daily []schema.Score) []schema.Score {
	var pooled []schema.Score
	at, members := map[schema.Score]int{}, [][]schema.Score{}
	for _, s := range daily {
		if math.IsNaN(s.Value) || s.Events == 0 {
			continue
		}
		key := schema.Score{Model: s.Model, Version: s.Version, Digest: s.Digest, Role: s.Role, Source: s.Source, DataSource: s.DataSource, Evidence: s.Evidence,
			HorizonMinutes: s.HorizonMinutes, SliceKind: s.SliceKind, Slice: s.Slice, Metric: s.Metric}
		i, found := at[key]
		if !found {
			i = len(pooled)
			at[key], pooled, members = i, append(pooled, key), append(members, nil)
		}
		members[i] = append(members[i], s)
	}
	for i := range pooled {
		fill(&pooled[i], members[i])
	}
	return pooled
}

func fill(p *schema.Score, days []schema.Score) {
	slices.SortFunc(days, func(a, b schema.Score) int { return cmp.Compare(a.FromDay, b.FromDay) })
	p.FromDay, p.UntilDay, p.Days = days[0].FromDay, days[len(days)-1].UntilDay, uint32(len(days))
	var weight, above, below []float64 // a figure is the sum of above over that of below
	skill := strings.HasPrefix(p.Metric, "skill_")
	baseline := 0.0
	for _, d := range days {
		w := float64(d.Events)
		p.Events += d.Events
		if d.ScoredAt.After(p.ScoredAt) {
			p.ScoredAt = d.ScoredAt
		}
		switch {
		case skill: // 1 - brier/baseline, and brier = baseline·(1-skill)
			above, below = append(above, w*d.BaselineValue*(1-d.Value)), append(below, w*d.BaselineValue)
		default:
			above, below = append(above, w*d.Value), append(below, w)
		}
		weight, baseline = append(weight, w), baseline+w*d.BaselineValue
	}
	p.Baseline, p.BaselineValue = days[0].Baseline, baseline/total(weight)
	of := func(values []float64, counts []int32) {
		values[0] = metric.Weighted(above, counts) / metric.Weighted(below, counts)
		if skill {
			values[0] = 1 - values[0]
		}
	}
	drawn := metric.Draws{Resamples: resamples, Seed: seed}.Intervals(len(days), 1, of)[0]
	p.Value, p.Lower, p.Upper = drawn.Estimate, math.NaN(), math.NaN()
	if len(days) >= manyDays && p.Metric != "auc" && p.Metric != "ece" {
		p.Lower, p.Upper, p.Blocks = drawn.Low, drawn.High, fmt.Sprintf("%d days", len(days))
	}
	if len(days) == 1 {
		p.Lower, p.Upper, p.Blocks = days[0].Lower, days[0].Upper, days[0].Blocks
	}
}

func total(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum
}
