// Package experiment holds the activities that look after recorded runs: what
// has to be done to make one again, and whether that gave the same.
package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"puenktlich/activities/failure"
	"puenktlich/internal/experiment"
	"puenktlich/internal/feature"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Packages knows which package was built of a run; found is false where none was.
type Packages interface {
	OfRun(ctx context.Context, model, runID string) (p schemas.PackageRef, found bool, err error)
}

// Activities are the steps. All fields are required.
type Activities struct {
	Reader   experiment.Reader
	Packages Packages
}

// PlanReproduction reads from the record of a run how to make it again.
func (a *Activities) PlanReproduction(ctx context.Context, in schemas.ReproduceInput) (schemas.ReproducePlan, error) {
	var plan schemas.ReproducePlan
	run, err := a.show(ctx, in.RunID)
	if err != nil {
		return plan, err
	}
	switch {
	case run.Status != schema.RunFinished:
		return plan, failure.InvalidInput("reproduce: run %s is %s: only a finished run can be compared with a new one", run.ID, run.Status)
	case run.Recipe == nil:
		return plan, failure.NothingToDo("reproduce: run %s was recorded without its recipe and cannot be made again from its record", run.ID)
	case run.FeatureVersion != feature.Version():
		return plan, failure.Validation("reproduce: run %s used features %s, this worker has %s: run the workers of code %s", run.ID, run.FeatureVersion, feature.Version(), run.CodeVersion)
	}
	if err := json.Unmarshal(run.Recipe, &plan.Recipe); err != nil {
		return plan, failure.Validation("reproduce: the recipe of run %s is not one for this program: %v", run.ID, err)
	}
	plan.Refit = has(run, schema.ArtifactLearned)
	if !plan.Refit {
		return plan, nil
	}
	plan.TestDays, plan.Note, err = a.testDays(ctx, run)
	return plan, err
}

func has(run experiment.Record, name string) bool {
	for _, artifact := range run.Artifacts {
		if artifact.Name == name {
			return true
		}
	}
	return false
}

// testDays are those of the run's evaluation, empty without one; the note says
// why an evaluation is not repeated.
func (a *Activities) testDays(ctx context.Context, run experiment.Record) (days schemas.DayRange, note string, err error) {
	report, found, err := a.Reader.Report(ctx, run)
	switch {
	case err != nil:
		return days, "", fmt.Errorf("reproduce run %s: %w", run.ID, err)
	case !found:
		return days, "", nil
	case report.Dataset != run.Dataset:
		return days, fmt.Sprintf("the evaluation is left out: it was made on another data set, %s", experiment.Short(report.Dataset)), nil
	}
	return report.TestDays, "", nil
}

// CompareRuns says whether a rebuilt run is the recorded one.
func (a *Activities) CompareRuns(ctx context.Context, in schemas.CompareRunsInput) (schemas.ReproduceResult, error) {
	records, err := a.Reader.Show(ctx, in.Recorded, in.Rebuilt)
	if err != nil {
		return schemas.ReproduceResult{}, classify(err)
	}
	if len(records) != 2 {
		return schemas.ReproduceResult{}, failure.InvalidInput("compare runs: %s and %s are the same run", in.Recorded, in.Rebuilt)
	}
	recorded, rebuilt := records[0], records[1]
	pkg, _, err := a.Packages.OfRun(ctx, recorded.Model, recorded.ID)
	if err != nil {
		return schemas.ReproduceResult{}, fmt.Errorf("compare run %s with %s: %w", recorded.ID, rebuilt.ID, err)
	}
	calibrations, err := a.Reader.CompareCalibrations(ctx, recorded, rebuilt, pkg)
	if err != nil {
		return schemas.ReproduceResult{}, fmt.Errorf("compare run %s with %s: %w", recorded.ID, rebuilt.ID, err)
	}
	result := experiment.Verify(recorded, rebuilt, in.SkipTest)
	for _, f := range calibrations {
		result.Findings, result.Agrees = append(result.Findings, f), result.Agrees && f.Agrees
	}
	return result, nil
}

func (a *Activities) show(ctx context.Context, id string) (experiment.Record, error) {
	records, err := a.Reader.Show(ctx, id)
	if err != nil {
		return experiment.Record{}, classify(err)
	}
	return records[0], nil
}

// classify makes what no retry can mend final.
func classify(err error) error {
	var unknown *experiment.UnknownRunError
	var ambiguous *experiment.AmbiguousRunError
	switch {
	case errors.As(err, &unknown):
		return failure.NotFound(nil, "%v", err)
	case errors.As(err, &ambiguous):
		return failure.InvalidInput("%v", err)
	}
	return err
}
