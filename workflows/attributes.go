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
