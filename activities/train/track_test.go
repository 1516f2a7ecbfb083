package train

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"puenktlich/internal/feature"
	"puenktlich/internal/objstore"
	"puenktlich/internal/testenv"
	"puenktlich/internal/warehouse"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Run answers what was written last; a notebook does not keep it.
func (n *notebook) Run(_ context.Context, runID string) (schema.Run, error) {
	return schema.Run{RunID: runID, Status: schema.RunFinished}, nil
}

// A run on record says from what it can be made again, what it cost, who wanted
// it and why, and what it left behind.
func TestARunIsOnRecord(t *testing.T) {
	t.Parallel()
	objects, err := objstore.Open(t.Context(), objstore.Options(testenv.S3(t)))
	must(t, err)
	db, err := warehouse.Open(warehouse.Options(testenv.ClickHouse(t)))
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	_, err = db.Migrate(t.Context())
	must(t, err)
	a := &Activities{Library: openOnce, Objects: objects, Runs: db, Clock: fixedClock(noon), CodeVersion: "test", NotFound: objstore.ErrNotFound, Corrupt: objstore.ErrCorrupt}
	in := schemas.CandidateInput{Model: "punctuality", Dataset: sealed(t, objects, 12), RunID: "run-1", Seed: 5, Actor: "anna", Reason: "try",
		Days:      schemas.DayRange{From: "2024-10-29", To: "2024-11-01"},
		Candidate: schemas.Candidate{Name: "small", Rounds: 5, MaxDepth: 2, LearningRate: 0.3, MinChild: 1, Subsample: 1, ColSample: 1, Lambda: 1}}
	judged, err := a.TrainCandidate(t.Context(), in)
	must(t, err)
	run, err := db.Run(t.Context(), "run-1")
	must(t, err)
	if run.Status != schema.RunFinished || run.Actor != "anna" || run.Reason != "try" || run.FeatureVersion != feature.Version() || run.Artifacts[schema.ArtifactOutOfFold] != judged.OutOfFold.Key {
		t.Errorf("%+v", run)
	}
	if run.DurationSeconds <= 0 || run.PeakMemoryBytes < 1<<20 || run.Environment["xgboost"] == "" || run.Environment["threads"] == "" || run.Environment["cpus"] == "" {
		t.Errorf("cost %v s, %d bytes, environment %v", run.DurationSeconds, run.PeakMemoryBytes, run.Environment)
	}
	var recipe schemas.Recipe
	must(t, json.Unmarshal([]byte(run.Recipe), &recipe))
	if recipe.Candidate != in {
		t.Errorf("recipe %+v, want %+v", recipe.Candidate, in)
	}
	params, err := db.RunParams(t.Context(), "run-1")
	must(t, err)
	var texts []string
	for _, p := range params {
		texts = append(texts, p.Name+"="+p.Value)
	}
	if all := strings.Join(texts, " "); !strings.Contains(all, "learning_rate=0.3 max_depth=2") || !strings.Contains(all, "train_days=2024-10-29/2024-11-01") {
		t.Errorf("parameters %s", all)
	}
	trained, err := a.RefitModel(t.Context(), schemas.RefitInput{Model: "punctuality", Dataset: in.Dataset, Days: in.Days, Best: judged, Seed: 5})
	must(t, err)
	refit, err := db.Run(t.Context(), "run-1")
	must(t, err)
	if refit.Artifacts[schema.ArtifactLearned] != trained.Artefact.Key || refit.Artifacts[schema.ArtifactOutOfFold] != judged.OutOfFold.Key ||
		refit.DurationSeconds <= run.DurationSeconds || refit.Recipe != run.Recipe || refit.Actor != "anna" {
		t.Errorf("after the training on all days: %+v", refit)
	}
}

// Nested parameters keep their names and numbers as they were written.
func TestFlatten(t *testing.T) {
	t.Parallel()
	params := map[string]string{}
	flatten(params, "", map[string]any{"a": json.Number("0.30"), "b": map[string]any{"c": true, "d": map[string]any{"e": "x"}}, "f": []any{"y", json.Number("1")}})
	want := map[string]string{"a": "0.30", "b.c": "true", "b.d.e": "x", "f": `["y",1]`}
	for name, value := range want {
		if params[name] != value {
			t.Errorf("%s is %q, want %q", name, params[name], value)
		}
	}
	if len(params) != len(want) {
		t.Errorf("parameters %v", params)
	}
}
