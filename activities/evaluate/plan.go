package evaluate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"puenktlich/activities/failure"
	"puenktlich/internal/champion"
	"puenktlich/internal/modelpkg"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
)

// Bounds of the default days of a recalibration.
const (
	maxTestDays      = 7
	maxCalibrateDays = 14 // newer days say more of the present base rate than older ones
)

// PlanRecalibration finds the package to calibrate anew, and the days: those of the
// calibration come after the trees' training and before those of the test.
func (a *Activities) PlanRecalibration(ctx context.Context, in schemas.RecalibrateInput) (schemas.RecalibratePlan, error) {
	plan := schemas.RecalibratePlan{Package: in.Package, Days: in.Days, Test: in.Test, AsOf: in.AsOf}
	if plan.AsOf.IsZero() {
		plan.AsOf = a.Clock.Now()
	}
	loaded, ref, err := a.original(ctx, in.Model, in.Package)
	if err != nil {
		return plan, err
	}
	plan.Package, plan.Trained = ref, loaded.Trained.Days
	if in.Days.Empty() != in.Test.Empty() {
		return plan, failure.InvalidInput("recalibrate: give days and test, or neither")
	}
	if !in.Days.Empty() {
		return plan, checkRecalibration(plan)
	}
	settled, err := a.unseen(ctx, plan)
	if err != nil {
		return plan, err
	}
	if len(settled) < 2 {
		return plan, failure.NothingToDo("recalibrate: %d whole settled days of the %s lie after %s, the days that the trees of %s@%d were trained on: at least two are needed, one to calibrate on and one to test on", len(settled), a.Name, plan.Trained, ref.Model, ref.Version)
	}
	test := min(max(1, len(settled)/5), maxTestDays)
	split := len(settled) - test
	plan.Days = spanOf(settled[max(0, split-maxCalibrateDays):split])
	plan.Test = spanOf(settled[split:])
	return plan, nil
}

// original loads the package whose trees are kept, the champion by default.
func (a *Activities) original(ctx context.Context, model string, ref schemas.PackageRef) (*modelpkg.Package, schemas.PackageRef, error) {
	var loaded *modelpkg.Package
	var err error
	if ref.Digest == "" {
		loaded, ref, err = a.Champions.Champion(ctx, model)
	} else {
		loaded, err = a.Champions.Package(ctx, ref)
	}
	var broken *modelpkg.IntegrityError
	switch {
	case errors.Is(err, champion.ErrNone):
		return nil, ref, failure.NothingToDo("recalibrate: %v", err)
	case errors.As(err, &broken):
		return nil, ref, failure.Integrity(err, "recalibrate %s@%d", ref.Model, ref.Version)
	case err != nil:
		return nil, ref, a.unread(err, "recalibrate %s@%d", ref.Model, ref.Version)
	}
	return loaded, ref, nil
}

// unseen lists the whole settled days after the training.
func (a *Activities) unseen(ctx context.Context, plan schemas.RecalibratePlan) ([]rail.Day, error) {
	span, err := a.Store.Days(ctx, a.Name)
	if err != nil {
		return nil, fmt.Errorf("days of %s: %w", a.Name, err)
	}
	var days []rail.Day
	for _, s := range span.Settled {
		if s >= plan.Trained.To && rail.Day(s) < rail.DayOf(plan.AsOf) { // today is not over
			days = append(days, rail.Day(s))
		}
	}
	slices.Sort(days)
	return days, nil
}

// spanOf is the range from the first of some ascending days to the last.
func spanOf(days []rail.Day) schemas.DayRange {
	return schemas.DayRange{From: string(days[0]), To: string(days[len(days)-1].Add(1))}
}

// checkRecalibration refuses days that the trees know, and test days that the
// calibration would know.
func checkRecalibration(p schemas.RecalibratePlan) error {
	for name, r := range map[string]schemas.DayRange{"days": p.Days, "test": p.Test} {
		from, first := rail.ParseDay(r.From)
		to, last := rail.ParseDay(r.To)
		if err := errors.Join(first, last); err != nil || from >= to {
			return failure.InvalidInput("recalibrate: %s %q: want from and to as YYYY-MM-DD, to after from", name, r)
		}
	}
	if p.Days.From < p.Trained.To {
		return failure.InvalidInput("recalibrate: calibration days %s begin before the training days %s of the trees end: calibrate on later days", p.Days, p.Trained)
	}
	if p.Test.From < p.Days.To {
		return failure.InvalidInput("recalibrate: test days %s begin before calibration days %s end: test on later days", p.Test, p.Days)
	}
	return nil
}
