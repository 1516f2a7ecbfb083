package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"puenktlich/activities/prepare"
	"puenktlich/schemas"
)

// PrepareDataset computes one Parquet part a day and seals them as a data set,
// identified by the hash of its parts. One that fails a check ends the run with
// the table of what was found and where, and is kept for inspection.
func PrepareDataset(ctx workflow.Context, in schemas.PrepareInput) (schemas.DatasetRef, error) {
	var steps *prepare.Activities
	var plan schemas.PreparePlan
	var ref schemas.DatasetRef
	err := workflow.ExecuteActivity(with(ctx, light(schemas.QueuePrepare, "days and horizons")), steps.PlanDataset, in).Get(ctx, &plan)
	if err != nil {
		return ref, readable(err)
	}
	parts := newFanOut(ctx, len(plan.Days))
	for _, day := range plan.Days {
		parts.start(func(ctx workflow.Context) workflow.Future {
			return workflow.ExecuteActivity(with(ctx, heavy(schemas.QueuePrepare, "features of "+day)), steps.PreparePart,
				schemas.PreparePartInput{Day: day, Horizons: plan.Horizons, AsOf: plan.AsOf})
		})
	}
	done := make([]schemas.DatasetPart, len(plan.Days))
	if err := parts.wait(func(i int, part workflow.Future) error { return part.Get(ctx, &done[i]) }); err != nil {
		return ref, readable(err)
	}
	var sealed schemas.SealedDataset
	err = workflow.ExecuteActivity(with(ctx, light(schemas.QueuePrepare, "check and seal")), steps.SealDataset,
		schemas.PrepareManifestInput{Plan: plan, Parts: done}).Get(ctx, &sealed)
	if err != nil {
		return ref, readable(err)
	}
	tell(ctx, schemas.AttributeDataset, short(sealed.ID))
	show(ctx, datasetCard(sealed.DatasetRef)+checksCard(sealed))
	if sealed.State == schemas.DatasetInvalid {
		return ref, refuse(schemas.FailureValidation, "data set %s is invalid and no training reads it; it is kept at %s:\n%s",
			short(sealed.ID), sealed.Manifest.Key, schemas.CheckTable(sealed.Checks))
	}
	return sealed.DatasetRef, nil
}

// checksCard lists the checks that failed.
func checksCard(sealed schemas.SealedDataset) string {
	if len(sealed.Checks) == 0 {
		return "\nEvery check holds.\n"
	}
	verdict := "May be used; warnings"
	if sealed.State == schemas.DatasetInvalid {
		verdict = "**Invalid**: no training reads it. Kept at `" + sealed.Manifest.Key + "`; checks that failed"
	}
	return "\n" + verdict + ":\n\n" + schemas.CheckTable(sealed.Checks)
}

func datasetCard(d schemas.DatasetRef) string {
	return fmt.Sprintf("### Data set `%s`\n%s, features `%s`\n\n| rows | events | late |\n|--:|--:|--:|\n| %d | %d | %s |\n",
		short(d.ID), span(d.Days), d.FeatureVersion, d.Rows, d.Events, percent(d.Late, d.Events))
}

func percent(part, whole int) string {
	if whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%d (%.1f %%)", part, 100*float64(part)/float64(whole))
}

// span writes a half-open range of days without a slash, which a Markdown view
// may read as a fraction.
func span(r schemas.DayRange) string { return r.From + " until before " + r.To }

// short is the beginning of a hash, enough to tell things apart.
func short(hash string) string { return hash[:min(12, len(hash))] }
