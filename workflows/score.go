package workflows

import (
	"go.temporal.io/sdk/workflow"

	"puenktlich/activities/score"
	"puenktlich/schemas"
)

// ScoreBatch forecasts every planned event of a day at every grid horizon with
// the champion, as the panel would have.
func ScoreBatch(ctx workflow.Context, in schemas.ScoreBatchInput) (schemas.ScoreBatchResult, error) {
	var steps *score.Activities
	var result schemas.ScoreBatchResult
	if in.Model == "" {
		in.Model = schemas.DefaultModel
	}
	tell(ctx, schemas.AttributeModel, in.Model)
	err := workflow.ExecuteActivity(with(ctx, heavy(schemas.QueueScore, "forecasts of "+in.Day)), steps.ScoreDay, in).Get(ctx, &result)
	return result, readable(err)
}
