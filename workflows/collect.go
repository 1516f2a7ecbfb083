package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"puenktlich/activities/collect"
	"puenktlich/schemas"
)

// Collect polls a station group from its cursor to AsOf, one activity a window.
// Whatever ID it was started under, the work runs under CollectID(group), so
// that no two runs collect the same stations.
func Collect(ctx workflow.Context, in schemas.CollectInput) (schemas.CollectResult, error) {
	if in.Group == "" {
		in.Group = schemas.DefaultGroup
	}
	tell(ctx, schemas.AttributeGroup, in.Group)
	if id := schemas.CollectID(in.Group); workflow.GetInfo(ctx).WorkflowExecution.ID != id {
		var result schemas.CollectResult
		err := workflow.ExecuteChildWorkflow(child(ctx, id, "collect "+in.Group), Collect, in).Get(ctx, &result)
		if alreadyRunning(err) {
			return result, refuse(schemas.FailureAlreadyRunning, "%s is collecting already: watch %s", in.Group, id)
		}
		return result, readable(err)
	}
	return collectGroup(ctx, in)
}

func collectGroup(ctx workflow.Context, in schemas.CollectInput) (schemas.CollectResult, error) {
	var steps *collect.Activities
	var plan schemas.CollectPlan
	result := schemas.CollectResult{Group: in.Group}
	err := workflow.ExecuteActivity(with(ctx, light(schemas.QueueCollect, "windows since the cursor")), steps.PlanCollection, in).Get(ctx, &plan)
	if err != nil {
		return result, readable(err)
	}
	result.Note = plan.Note
	for i, window := range plan.Windows {
		var part schemas.CollectWindowResult
		summary := fmt.Sprintf("%s to %s", window.From.Format("01-02 15:04:05"), window.To.Format("01-02 15:04:05"))
		err := workflow.ExecuteActivity(with(ctx, heavy(schemas.QueueCollect, summary)), steps.CollectWindow,
			schemas.CollectWindowInput{Group: in.Group, Window: window}).Get(ctx, &part)
		if err != nil {
			return result, readable(err)
		}
		result.Windows++
		result.Through = window.To
		result.Counts.Add(part.Counts)
		result.Health, result.Unknown = part.Health, firstNames(result.Unknown, part.Unknown)
		show(ctx, collectCard(i+1, len(plan.Windows), result))
	}
	if plan.More {
		return result, workflow.NewContinueAsNewError(ctx, Collect, in)
	}
	return result, nil
}

func collectCard(done, all int, r schemas.CollectResult) string {
	return fmt.Sprintf("### Collecting %s\n%d of %d windows, through %s\n\n%s%s%s", r.Group, done, all,
		r.Through.Format(time.RFC3339), countsTable(r.Counts), healthCard(r.Health), unknownCard(r.Unknown))
}

func countsTable(c schemas.CollectCounts) string {
	return fmt.Sprintf("| responses | failed | missing | MB | planned events | changes | quarantined | unknown attributes |\n|--:|--:|--:|--:|--:|--:|--:|--:|\n| %d | %d | %d | %.1f | %d | %d | %d | %d |\n",
		c.Responses, c.Failed, c.Missing, float64(c.Bytes)/1e6, c.Planned, c.Changes, c.Quarantined, c.Unknown)
}
