package workflows

import (
	"fmt"
	"slices"
	"strings"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/workflow"

	"puenktlich/activities/monitor"
	"puenktlich/schemas"
)

// MonitorModel measures one day of a model's predictions on truth and against
// its training reference, decides by the policy, stores the verdict, and starts
// or joins a lifecycle where the verdict is to retrain.
func MonitorModel(ctx workflow.Context, in schemas.MonitorInput) (schemas.MonitorResult, error) {
	var steps *monitor.Activities
	var result schemas.MonitorResult
	if in.Model == "" {
		in.Model = schemas.DefaultModel
	}
	tell(ctx, schemas.AttributeModel, in.Model)
	err := workflow.ExecuteActivity(with(ctx, heavy(schemas.QueueScore, "scores on truth, drift")), steps.Measure, in).Get(ctx, &result.Signals)
	if err != nil {
		return result, readable(err)
	}
	err = workflow.ExecuteActivity(with(ctx, light(schemas.QueueScore, "apply the policy")), steps.Decide, in, result.Signals).Get(ctx, &result.Verdict)
	if err != nil {
		return result, readable(err)
	}
	if result.Verdict.Kind == schemas.VerdictRetrain && !in.DryRun {
		if result.Lifecycle, err = startLifecycle(ctx, in, result); err != nil {
			return result, readable(err)
		}
	}
	err = workflow.ExecuteActivity(with(ctx, light(schemas.QueueScore, "store the verdict")), steps.Record, in, result).Get(ctx, nil)
	tell(ctx, schemas.AttributeDecision, string(result.Verdict.Kind))
	show(ctx, verdictCard(result))
	if !in.DryRun {
		tick(ctx, in.Model, schemas.Tick{AsOf: result.Signals.AsOf})
	}
	return result, readable(err)
}

// startLifecycle starts a lifecycle that outlives this run, or joins the one
// that is under way.
func startLifecycle(ctx workflow.Context, in schemas.MonitorInput, r schemas.MonitorResult) (string, error) {
	id := schemas.LifecycleID(in.Model)
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: id, StaticSummary: "retrain after " + r.Signals.Day,
		ParentClosePolicy: enums.PARENT_CLOSE_POLICY_ABANDON})
	var life schemas.LifecycleInput
	if in.Retrain != nil {
		life = *in.Retrain
	}
	life.Model, life.AsOf, life.Actor = in.Model, in.AsOf, "monitor"
	life.Reason = "verdict of " + r.Signals.Day + ": " + strings.Join(r.Verdict.Reasons, "; ")
	run := workflow.ExecuteChildWorkflow(ctx, RunLifecycle, life)
	err := run.GetChildWorkflowExecution().Get(ctx, nil)
	if alreadyRunning(err) {
		return id + " (joined: it was running)", nil
	}
	return id, err
}

func verdictCard(r schemas.MonitorResult) string {
	var b strings.Builder
	s := r.Signals
	b.WriteString(fmt.Sprintf("## %s, %s@%d: **%s**\n", s.Day, s.Model, s.Version, r.Verdict.Kind))
	for _, reason := range r.Verdict.Reasons {
		b.WriteString("- " + reason + "\n")
	}
	b.WriteString(fmt.Sprintf("\n| forecasts scored on truth | Brier | in the evaluation | railway's forecast, calibrated | skill against it | ECE | late |\n|--:|--:|--:|--:|--:|--:|--:|\n| %d of %d | %s | %s | %s | %s | %s | %s |\n",
		s.Events, s.Predictions, figure(s.Brier), figure(s.BrierExpected), figure(s.BrierBaseline), figure(s.Skill), figure(s.ECE), figure(s.LateRate)))
	drifted := slices.Clone(s.Drift)
	slices.SortStableFunc(drifted, func(a, b schemas.FeatureDrift) int {
		switch {
		case a.PSI > b.PSI:
			return -1
		case a.PSI < b.PSI:
			return 1
		}
		return 0
	})
	b.WriteString("\n### Features furthest from training\n\n| feature | PSI | ordinary days reach | KS | missing now | in training |\n|---|--:|--:|--:|--:|--:|\n")
	for _, d := range drifted[:min(10, len(drifted))] {
		b.WriteString(fmt.Sprintf("| %s | %.3f | %.3f | %.3f | %.1f %% | %.1f %% |\n", d.Feature, d.PSI, d.Limit, d.KS, 100*d.MissingNow, 100*d.MissingThen))
	}
	if r.Lifecycle != "" {
		b.WriteString(fmt.Sprintf("\nStarted `%s`.\n", r.Lifecycle))
	}
	return b.String()
}

func figure(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.4f", *v)
}
