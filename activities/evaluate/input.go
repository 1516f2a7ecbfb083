package evaluate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"puenktlich/activities/failure"
	"puenktlich/internal/champion"
	"puenktlich/internal/dataset"
	"puenktlich/internal/forecast"
	"puenktlich/internal/modelpkg"
	"puenktlich/schemas"
)

// days loads the days of a data set.
func (a *Activities) days(ctx context.Context, ref schemas.DatasetRef, days schemas.DayRange, what string) (*dataset.Table, error) {
	table, _, err := dataset.Load(ctx, a.Objects, ref, days)
	switch {
	case err == nil:
		return table, nil
	case errors.Is(err, dataset.ErrNoPart):
		return nil, failure.NothingToDo("%s: %v", what, err)
	case dataset.Unfit(err):
		return nil, failure.Validation("%s: %v", what, err)
	}
	return nil, a.unread(err, "%s", what)
}

// unread tells an object that is gone, which no retry brings back, from a store that
// is away.
func (a *Activities) unread(err error, format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	if errors.Is(err, a.NotFound) {
		return failure.NotFound(err, "%s", what)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// checkFit refuses rows of other features than the model has.
func checkFit(model *forecast.Model, table *dataset.Table) error {
	if table.Version != model.FeatureVersion() || !slices.Equal(table.Names, model.Features()) {
		return fmt.Errorf("the data set has features %s, the model was trained on %s: prepare the data set anew, or train a model on it", table.Version, model.FeatureVersion())
	}
	return nil
}

// rival is the champion to compare with, or why there is no comparison.
type rival struct {
	model *forecast.Model // nil without a comparison
	// comparison says who it is; nil where there is no champion yet.
	comparison *schemas.Comparison
}

// champion loads the one that the input names, else the model's present one.
func (a *Activities) champion(ctx context.Context, in schemas.EvaluateInput) (rival, error) {
	loaded, ref, err := a.loadChampion(ctx, in)
	var broken *modelpkg.IntegrityError
	switch {
	case errors.Is(err, champion.ErrNone):
		return rival{}, nil
	case errors.As(err, &broken):
		return incomparable(ref, err.Error()), nil
	case errors.Is(err, a.NotFound):
		return incomparable(ref, "its package is gone: "+err.Error()), nil
	case err != nil:
		return rival{}, fmt.Errorf("evaluate run %s: %w", in.Trained.RunID, err)
	}
	if overlap(loaded.Trained.Days, in.Days) {
		return incomparable(ref, fmt.Sprintf("it was trained on %s and knows the test days %s", loaded.Trained.Days, in.Days)), nil
	}
	if r := loaded.Trained.Recalibrated; r != nil && overlap(r.Days, in.Days) {
		return incomparable(ref, fmt.Sprintf("it was calibrated on %s and knows the test days %s", r.Days, in.Days)), nil
	}
	return rival{loaded.Model, &schemas.Comparison{Champion: ref}}, nil
}

func (a *Activities) loadChampion(ctx context.Context, in schemas.EvaluateInput) (*modelpkg.Package, schemas.PackageRef, error) {
	if in.Champion.Digest == "" {
		return a.Champions.Champion(ctx, in.Trained.Model)
	}
	loaded, err := a.Champions.Package(ctx, in.Champion)
	return loaded, in.Champion, err
}

func incomparable(ref schemas.PackageRef, why string) rival {
	return rival{comparison: &schemas.Comparison{Champion: ref, Verdict: schemas.VerdictNotComparable, Note: why}}
}

// overlap says whether two ranges share a day.
func overlap(a, b schemas.DayRange) bool { return a.From < b.To && b.From < a.To }
