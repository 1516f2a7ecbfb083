package experiment

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"go.temporal.io/sdk/temporal"

	"puenktlich/internal/experiment"
	"puenktlich/internal/experiment/experimenttest"
	"puenktlich/internal/feature"
	"puenktlich/internal/objstore"
	"puenktlich/internal/registry"
	"puenktlich/internal/testenv"
	"puenktlich/internal/warehouse"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func recorded(t *testing.T) (*Activities, experimenttest.Stores) {
	t.Helper()
	db, err := warehouse.Open(warehouse.Options(testenv.ClickHouse(t)))
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	_, err = db.Migrate(t.Context())
	must(t, err)
	objects, err := objstore.Open(t.Context(), objstore.Options(testenv.S3(t)))
	must(t, err)
	stores := experimenttest.Stores{DB: db, Objects: objects}
	experimenttest.Record(t, stores)
	away := func(err error) bool { return errors.Is(err, warehouse.ErrUnavailable) }
	return &Activities{Reader: experiment.Reader{Store: db, Objects: objects, NotFound: objstore.ErrNotFound, Away: away},
		Packages: registry.Registry{Store: objects, NotFound: objstore.ErrNotFound}}, stores
}

// change writes a later state of a run.
func change(t *testing.T, s experimenttest.Stores, id string, edit func(*schema.Run)) {
	t.Helper()
	run, err := s.DB.Run(t.Context(), id)
	must(t, err)
	run.Version++
	edit(&run)
	must(t, s.DB.SaveRun(t.Context(), run))
}

func recipe(t *testing.T) (schemas.Recipe, string) {
	t.Helper()
	r := schemas.Recipe{Candidate: schemas.CandidateInput{RunID: experimenttest.Deep, Model: "punctuality", Seed: 7, Candidate: schemas.Candidate{Name: "depth-4", MaxDepth: 4}},
		Prepare: schemas.PrepareInput{Days: schemas.DayRange{From: "2024-10-28", To: "2024-11-02"}, Horizons: []int{60, 5}}}
	text, err := json.Marshal(r)
	must(t, err)
	return r, string(text)
}

func TestPlanReproduction(t *testing.T) {
	t.Parallel()
	a, stores := recorded(t)
	want, text := recipe(t)
	change(t, stores, experimenttest.Deep, func(r *schema.Run) { r.FeatureVersion, r.Recipe = feature.Version(), text })
	plan, err := a.PlanReproduction(t.Context(), schemas.ReproduceInput{RunID: experimenttest.Deep})
	must(t, err)
	if plan.Recipe.Candidate != want.Candidate || plan.Recipe.Prepare.Days != want.Prepare.Days || !plan.Refit || plan.TestDays != experimenttest.Report().TestDays || plan.Note != "" {
		t.Errorf("%+v", plan)
	}
	again := schemas.Recipe{Recalibrate: &schemas.RecalibrateStep{RunID: experimenttest.Deep, Plan: schemas.RecalibratePlan{Package: schemas.PackageRef{Model: "punctuality", Version: 3}}}}
	body, err := json.Marshal(again)
	must(t, err)
	change(t, stores, experimenttest.Deep, func(r *schema.Run) { r.Recipe = string(body) })
	plan, err = a.PlanReproduction(t.Context(), schemas.ReproduceInput{RunID: experimenttest.Deep})
	must(t, err)
	if plan.Recipe.Recalibrate == nil || *plan.Recipe.Recalibrate != *again.Recalibrate || plan.TestDays != experimenttest.Report().TestDays {
		t.Errorf("of a recalibration: %+v", plan)
	}
	change(t, stores, experimenttest.Deep, func(r *schema.Run) { r.DatasetID = "another" })
	plan, err = a.PlanReproduction(t.Context(), schemas.ReproduceInput{RunID: experimenttest.Deep})
	must(t, err)
	if !plan.TestDays.Empty() || !strings.Contains(plan.Note, "made on another data set, "+experimenttest.Dataset[:12]) {
		t.Errorf("%+v", plan)
	}
	change(t, stores, experimenttest.Deep, func(r *schema.Run) { r.Artifacts = nil })
	for _, ref := range refs(t, stores, experimenttest.Deep) {
		must(t, stores.Objects.Delete(t.Context(), ref.Key))
	}
	plan, err = a.PlanReproduction(t.Context(), schemas.ReproduceInput{RunID: experimenttest.Deep})
	must(t, err)
	if plan.Refit || !plan.TestDays.Empty() {
		t.Errorf("a run that was never trained on all days: %+v", plan)
	}
}

func refs(t *testing.T, s experimenttest.Stores, id string) []schemas.ObjectRef {
	t.Helper()
	all, err := s.Objects.ListRefs(t.Context(), "runs/"+id+"/")
	must(t, err)
	return all
}

func TestWhatCannotBeMadeAgain(t *testing.T) {
	t.Parallel()
	a, stores := recorded(t)
	_, text := recipe(t)
	plan := func(id, says string, kind schemas.FailureType) {
		t.Helper()
		_, err := a.PlanReproduction(t.Context(), schemas.ReproduceInput{RunID: id})
		var failed *temporal.ApplicationError
		if !errors.As(err, &failed) || !failed.NonRetryable() || failed.Type() != string(kind) || !strings.Contains(failed.Message(), says) {
			t.Errorf("got %v, want %s: %q", err, kind, says)
		}
	}
	plan("none", `there is no run "none"`, schemas.FailureNotFound)
	plan("a1", `"a1" begins several runs`, schemas.FailureInvalidInput)
	plan(experimenttest.Failed, "is failed: only a finished run", schemas.FailureInvalidInput)
	plan(experimenttest.Shallow, "was recorded without its recipe", schemas.FailureNothingToDo)
	change(t, stores, experimenttest.Shallow, func(r *schema.Run) { r.Recipe = text })
	plan(experimenttest.Shallow, "used features f1, this worker has "+feature.Version(), schemas.FailureValidation)
	change(t, stores, experimenttest.Shallow, func(r *schema.Run) {
		r.FeatureVersion, r.Recipe = feature.Version(), `{"candidate":{"candidate":{"wings":2}}}`
	})
	plan(experimenttest.Shallow, "is not one for this program", schemas.FailureValidation)
}

func TestCompareRuns(t *testing.T) {
	t.Parallel()
	a, _ := recorded(t)
	result, err := a.CompareRuns(t.Context(), schemas.CompareRunsInput{Recorded: experimenttest.Shallow, Rebuilt: experimenttest.Deep, SkipTest: true})
	must(t, err)
	if result.Agrees || result.Findings[0].Name != "data set" || !result.Findings[0].Agrees || len(result.Findings) != 7 {
		t.Errorf("%+v", result)
	}
	if last := result.Findings[6]; last.Name != "calibration" || !last.Agrees {
		t.Errorf("the runs learned the same calibration: %+v", last)
	}
	if _, err := a.CompareRuns(t.Context(), schemas.CompareRunsInput{Recorded: experimenttest.Shallow, Rebuilt: experimenttest.Shallow}); err == nil {
		t.Error("a run agrees with itself: that says nothing")
	}
}

// A recalibration is held against its record: the package whose trees it has, the
// method, what was fitted, and what lies in the package that was built of it.
func TestCompareRecalibrations(t *testing.T) {
	t.Parallel()
	a, stores := recorded(t)
	for _, id := range []string{experimenttest.Shallow, experimenttest.Deep} {
		must(t, stores.DB.SaveParams(t.Context(), "calibration/"+id, []schema.RunParam{{RunID: id, Name: schema.ParamCalibration, Value: "platt_pooled"},
			{RunID: id, Name: schema.ParamRecalibratedFrom, Value: "digest-of-" + id}}))
	}
	pack(t, stores, experimenttest.Shallow, `{"edges": [5], "cancel_rate": 0.02, "calibration": {"pooled": {"slope": 1.5, "intercept": 0}}}`)
	result, err := a.CompareRuns(t.Context(), schemas.CompareRunsInput{Recorded: experimenttest.Shallow, Rebuilt: experimenttest.Deep, SkipTest: true})
	must(t, err)
	agrees := map[string]bool{}
	for _, f := range result.Findings {
		agrees[f.Name] = f.Agrees
	}
	for name, want := range map[string]bool{"calibration method": true, "trees of package": false, "calibration": true, "calibration in package punctuality@1": false} {
		if got, found := agrees[name]; !found || got != want {
			t.Errorf("%s: agrees %v, found %v, want %v", name, got, found, want)
		}
	}
	for _, f := range result.Environment {
		if f.Name == schema.ParamRecalibratedFrom {
			t.Errorf("%s is judged and told again beside: %+v", f.Name, f)
		}
	}
}

// pack registers a package of a run, whose calibration is given.
func pack(t *testing.T, s experimenttest.Stores, runID, calibration string) {
	t.Helper()
	r := registry.Registry{Store: s.Objects, NotFound: objstore.ErrNotFound}
	version, err := r.NextVersion(t.Context(), schemas.DefaultModel, runID)
	must(t, err)
	ref := schemas.PackageRef{Model: schemas.DefaultModel, Version: version, Digest: strings.Repeat("ab", 32), Prefix: "models/punctuality/1", Created: experimenttest.Begin}
	must(t, s.Objects.Put(t.Context(), ref.Prefix+"/calibration.json", []byte(calibration)))
	must(t, r.Register(t.Context(), ref))
}
