package evaluate

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.temporal.io/sdk/temporal"

	"puenktlich/internal/champion"
	"puenktlich/internal/dataset"
	"puenktlich/internal/drift"
	"puenktlich/internal/feature"
	"puenktlich/internal/forecast"
	"puenktlich/internal/learn"
	"puenktlich/internal/modelpkg"
	"puenktlich/internal/objstore"
	"puenktlich/internal/rail"
	"puenktlich/internal/registry"
	"puenktlich/internal/serving/servingtest"
	"puenktlich/internal/testenv"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// workshop is real storage with a champion: the tiny model, trained until October.
type workshop struct {
	*Activities
	t     *testing.T
	runs  *notebook
	first schemas.PackageRef
}

func newWorkshop(t *testing.T) *workshop {
	t.Helper()
	objects, err := objstore.Open(t.Context(), objstore.Options(testenv.S3(t)))
	must(t, err)
	key, err := modelpkg.LoadOrCreateKey(filepath.Join(t.TempDir(), "key.pem"))
	must(t, err)
	r := registry.Registry{Store: objects, NotFound: objstore.ErrNotFound}
	w := &workshop{t: t, runs: &notebook{settled: settledDays()}}
	w.first = promote(t, objects, r, key)
	w.Activities = &Activities{Objects: objects, Store: w.runs, Clock: noon, NotFound: objstore.ErrNotFound, Name: "test", CodeVersion: "v1",
		Champions: &champion.Loader{Registry: r, Objects: objects, Keys: []modelpkg.PublicKey{key.Public()}, Dir: t.TempDir()}}
	return w
}

// settledDays are the last three of training and six after it; the clock stands on
// the first of November, which is not over.
func settledDays() []string {
	var days []string
	for _, d := range rail.Days("2024-10-23", "2024-11-02") {
		days = append(days, string(d))
	}
	return days
}

// promote makes a package of the tiny model champion.
func promote(t *testing.T, objects *objstore.Store, r registry.Registry, key *modelpkg.Key) schemas.PackageRef {
	t.Helper()
	_, err := r.NextVersion(t.Context(), schemas.DefaultModel, "run-1")
	must(t, err)
	baselines, err := json.Marshal(servingtest.Baselines())
	must(t, err)
	golden, err := modelpkg.Golden(model(t), make([]float32, feature.Width()), 60)
	must(t, err)
	reference, err := drift.NewReference(feature.Names()[0], []float64{1, 2, 3}, 2)
	must(t, err)
	sample, err := servingtest.Sample().Encode()
	must(t, err)
	dir := filepath.Join(t.TempDir(), "package")
	digest, err := modelpkg.Build(dir, modelpkg.Contents{Name: schemas.DefaultModel, Version: 1, Created: noon.Now(), Artefact: servingtest.Artefact(), Baselines: baselines,
		References: []drift.Reference{reference}, Golden: []modelpkg.GoldenRow{golden}, Sample: sample, Provenance: []schemas.Provenance{{Source: "a test", Licence: "none"}},
		Trained: schemas.TrainedModel{RunID: "run-1", Model: schemas.DefaultModel, Events: 900, Dataset: schemas.DatasetRef{ID: "d0"}, Days: schemas.DayRange{From: "2024-10-01", To: "2024-10-26"}}})
	must(t, err)
	must(t, modelpkg.Sign(dir, key))
	ref := schemas.PackageRef{Model: schemas.DefaultModel, Version: 1, Digest: digest, Prefix: "models/punctuality/1", Created: noon.Now()}
	_, err = modelpkg.Upload(t.Context(), objects, dir, ref.Prefix)
	must(t, err)
	must(t, r.Register(t.Context(), ref))
	_, _, err = r.Switch(t.Context(), schemas.SwitchInput{Model: ref.Model, Package: ref, Actor: "test", Reason: "first", At: noon.Now(), Token: "t"})
	must(t, err)
	return ref
}

// seal stores days on which the tiny model is right but for the base rate: P(late) is
// late[0] where punctuality is announced and late[1] where nine minutes are.
func (w *workshop) seal(late [2]float64) schemas.DatasetRef {
	w.t.Helper()
	random := rand.New(rand.NewPCG(4, 2))
	manifest := schemas.DatasetManifest{ID: "d1", Horizons: []int{60, 5}, AsOf: noon.Now()}
	for _, day := range rail.Days("2024-10-26", "2024-11-01") {
		rows := table()
		for i := range 500 {
			e := event{day: day, eva: int64(i % 5), hour: i % 24, category: "RE", announced: 9 * (i % 2)}
			if random.Float64() < late[i%2] {
				e.delay = 9
			}
			put(rows, e)
		}
		manifest.Parts = append(manifest.Parts, schemas.DatasetPart{Day: string(day), Object: w.keep("parts/", rows)})
	}
	body, err := json.Marshal(manifest)
	must(w.t, err)
	ref, err := w.Objects.PutContent(w.t.Context(), "manifests/", ".json", body)
	must(w.t, err)
	return schemas.DatasetRef{ID: "d1", Manifest: ref, Days: schemas.DayRange{From: "2024-10-26", To: "2024-11-01"}, FeatureVersion: feature.Version()}
}

func (w *workshop) keep(prefix string, rows *dataset.Table) schemas.ObjectRef {
	body, err := rows.Encode()
	must(w.t, err)
	ref, err := w.Objects.PutContent(w.t.Context(), prefix, ".parquet", body)
	must(w.t, err)
	return ref
}

// Log odds of being late moved by +1.2 on both sides: P(late) of the tiny model is
// 0.268941 and 0.731059, in truth it is 1/(1+e^(1-1.2)) = 0.549834 and 0.900250.
func TestRecalibrateAfterTheBaseRateMoved(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	plan, err := w.PlanRecalibration(t.Context(), schemas.RecalibrateInput{Model: schemas.DefaultModel})
	must(t, err)
	want := schemas.RecalibratePlan{Package: w.first, Trained: schemas.DayRange{From: "2024-10-01", To: "2024-10-26"},
		Days: schemas.DayRange{From: "2024-10-26", To: "2024-10-31"}, Test: schemas.DayRange{From: "2024-10-31", To: "2024-11-01"}, AsOf: noon.Now()}
	if plan != want {
		t.Fatalf("plan %+v, want %+v", plan, want)
	}
	step := schemas.RecalibrateStep{Plan: plan, Dataset: w.seal([2]float64{0.549834, 0.900250}), RunID: "run-2",
		Actor: "anna", Reason: "the rate moved"}
	trained, err := w.Recalibrate(t.Context(), step)
	must(t, err)
	again, err := w.Recalibrate(t.Context(), step)
	must(t, err)
	if again.Artefact != trained.Artefact {
		t.Error("the same days give another calibration")
	}
	w.checkRecord(trained)
	w.checkRecipe(step, trained)
	w.checkTrees(trained)

	before := w.evaluate(w.original(), step.Dataset, plan.Test)
	after := w.evaluate(trained, step.Dataset, plan.Test)
	was, is := before.Horizons[0], after.Horizons[0]
	if was.ECE < 0.15 || is.ECE > 0.05 || is.ECE > is.ECEBand+0.02 || is.Brier >= was.Brier {
		t.Errorf("ECE %.4f before and %.4f after (band %.4f), Brier %.4f and %.4f", was.ECE, is.ECE, is.ECEBand, was.Brier, is.Brier)
	}
	if c := after.Comparison; c == nil || c.Verdict != schemas.VerdictNotEnoughDays || c.Overall.Within != schemas.VerdictBetter || c.Champion != w.first {
		t.Errorf("comparison %+v", c)
	}
	if !strings.Contains(strings.Join(after.Gate.Reasons, "\n"), "holds: better within these days only against the champion punctuality@1") {
		t.Errorf("gate %q", after.Gate.Reasons)
	}
}

// original is the champion as a trained model.
func (w *workshop) original() schemas.TrainedModel {
	body, err := json.Marshal(learn.Learned{Artefact: servingtest.Artefact(), Baselines: servingtest.Baselines()})
	must(w.t, err)
	ref, err := w.Objects.PutContent(w.t.Context(), "learned/", ".json", body)
	must(w.t, err)
	return schemas.TrainedModel{RunID: "run-1", Model: schemas.DefaultModel, Artefact: ref}
}

func (w *workshop) evaluate(trained schemas.TrainedModel, ref schemas.DatasetRef, days schemas.DayRange) schemas.EvaluateResult {
	w.t.Helper()
	result, err := w.EvaluateModel(w.t.Context(), schemas.EvaluateInput{Trained: trained, Dataset: ref, Days: days})
	must(w.t, err)
	return result
}

func (w *workshop) checkRecord(trained schemas.TrainedModel) {
	w.t.Helper()
	r := trained.Recalibrated
	if r == nil || r.From != w.first || r.Events != 2500 || len(r.Tried) != 5 || r.TrainedOn.ID != "d0" || r.LogLossFitted >= r.LogLossBefore {
		w.t.Fatalf("record %+v", r)
	}
	if trained.RunID != "run-2" || trained.Events != 900 || trained.Dataset.ID != "d1" || trained.Days.To != "2024-10-26" {
		w.t.Errorf("trained %+v", trained)
	}
	if w.runs.run.Algorithm != "recalibration" || w.runs.params["recalibrated_from"] != w.first.Digest || w.runs.metrics["oof_log_loss_none"] <= w.runs.metrics["oof_log_loss_platt_pooled"] {
		w.t.Errorf("tracked as %+v, %v, %v", w.runs.run, w.runs.params, w.runs.metrics)
	}
}

// checkRecipe reads what the run on record can be made from again, who wanted it and
// what it left behind.
func (w *workshop) checkRecipe(step schemas.RecalibrateStep, trained schemas.TrainedModel) {
	w.t.Helper()
	run := w.runs.run
	var recipe schemas.Recipe
	must(w.t, json.Unmarshal([]byte(run.Recipe), &recipe))
	if recipe.Recalibrate == nil || *recipe.Recalibrate != step || recipe.Candidate != (schemas.CandidateInput{}) {
		w.t.Errorf("recipe %s", run.Recipe)
	}
	want := schemas.PrepareInput{Days: schemas.DayRange{From: "2024-10-26", To: "2024-11-01"}, Horizons: []int{60, 5}, AsOf: noon.Now()}
	if asked := recipe.Prepare; asked.Days != want.Days || !slices.Equal(asked.Horizons, want.Horizons) || !asked.AsOf.Equal(want.AsOf) {
		w.t.Errorf("the recipe prepares %+v, want %+v", asked, want)
	}
	if run.FeatureVersion != feature.Version() || run.Actor != "anna" || run.Reason != "the rate moved" || run.Artifacts[schema.ArtifactLearned] != trained.Artefact.Key ||
		run.DurationSeconds <= 0 || run.PeakMemoryBytes < 1<<20 || run.Environment["cpus"] == "" {
		w.t.Errorf("on record as %+v", run)
	}
}

// checkTrees compares what was learned with what the champion is made of.
func (w *workshop) checkTrees(trained schemas.TrainedModel) {
	w.t.Helper()
	learned, err := w.load(w.t.Context(), trained)
	must(w.t, err)
	var want, got bytes.Buffer
	must(w.t, json.Compact(&want, servingtest.Artefact().Buckets))
	must(w.t, json.Compact(&got, learned.Artefact.Buckets))
	if !bytes.Equal(got.Bytes(), want.Bytes()) || len(learned.References) != 2 || learned.Environment["recalibrated_from"] != w.first.Digest {
		w.t.Error("the trees or the references changed")
	}
	m, err := forecast.Load(learned.Artefact)
	must(w.t, err)
	vector := make([]float32, feature.Width())
	d, err := m.Forecast(vector, 60)
	must(w.t, err)
	if abs(d.Late()-0.549834) > 0.03 {
		w.t.Errorf("P(late) %v where punctuality is announced, want about 0.55", d.Late())
	}
	if b := learned.Baselines; abs(b.Rate-0.725) > 0.02 || b.Events != 2500 {
		w.t.Errorf("baselines do not know the present rate: %+v", b)
	}
}

func TestRecalibrationIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	day := func(from, to string) schemas.DayRange { return schemas.DayRange{From: from, To: to} }
	for _, tt := range []struct {
		name    string
		in      schemas.RecalibrateInput
		settled []string
		kind    schemas.FailureType
		want    string
	}{
		{"one day", schemas.RecalibrateInput{}, []string{"2024-10-25", "2024-10-26", "2024-11-01"}, schemas.FailureNothingToDo,
			"1 whole settled days of the test lie after 2024-10-01/2024-10-26, the days that the trees of punctuality@1 were trained on: at least two are needed"},
		{"days alone", schemas.RecalibrateInput{Days: day("2024-10-27", "2024-10-28")}, nil, schemas.FailureInvalidInput, "give days and test, or neither"},
		{"training days", schemas.RecalibrateInput{Days: day("2024-10-25", "2024-10-28"), Test: day("2024-10-28", "2024-10-29")}, nil, schemas.FailureInvalidInput, "calibration days 2024-10-25/2024-10-28 begin before the training days"},
		{"the same days", schemas.RecalibrateInput{Days: day("2024-10-26", "2024-10-28"), Test: day("2024-10-27", "2024-10-29")}, nil, schemas.FailureInvalidInput, "test days 2024-10-27/2024-10-29 begin before calibration days 2024-10-26/2024-10-28 end"},
		{"no days", schemas.RecalibrateInput{Days: day("2024-10-26", "2024-10-26"), Test: day("2024-10-27", "2024-10-29")}, nil, schemas.FailureInvalidInput, `recalibrate: days "2024-10-26/2024-10-26"`},
		{"gone", schemas.RecalibrateInput{Package: schemas.PackageRef{Model: "punctuality", Version: 9, Digest: strings.Repeat("ab", 32), Prefix: "models/none"}}, nil, schemas.FailureNotFound, "recalibrate punctuality@9"},
		{"no champion", schemas.RecalibrateInput{Model: "other"}, nil, schemas.FailureNothingToDo, "model other: no champion yet: run RunLifecycle first"},
	} {
		a := *w.Activities
		a.Store = &notebook{settled: tt.settled}
		if tt.in.Model == "" {
			tt.in.Model = schemas.DefaultModel
		}
		_, err := a.PlanRecalibration(t.Context(), tt.in)
		w.refused(tt.name, err, tt.kind, tt.want)
	}
	given, err := w.PlanRecalibration(t.Context(), schemas.RecalibrateInput{Model: schemas.DefaultModel, Days: day("2024-10-26", "2024-10-28"), Test: day("2024-10-30", "2024-10-31")})
	if err != nil || given.Days.To != "2024-10-28" || given.Test.From != "2024-10-30" {
		t.Errorf("given days: %+v, %v", given, err)
	}
}

func TestDaysNothingCanBeCalibratedOn(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	plan := schemas.RecalibratePlan{Package: w.first, Days: schemas.DayRange{From: "2024-10-26", To: "2024-10-27"}}
	_, err := w.Recalibrate(t.Context(), schemas.RecalibrateStep{Plan: plan, Dataset: w.seal([2]float64{0, 0}), RunID: "r"})
	w.refused("one class", err, schemas.FailureValidation, "recalibrate punctuality@1 on 2024-10-26/2024-10-27: 500 of 500 rows were on time")
	plan.Days = schemas.DayRange{From: "2024-11-20", To: "2024-11-21"}
	_, err = w.Recalibrate(t.Context(), schemas.RecalibrateStep{Plan: plan, Dataset: w.seal([2]float64{0, 0}), RunID: "r"})
	w.refused("no day", err, schemas.FailureNothingToDo, "no part in the range 2024-11-20/2024-11-21")

	few := table()
	for i := range 99 {
		put(few, event{day: "2024-10-26", category: "RE", delay: 9 * (i % 2)})
	}
	loaded, _, err := w.Champions.Champion(t.Context(), schemas.DefaultModel)
	must(t, err)
	if _, err := recalibrated(t.Context(), loaded, few, &schemas.Recalibration{}); err == nil || !strings.Contains(err.Error(), "99 events ran with an observed change, at least 100") {
		t.Errorf("error %v", err)
	}
}

// refused checks the kind and the sentence of an error that no retry mends.
func (w *workshop) refused(name string, err error, kind schemas.FailureType, want string) {
	w.t.Helper()
	expect(w.t, err, kind)
	if said, ok := err.(*temporal.ApplicationError); !ok || !strings.Contains(said.Message(), want) || strings.Contains(said.Message(), "\n") {
		w.t.Errorf("%s: %v, want one sentence with %q", name, err, want)
	}
}
