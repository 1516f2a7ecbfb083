package train

import (
	"context"
	"fmt"
	"slices"

	"puenktlich/internal/learn"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Names of a learning curve's metrics, whose step is the round, from 1. A
// fold's own curve has "/fold-1" after the name; without, they are means over
// the folds, as far as all of them were trained.
const (
	metricTrainLoss = "train_log_loss"
	metricValidLoss = "valid_log_loss"
)

// saveCurves writes the learning curves of the folds.
func (a *Activities) saveCurves(ctx context.Context, in schemas.CandidateInput, curves []learn.Curve) error {
	var train, valid [][]float64
	var metrics []schema.RunMetric
	now := a.Clock.Now()
	add := func(name string, losses []float64) {
		for i, loss := range losses {
			metrics = append(metrics, schema.RunMetric{RunID: in.RunID, Name: name, Step: int64(i + 1), Value: loss, RecordedAt: now})
		}
	}
	for i, curve := range curves {
		train, valid = append(train, curve.Train), append(valid, curve.Valid)
		add(fmt.Sprintf("%s/fold-%d", metricTrainLoss, i+1), curve.Train)
		add(fmt.Sprintf("%s/fold-%d", metricValidLoss, i+1), curve.Valid)
	}
	add(metricTrainLoss, meanCurve(train))
	add(metricValidLoss, meanCurve(valid))
	if len(metrics) == 0 {
		return nil
	}
	if err := a.Runs.SaveMetrics(ctx, fmt.Sprintf("curves/%s/%d", in.RunID, in.Rung), metrics); err != nil {
		return fmt.Errorf("track run %s: %w", in.RunID, err)
	}
	return nil
}

// meanCurve is the mean of curves up to the end of the shortest.
func meanCurve(curves [][]float64) []float64 {
	if len(curves) == 0 {
		return nil
	}
	shortest := slices.MinFunc(curves, func(a, b []float64) int { return len(a) - len(b) })
	mean := make([]float64, len(shortest))
	for _, curve := range curves {
		for i := range mean {
			mean[i] += curve[i] / float64(len(curves))
		}
	}
	return mean
}
