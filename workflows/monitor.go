package workflows

import (
	"go.temporal.io/sdk/workflow"

	"puenktlich/activities/monitor"
	"puenktlich/schemas"
)

// MonitorModel measures one day of a model's predictions on truth and against
// its training reference, decides by the policy, acts, stores the verdict, tells
// what fires, and writes the night's report.
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
	if in.Light {
		result.Verdict = schemas.Verdict{Kind: schemas.VerdictNothing, Reasons: []string{"the running day was measured, not judged"}}
		show(ctx, verdictCard(result))
		return result, nil
	}
	err = workflow.ExecuteActivity(with(ctx, light(schemas.QueueScore, "apply the policy")), steps.Decide, in, result.Signals).Get(ctx, &result.Verdict)
	if err != nil {
		return result, readable(err)
	}
	if workflow.GetVersion(ctx, "policy-files", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return finishPlain(ctx, in, result)
	}
	if !in.DryRun {
		act(ctx, in, &result)
	}
	result.Report = schemas.ReportKey(in.Model, result.Signals.Day, schemas.VerdictID(workflow.GetInfo(ctx).WorkflowExecution.RunID))
	err = workflow.ExecuteActivity(with(ctx, light(schemas.QueueScore, "store the verdict")), steps.Record, in, result).Get(ctx, nil)
	tell(ctx, schemas.AttributeDecision, string(result.Verdict.Kind))
	show(ctx, verdictCard(result))
	if err != nil {
		return result, readable(err)
	}
	if !in.DryRun {
		if err := workflow.ExecuteActivity(with(ctx, light(schemas.QueueScore, "tell what fires")), steps.Tell, result).Get(ctx, nil); err != nil {
			return result, readable(err)
		}
		tick(ctx, in.Model, schemas.Tick{AsOf: result.Signals.AsOf})
	}
	report(ctx, in, &result)
	show(ctx, verdictCard(result))
	return result, nil
}

// finishPlain is the end of a night before there were policy files.
func finishPlain(ctx workflow.Context, in schemas.MonitorInput, result schemas.MonitorResult) (schemas.MonitorResult, error) {
	var steps *monitor.Activities
	var err error
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
