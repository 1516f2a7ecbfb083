package prepare

import (
	"context"
	"fmt"

	"puenktlich/activities/failure"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
)

// maxTestDays bounds the default test: the newest fifth of the settled days.
const maxTestDays = 7

// PlanLifecycle fills in training and test days: the newest fifth of the
// settled days (at least one, at most seven) tests, all earlier ones train.
func (a *Activities) PlanLifecycle(ctx context.Context, in schemas.LifecycleInput) (schemas.LifecyclePlan, error) {
	plan := schemas.LifecyclePlan{Train: in.Train, Test: in.Test, AsOf: a.asOf(in.AsOf)}
	if in.Train.Empty() != in.Test.Empty() {
		return plan, failure.InvalidInput("lifecycle: give train and test, or neither")
	}
	if !in.Train.Empty() {
		return plan, checkSplit(in.Train, in.Test)
	}
	span, err := a.Store.Days(ctx, a.Name)
	if err != nil {
		return plan, fmt.Errorf("days of %s: %w", a.Name, err)
	}
	if span.FirstSettled == "" {
		return plan, failure.NothingToDo("lifecycle: no truth of the %s is settled yet: run Collect or ImportHistory, then SettleTruth", a.Name)
	}
	days := rail.Days(rail.Day(span.FirstSettled), min(rail.Day(span.LastSettled).Add(1), rail.DayOf(plan.AsOf))) // today is not over
	if len(days) < 2 {
		return plan, failure.NothingToDo("lifecycle: %d whole settled day of the %s: at least two are needed, one to train and one to test", len(days), a.Name)
	}
	test := min(max(1, len(days)/5), maxTestDays)
	split := days[len(days)-test]
	plan.Train = schemas.DayRange{From: string(days[0]), To: string(split)}
	plan.Test = schemas.DayRange{From: string(split), To: string(days[len(days)-1].Add(1))}
	return plan, nil
}

// checkSplit refuses test days that were trained on or lie before.
func checkSplit(train, test schemas.DayRange) error {
	for _, r := range []schemas.DayRange{train, test} {
		if _, _, err := dayRange(r, "", ""); err != nil {
			return err // not wrapped: Temporal would retry it
		}
	}
	if test.From < train.To {
		return failure.InvalidInput("lifecycle: test days %s begin before training days %s end: test on later days", test, train)
	}
	return nil
}
