package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"puenktlich/activities/score"
	"puenktlich/schemas"
)

// changeScoreParts is the change by which a day is forecast in parts, and files
// are.
const changeScoreParts = "score-parts"

// ScoreBatch forecasts every planned event of a day at every grid horizon with
// the champion, as the panel would have, or the rows of a file. The parts are
// forecast side by side; those that are done when a worker dies stay done.
func ScoreBatch(ctx workflow.Context, in schemas.ScoreBatchInput) (schemas.ScoreBatchResult, error) {
	var steps *score.Activities
	var result schemas.ScoreBatchResult
	if in.Model == "" {
		in.Model = schemas.DefaultModel
	}
	tell(ctx, schemas.AttributeModel, in.Model)
	if workflow.GetVersion(ctx, changeScoreParts, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		err := workflow.ExecuteActivity(with(ctx, heavy(schemas.QueueScore, "forecasts of "+in.Day)), steps.ScoreDay, in).Get(ctx, &result)
		return result, readable(err)
	}
	var plan schemas.ScorePlan
	if err := workflow.ExecuteActivity(with(ctx, heavy(schemas.QueueScore, "what is to be forecast")), steps.PlanScore, in).Get(ctx, &plan); err != nil {
		return result, readable(err)
	}
	result = schemas.ScoreBatchResult{Day: plan.Day, Package: plan.Package, Challenger: plan.Challenger, Input: plan.Input, Parts: plan.Parts()}
	if err := scoreParts(ctx, plan, &result); err != nil {
		return result, readable(err)
	}
	if plan.Input == nil {
		if result.Predictions == 0 {
			result.Note = fmt.Sprintf("no event is planned on %s whose forecast was due by %s", plan.Day, plan.AsOf.Format("2006-01-02T15:04:05Z07:00"))
		}
		return result, nil
	}
	var output schemas.ObjectRef
	err := workflow.ExecuteActivity(with(ctx, heavy(schemas.QueueScore, "list of the parts")), steps.FinishScore, plan).Get(ctx, &output)
	result.Output = &output
	return result, readable(err)
}

// scoreParts forecasts all parts, a bounded number at a time.
func scoreParts(ctx workflow.Context, plan schemas.ScorePlan, result *schemas.ScoreBatchResult) error {
	var steps *score.Activities
	show(ctx, scoreCard(plan, *result, 0))
	fan := newFanOut(ctx, plan.Parts())
	for n := range plan.Parts() {
		in := schemas.ScorePartInput{Plan: plan, Part: n}
		fan.start(func(ctx workflow.Context) workflow.Future {
			ctx = with(ctx, heavy(schemas.QueueScore, fmt.Sprintf("part %d of %d", n+1, plan.Parts())))
			if plan.Input != nil {
				return workflow.ExecuteActivity(ctx, steps.ScoreRows, in)
			}
			return workflow.ExecuteActivity(ctx, steps.ScoreWindow, in)
		})
	}
	return fan.wait(func(n int, done workflow.Future) error {
		var part schemas.ScorePartResult
		if err := done.Get(ctx, &part); err != nil {
			return err
		}
		result.Events += part.Events
		result.Predictions += part.Predictions
		show(ctx, scoreCard(plan, *result, n+1))
		return nil
	})
}

// scoreCard tells how far a run is.
func scoreCard(plan schemas.ScorePlan, r schemas.ScoreBatchResult, parts int) string {
	what := plan.Day
	if plan.Input != nil {
		what = plan.Input.Key
	}
	return fmt.Sprintf("### Forecasting %s\nby %s@%d: %d of %d parts, %d forecasts", what, plan.Package.Model, plan.Package.Version, parts, plan.Parts(), r.Predictions)
}
