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
// settled days (at least one, at most seven) tests, all earlier ones train,
// unless the input says how many.
func (a *Activities) PlanLifecycle(ctx context.Context, in schemas.LifecycleInput) (schemas.LifecyclePlan, error) {
	plan := schemas.LifecyclePlan{Train: in.Train, Test: in.Test, AsOf: a.asOf(in.AsOf)}
	if in.Train.Empty() != in.Test.Empty() {
		return plan, failure.InvalidInput("lifecycle: give train and test, or neither")
	}
	if err := checkDayCounts(in); err != nil {
		return plan, err // not wrapped: Temporal would retry it
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
	if in.NewestDays > 0 {
		days = days[max(0, len(days)-in.NewestDays):]
	}
	test := min(max(1, len(days)/5), maxTestDays)
	if in.TestDays > 0 {
		test = min(in.TestDays, len(days)-1)
	}
	split := days[len(days)-test]
	plan.Train = schemas.DayRange{From: string(days[0]), To: string(split)}
	plan.Test = schemas.DayRange{From: string(split), To: string(days[len(days)-1].Add(1))}
	return plan, nil
}

// checkDayCounts refuses counts of days that leave nothing to train on, and
// those that days named one by one would contradict.
func checkDayCounts(in schemas.LifecycleInput) error {
	switch {
	case in.NewestDays == 0 && in.TestDays == 0:
		return nil
	case !in.Train.Empty():
		return failure.InvalidInput("lifecycle: newest_days and test_days choose the days where train and test do not: give one or the other")
	case in.NewestDays < 0 || in.NewestDays == 1:
		return failure.InvalidInput("lifecycle: newest_days is %d: want at least 2, one to train and one to test, or 0 for all", in.NewestDays)
	case in.TestDays < 0 || in.NewestDays > 0 && in.TestDays >= in.NewestDays:
		return failure.InvalidInput("lifecycle: test_days is %d of %d newest days: want at least one day left to train on", in.TestDays, in.NewestDays)
	}
	return nil
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
