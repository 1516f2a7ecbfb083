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
	err := workflow.ExecuteActivity(with(ctx, heavy(schemas.QueueTrain, "test days "+span(in.Days))), steps.EvaluateModel, in).Get(ctx, &result)
	if err != nil {
		return result, readable(err)
	}
	show(ctx, scoresCard(result))
	return result, nil
}

func scoresCard(r schemas.EvaluateResult) string {
	var b strings.Builder
	b.WriteString(fmt.Sprintf("### Brier score on %d test events, %s late\n\n| before | **model** | 95 %% interval | rate | by category | railway's forecast | the same calibrated | skill against the best | ECE | calibrated ones reach |\n|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n", r.Events, lateShare(r)))
	for _, h := range r.Horizons {
		b.WriteString(fmt.Sprintf("| %d\u00a0min | **%.4f** | %.3f-%.3f | %.4f | %.4f | %.4f | %.4f | %+.1f\u00a0%% | %.4f | %.4f |\n", h.Minutes, h.Brier, h.BrierLow, h.BrierHigh,
			h.Baselines.Rate.Brier, h.Baselines.RateByCategory.Brier, h.Baselines.DBForecast.Brier, h.Baselines.DBForecastCalibrated.Brier, 100*h.Skill, h.ECE, h.ECEBand))
	}
	if r.Interval != "" {
		b.WriteString("\nIntervals: " + r.Interval + ".\n")
	}
	for _, note := range r.Notes {
		b.WriteString("\n" + note + ".\n")
	}
	if len(r.Worst) > 0 {
		b.WriteString("\nLeast skill: " + strings.Join(r.Worst, "; ") + ".\n")
	}
	if r.Cost.RowMicroseconds > 0 {
		b.WriteString(fmt.Sprintf("\n%.1f microseconds a forecast; %d bytes learned.\n", r.Cost.RowMicroseconds, r.Cost.SizeBytes))
	}
	if r.Comparison != nil {
		b.WriteString("\n" + comparisonCard(*r.Comparison))
	}
	return b.String()
}

// comparisonCard is the model against the champion.
func comparisonCard(c schemas.Comparison) string {
	if c.Verdict == schemas.VerdictNotComparable {
		return fmt.Sprintf("### Not compared with the champion %s\n%s\n", versionName(c.Champion), c.Note)
	}
	var b strings.Builder
	b.WriteString(fmt.Sprintf("### Against the champion %s: %s\n\n| before | model | champion | difference | 95 %% interval | within these days |\n|--:|--:|--:|--:|--:|---|\n", versionName(c.Champion), c.Verdict))
	for _, h := range append(c.Horizons[:len(c.Horizons):len(c.Horizons)], c.Overall) {
		before := "all"
		if h.Minutes > 0 {
			before = fmt.Sprintf("%d\u00a0min", h.Minutes)
		}
		b.WriteString(fmt.Sprintf("| %s | %.4f | %.4f | %s | %s to %s | %s |\n", before, h.Brier, h.ChampionBrier, signed(h.Difference.Value), signed(h.Difference.Low), signed(h.Difference.High), h.Within))
	}
	return b.String()
}

// signed is a difference that may not exist.
func signed(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%+.4f", *v)
}

// lateShare is the share of late test events, the same at every horizon.
func lateShare(r schemas.EvaluateResult) string {
	if len(r.Horizons) == 0 {
		return "none"
	}
	return fmt.Sprintf("%.1f %%", 100*r.Horizons[0].LateRate)
}
