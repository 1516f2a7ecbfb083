package workflows

import (
	"fmt"
	"path"
	"strings"

	"go.temporal.io/sdk/workflow"

	"puenktlich/activities/collect"
	"puenktlich/schemas"
)

// ImportHistory ingests recording archives, oldest first, one activity each. A
// run that is started again repeats archives without doubling anything.
func ImportHistory(ctx workflow.Context, in schemas.ImportInput) (schemas.ImportResult, error) {
	var steps *collect.Activities
	var plan schemas.ImportPlan
	result := schemas.ImportResult{Group: in.Group}
	err := workflow.ExecuteActivity(with(ctx, light(schemas.QueueCollect, "archives to import")), steps.PlanImport, in).Get(ctx, &plan)
	if err != nil {
		return result, readable(err)
	}
	result.Group = plan.Group
	tell(ctx, schemas.AttributeGroup, plan.Group)
	for i, archive := range plan.Archives {
		var part schemas.ImportResult
		err := workflow.ExecuteActivity(with(ctx, heavy(schemas.QueueCollect, path.Base(archive))), steps.ImportArchive,
			schemas.ImportArchiveInput{Group: plan.Group, Path: archive, Until: plan.Until}).Get(ctx, &part)
		if err != nil {
			return result, readable(err)
		}
		result.Archives++
		result.Counts.Add(part.Counts)
		if part.Through.After(result.Through) {
			result.Through = part.Through
		}
		if part.Note != "" {
			result.Note = strings.TrimPrefix(result.Note+"; "+part.Note, "; ")
		}
		show(ctx, importCard(plan, i+1, result))
	}
	return result, nil
}

// importCard tells how far an import is; releases without polls have no moment
// they reach through.
func importCard(plan schemas.ImportPlan, done int, r schemas.ImportResult) string {
	through := ""
	if !r.Through.IsZero() {
		through = ", through " + r.Through.Format("2006-01-02 15:04")
	}
	return fmt.Sprintf("### Importing into %s\n%d of %d files%s\n\n%s\n%s", plan.Group, done, len(plan.Archives), through, countsTable(r.Counts), r.Note)
}
