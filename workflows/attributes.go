package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// tell sets one typed search attribute, by which operators find runs.
func tell(ctx workflow.Context, name, value string) {
	key := temporal.NewSearchAttributeKeyKeyword(name)
	if err := workflow.UpsertTypedSearchAttributes(ctx, key.ValueSet(value)); err != nil {
		workflow.GetLogger(ctx).Warn("search attribute not set", "name", name, "error", err)
	}
}

// show sets the card of a run. The Temporal UI's frame is shorter than what it
// holds: an empty last paragraph is what it cuts off.
func show(ctx workflow.Context, card string) {
	workflow.SetCurrentDetails(ctx, card+"\n\n\u00a0\n")
}
