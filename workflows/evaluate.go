package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/workflow"

	"puenktlich/activities/evaluate"
	"puenktlich/schemas"
)

// EvaluateModel scores a trained model on held-out days beside the baselines.
func EvaluateModel(ctx workflow.Context, in schemas.EvaluateInput) (schemas.EvaluateResult, error) {
	var steps *evaluate.Activities
	var result schemas.EvaluateResult
	if in.Trained.RunID == "" {
		return result, refuse(schemas.FailureInvalidInput, "evaluate: the input names no trained model: start RunLifecycle, or give trained, dataset and days as TrainModel and PrepareDataset returned them")
	}
	tell(ctx, schemas.AttributeModel, in.Trained.Model)
	err := workflow.ExecuteActivity(with(ctx, heavy(schemas.QueueTrain, "test days "+in.Days.String())), steps.EvaluateModel, in).Get(ctx, &result)
	if err != nil {
		return result, readable(err)
	}
	show(ctx, scoresCard(result))
	return result, nil
}

func scoresCard(r schemas.EvaluateResult) string {
	var b strings.Builder
	b.WriteString(fmt.Sprintf("### Brier score on %d test events, %s late\n\n| before | **model** | 95 %% interval | rate | by category | railway's forecast | the same calibrated | skill against the best |\n|--:|--:|--:|--:|--:|--:|--:|--:|\n", r.Events, lateShare(r)))
	for _, h := range r.Horizons {
		b.WriteString(fmt.Sprintf("| %d\u00a0min | **%.4f** | %.3f-%.3f | %.4f | %.4f | %.4f | %.4f | %+.1f\u00a0%% |\n", h.Minutes, h.Brier, h.BrierLow, h.BrierHigh,
			h.Baselines.Rate.Brier, h.Baselines.RateByCategory.Brier, h.Baselines.DBForecast.Brier, h.Baselines.DBForecastCalibrated.Brier, 100*h.Skill))
	}
	return b.String()
}

// lateShare is the share of late test events, the same at every horizon.
func lateShare(r schemas.EvaluateResult) string {
	if len(r.Horizons) == 0 {
		return "none"
	}
	return fmt.Sprintf("%.1f %%", 100*r.Horizons[0].LateRate)
}
