package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"puenktlich/activities/prepare"
	"puenktlich/schemas"
)

// SettleTruth turns settled observations into ground truth, one activity a day,
// in order, since a day's history builds on nothing but its own observations.
func SettleTruth(ctx workflow.Context, in schemas.SettleInput) (schemas.SettleResult, error) {
	var steps *prepare.Activities
	var plan schemas.SettlePlan
	result := schemas.SettleResult{Days: in.Days}
	err := workflow.ExecuteActivity(with(ctx, light(schemas.QueuePrepare, "days to settle")), steps.PlanSettlement, in).Get(ctx, &plan)
	if err != nil {
		return result, readable(err)
	}
	result.AsOf, result.Note = plan.AsOf, plan.Note
	counted := newFanOut(ctx, len(plan.Days))
	for _, day := range plan.Days {
		counted.start(func(ctx workflow.Context) workflow.Future {
			return workflow.ExecuteActivity(with(ctx, heavy(schemas.QueuePrepare, day)), steps.SettleDay, schemas.SettleDayInput{Day: day, AsOf: plan.AsOf})
		})
	}
	if err := counted.wait(func(_ int, done workflow.Future) error {
		var counts schemas.SettleCounts
		err := done.Get(ctx, &counts)
		result.Counts.Add(counts)
		return err
	}); err != nil {
		return result, readable(err)
	}
	if n := len(plan.Days); n > 0 {
		result.Days = schemas.DayRange{From: plan.Days[0], To: plan.Days[n-1]}
	}
	show(ctx, settleCard(result))
	// The hourly one tells the rollout under way that there is more truth; one that is
	// a step of another run, or as of a moment, leaves that to whoever asked.
	hourly := in.AsOf.IsZero() && workflow.GetInfo(ctx).ParentWorkflowExecution == nil
	if len(plan.Days) > 0 && hourly && !plan.AsOf.IsZero() && workflow.GetVersion(ctx, "settlement-ticks", workflow.DefaultVersion, 1) != workflow.DefaultVersion {
		tick(ctx, schemas.DefaultModel, schemas.Tick{AsOf: plan.AsOf})
	}
	return result, nil
}

func settleCard(r schemas.SettleResult) string {
	c := r.Counts
	return fmt.Sprintf("### Truth of %s to %s, as of %s\n\n| planned events | change observed | of these late | no change, watched | cancelled | not settled yet | unknown | revised |\n|--:|--:|--:|--:|--:|--:|--:|--:|\n| %d | %d | %d | %d | %d | %d | %d | %d |\n",
		r.Days.From, r.Days.To, r.AsOf.Format("2006-01-02 15:04"), c.Planned, c.Observed, c.Late, c.NoChange, c.Cancelled, c.Unsettled, c.Unknown, c.Revised)
}
