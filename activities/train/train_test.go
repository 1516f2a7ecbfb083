package train

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"puenktlich/internal/dataset"
	"puenktlich/internal/feature"
	"puenktlich/internal/forecast"
	"puenktlich/internal/learn"
	"puenktlich/internal/learn/xgb"
	"puenktlich/internal/objstore"
	"puenktlich/internal/rail"
	"puenktlich/internal/testenv"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

func TestMain(m *testing.M) { testenv.Main(m) }

type fixedClock time.Time

func (c fixedClock) Now() time.Time { return time.Time(c) }

var nan = float32(math.NaN())

var noon = time.Date(2024, 11, 1, 11, 0, 0, 0, time.UTC)

var openOnce = sync.OnceValues(func() (*xgb.Library, error) {
	path, err := xgb.Locate()
	if err != nil {
		return nil, err
	}
	return xgb.Open(path)
})

// notebook keeps what a run was tracked as.
type notebook struct {
	states  []schema.RunStatus
	params  map[string]string
	metrics map[string]float64
	steps   map[string]map[int64]float64 // of metrics that have steps
}

func (n *notebook) SaveRun(_ context.Context, run schema.Run) error {
	n.states = append(n.states, run.Status)
	return nil
}

func (n *notebook) SaveParams(_ context.Context, _ string, params []schema.RunParam) error {
	n.params = map[string]string{}
	for _, p := range params {
		n.params[p.Name] = p.Value
	}
	return nil
}

func (n *notebook) SaveMetrics(_ context.Context, _ string, metrics []schema.RunMetric) error {
	if n.metrics == nil {
		n.metrics, n.steps = map[string]float64{}, map[string]map[int64]float64{}
	}
	for _, m := range metrics {
		if m.Step == 0 {
			n.metrics[m.Name] = m.Value
			continue
		}
		if n.steps[m.Name] == nil {
			n.steps[m.Name] = map[int64]float64{}
		}
		n.steps[m.Name][m.Step] = m.Value
	}
	return nil
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sealed stores three days on which a train announced late has a delay, nine
// times of ten, and the third feature is never known.
func sealed(t *testing.T, objects *objstore.Store, delay int) schemas.DatasetRef {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	manifest := schemas.DatasetManifest{ID: "d1"}
	for _, day := range rail.Days("2024-10-29", "2024-11-01") {
		table := dataset.New(feature.Version(), feature.Names(), make([]string, feature.Width()))
		for i := range 150 {
			vector := make([]float32, feature.Width())
			row := dataset.Row{Stop: rail.StopID(fmt.Sprintf("%d-2410291000-1", i)), Kind: rail.Arrival, EventDay: day, Planned: day.Start().Add(time.Hour),
				Horizon: 60, Category: "RE", DBDelay: r.IntN(2) * 10, Evidence: rail.ChangeObserved}
			vector[slices.Index(feature.Names(), "forecast_delay")] = float32(row.DBDelay)
			vector[2] = nan
			if (row.DBDelay > 0) == (r.IntN(10) > 0) {
				row.DelayMinutes = delay
			}
			row.Stop = rail.StopID(fmt.Sprintf("%d-%s-1", i, rail.FormatTime(row.Planned)))
			table.Append(row, vector)
		}
		body, err := table.Encode()
		must(t, err)
		ref, err := objects.PutContent(t.Context(), "parts/", ".parquet", body)
		must(t, err)
		manifest.Parts = append(manifest.Parts, schemas.DatasetPart{Day: string(day), Object: ref})
	}
	body, err := json.Marshal(manifest)
	must(t, err)
	ref, err := objects.PutContent(t.Context(), "manifests/", ".json", body)
	must(t, err)
	return schemas.DatasetRef{ID: "d1", Manifest: ref, FeatureVersion: feature.Version()}
}

func sealedVersion() string { return feature.Version() }

func TestTraining(t *testing.T) {
	t.Parallel()
	objects, err := objstore.Open(t.Context(), objstore.Options(testenv.S3(t)))
	must(t, err)
	runs := &notebook{}
	a := &Activities{Library: openOnce, Objects: objects, NotFound: objstore.ErrNotFound, Corrupt: objstore.ErrCorrupt, Runs: runs, Clock: fixedClock(noon), CodeVersion: "test"}
	in := schemas.CandidateInput{Model: "punctuality", Dataset: sealed(t, objects, 12), RunID: "run-1", Seed: 5,
		Candidate: schemas.Candidate{Name: "small", Rounds: 10, MaxDepth: 3, LearningRate: 0.3, MinChild: 1, Subsample: 1, ColSample: 1, Lambda: 1}}
	candidate, err := a.TrainCandidate(t.Context(), in)
	must(t, err)
	// Knowing what was announced scores 0.09, the base rate 0.25.
	if candidate.Folds != 2 || candidate.Events != 300 || candidate.Brier < 0.05 || candidate.Brier > 0.15 {
		t.Errorf("%+v", candidate)
	}
	if !slices.Equal(runs.states, []schema.RunStatus{schema.RunRunning, schema.RunFinished}) || runs.params["max_depth"] != "3" || runs.metrics["oof_brier"] != candidate.Brier {
		t.Errorf("tracked %+v", runs)
	}
	refit := schemas.RefitInput{Model: "punctuality", Dataset: in.Dataset, Best: candidate, Seed: 5}
	trained, err := a.RefitModel(t.Context(), refit)
	must(t, err)
	again, err := a.RefitModel(t.Context(), refit)
	must(t, err)
	if trained != again || trained.Events != 450 || trained.RunID != "run-1" {
		t.Errorf("%+v, then %+v", trained, again)
	}
	body, err := objects.GetContent(t.Context(), trained.Artefact)
	must(t, err)
	var learned learn.Learned
	must(t, json.Unmarshal(body, &learned))
	if _, err := forecast.Load(learned.Artefact); err != nil {
		t.Error(err)
	}
	// A feature that is never known has nothing to be compared with.
	if len(learned.References) != feature.Width() || learned.Baselines.Events != 450 || learned.Environment["xgboost"] == "" {
		t.Errorf("%d references, %d events, %v", len(learned.References), learned.Baselines.Events, learned.Environment)
	}
}

func TestOtherFeaturesAreRefused(t *testing.T) {
	t.Parallel()
	a := &Activities{Library: openOnce, Clock: fixedClock(noon)}
	_, err := a.TrainCandidate(t.Context(), schemas.CandidateInput{Dataset: schemas.DatasetRef{ID: "d1", FeatureVersion: "f0-other"}})
	application, ok := err.(*temporal.ApplicationError)
	if !ok || application.Type() != string(schemas.FailureValidation) || !strings.Contains(err.Error(), "prepare it anew") {
		t.Errorf("error %v", err)
	}
}

// Nothing can be learned where every train is punctual: the run is on record as
// failed and is not tried again.
func TestOneOutcome(t *testing.T) {
	t.Parallel()
	objects, err := objstore.Open(t.Context(), objstore.Options(testenv.S3(t)))
	must(t, err)
	runs := &notebook{}
	a := &Activities{Library: openOnce, Objects: objects, NotFound: objstore.ErrNotFound, Corrupt: objstore.ErrCorrupt, Runs: runs, Clock: fixedClock(noon)}
	_, err = a.TrainCandidate(t.Context(), schemas.CandidateInput{Dataset: sealed(t, objects, 5), RunID: "run-1", Candidate: schemas.Candidate{Name: "small", Rounds: 5, MaxDepth: 3, LearningRate: 0.3, Subsample: 1, ColSample: 1}})
	application, ok := err.(*temporal.ApplicationError)
	if !ok || application.Type() != string(schemas.FailureValidation) || !strings.Contains(err.Error(), "candidate small: train: 0 of 450 rows are late: both outcomes are needed") {
		t.Errorf("error %v", err)
	}
	if !slices.Equal(runs.states, []schema.RunStatus{schema.RunRunning, schema.RunFailed}) {
		t.Errorf("tracked as %v", runs.states)
	}
}
