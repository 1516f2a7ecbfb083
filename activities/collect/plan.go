package collect

import (
	"context"
	"fmt"
	"time"

	"puenktlich/activities/failure"
	"puenktlich/schemas"
)

// Bounds of one run: a window is one activity, and a run that would need more
// windows goes on in the next.
const (
	windowLength = 6 * time.Hour
	maxWindows   = 40
)

// PlanCollection says which windows lie between the group's cursor and AsOf.
func (a *Activities) PlanCollection(ctx context.Context, in schemas.CollectInput) (schemas.CollectPlan, error) {
	plan := schemas.CollectPlan{Group: in.Group, AsOf: in.AsOf}
	if plan.Group == "" {
		plan.Group = schemas.DefaultGroup
	}
	if plan.AsOf.IsZero() {
		plan.AsOf = a.Clock.Now()
	}
	cursor, err := a.Cursors.Cursor(ctx, plan.Group)
	if err != nil {
		return plan, fmt.Errorf("read cursor of %s: %w", plan.Group, err)
	}
	from := a.start(in, cursor, plan.AsOf)
	if !from.Before(plan.AsOf) {
		plan.Note = fmt.Sprintf("%s is collected through %s already", plan.Group, from.Format(time.RFC3339))
		return plan, nil
	}
	if !a.Past { // a live source has no past to ask for
		plan.Windows = []schemas.Window{{From: from, To: plan.AsOf}}
		return plan, nil
	}
	for from.Before(plan.AsOf) {
		if len(plan.Windows) == maxWindows {
			plan.More = true
			break
		}
		to := from.Truncate(windowLength).Add(windowLength)
		if to.After(plan.AsOf) {
			to = plan.AsOf
		}
		plan.Windows = append(plan.Windows, schemas.Window{From: from, To: to})
		from = to
	}
	return plan, nil
}

// start is where collection goes on: at the cursor, else where it was asked to
// begin, else at the beginning of the source.
func (a *Activities) start(in schemas.CollectInput, cursor, asOf time.Time) time.Time {
	switch {
	case !cursor.IsZero():
		return cursor
	case !in.From.IsZero():
		return in.From
	case !a.Begin.IsZero():
		return a.Begin
	}
	return asOf.Add(-a.Every)
}

// checkWindow refuses a window no poll can lie in.
func checkWindow(in schemas.CollectWindowInput) error {
	if in.Group == "" || !in.Window.From.Before(in.Window.To) {
		return failure.InvalidInput("collect window: group %q, from %s to %s: want a group and a window that ends after it begins",
			in.Group, in.Window.From.Format(time.RFC3339), in.Window.To.Format(time.RFC3339))
	}
	return nil
}
