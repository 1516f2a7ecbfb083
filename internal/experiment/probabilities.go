package experiment

import (
	"context"
	"fmt"
	"strings"

	"puenktlich/internal/learn"
	"puenktlich/internal/metric"
	"puenktlich/internal/plot"
	schema "puenktlich/schemas/clickhouse"
)

// Numbers of these drawings.
const (
	reliabilityBins = 10
	rocPoints       = 200 // more are not seen
)

// probabilities draws reliability and ROC from the out-of-fold predictions.
func (a artist) probabilities(ctx context.Context) []Drawing {
	reliability := Drawing{Name: "reliability", Title: a.words.reliability}
	roc := Drawing{Name: "roc", Title: a.words.roc}
	var curves, rocs []plot.Series
	for i, r := range a.records {
		var oof learn.OutOfFold
		if note := a.read(ctx, r, schema.ArtifactOutOfFold, &oof); note != "" {
			reliability.Missing, roc.Missing = append(reliability.Missing, note), append(roc.Missing, note)
			continue
		}
		p, err := late(oof)
		if err != nil {
			note := fmt.Sprintf(a.words.broken, a.words.outOfFold, label(r), err)
			reliability.Missing, roc.Missing = append(reliability.Missing, note), append(roc.Missing, note)
			continue
		}
		curve := plot.Series{Group: i, Name: fmt.Sprintf("%s (ECE %.3f)", label(r), metric.ECE(p, oof.Late, reliabilityBins))}
		for _, bin := range metric.Reliability(p, oof.Late, reliabilityBins) {
			curve.X, curve.Y = append(curve.X, bin.MeanForecast), append(curve.Y, bin.LateRate)
		}
		curves = append(curves, curve)
		points := metric.ROC(p, oof.Late)
		if points == nil {
			roc.Missing = append(roc.Missing, fmt.Sprintf(a.words.oneClass, label(r)))
			continue
		}
		line := plot.Series{Group: i, Dash: i, Name: fmt.Sprintf("%s (AUC %.3f)", label(r), metric.AUC(p, oof.Late))}
		for _, point := range thin(points) {
			line.X, line.Y = append(line.X, point.FalseAlarms), append(line.Y, point.Hits)
		}
		rocs = append(rocs, line)
	}
	unit := plot.Range{Low: 0, High: 1}
	if len(curves) > 0 {
		reliability.SVG = plot.Lines{ID: reliability.Name, Title: reliability.Title, Desc: a.words.pooled + " " + names(curves), XLabel: a.words.forecast, YLabel: a.words.happened,
			Series: curves, XSpan: unit, YSpan: unit, XPercent: true, YPercent: true, Diagonal: true, Markers: true}.SVG()
		reliability.Caption = a.words.pooled
	}
	if len(rocs) > 0 {
		roc.SVG = plot.Lines{ID: roc.Name, Title: roc.Title, Desc: names(rocs), XLabel: a.words.alarms, YLabel: a.words.hits,
			Series: rocs, XSpan: unit, YSpan: unit, XPercent: true, YPercent: true, Diagonal: true}.SVG()
	}
	return []Drawing{reliability, roc}
}

// late is P(late) of each row, checked.
func late(oof learn.OutOfFold) ([]float64, error) {
	if len(oof.OnTime) == 0 || len(oof.OnTime) != len(oof.Late) {
		return nil, fmt.Errorf("%d predictions of %d outcomes", len(oof.OnTime), len(oof.Late))
	}
	p := make([]float64, len(oof.OnTime))
	for i, onTime := range oof.OnTime {
		p[i] = 1 - onTime
	}
	return p, nil
}

func names(series []plot.Series) string {
	var all []string
	for _, s := range series {
		all = append(all, s.Name)
	}
	return strings.Join(all, "; ")
}

// thin keeps the first, the last and evenly spread points of a curve.
func thin(points []metric.ROCPoint) []metric.ROCPoint {
	if len(points) <= rocPoints {
		return points
	}
	kept := make([]metric.ROCPoint, rocPoints)
	for i := range kept {
		kept[i] = points[i*(len(points)-1)/(rocPoints-1)]
	}
	return kept
}
