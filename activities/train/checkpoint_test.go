package train

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"puenktlich/internal/learn/xgb"
	"puenktlich/internal/objstore"
	"puenktlich/internal/testenv"
	"puenktlich/schemas"
)

// worker is the activities over a real object store that can be told to break.
type worker struct {
	*Activities
	store *breaking
	runs  *notebook
}

// breaking is an object store whose writes fail from some write on.
type breaking struct {
	*objstore.Store
	mu     sync.Mutex
	writes []string // keys
	fail   func(key string, n int) error
}

func (b *breaking) write(key string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.writes = append(b.writes, key)
	if b.fail == nil {
		return nil
	}
	return b.fail(key, len(b.writes))
}

func (b *breaking) PutContent(ctx context.Context, prefix, suffix string, body []byte) (schemas.ObjectRef, error) {
	if err := b.write(prefix + suffix); err != nil {
		return schemas.ObjectRef{}, err
	}
	return b.Store.PutContent(ctx, prefix, suffix, body)
}

func (b *breaking) PutIfAbsent(ctx context.Context, key string, body []byte) error {
	if err := b.write(key); err != nil {
		return err
	}
	return b.Store.PutIfAbsent(ctx, key, body)
}

func newWorker(t *testing.T) worker {
	t.Helper()
	objects, err := objstore.Open(t.Context(), objstore.Options(testenv.S3(t)))
	must(t, err)
	w := worker{store: &breaking{Store: objects}, runs: &notebook{}}
	w.Activities = &Activities{Library: openOnce, Objects: w.store, NotFound: objstore.ErrNotFound, Corrupt: objstore.ErrCorrupt,
		Runs: w.runs, Clock: fixedClock(noon), CodeVersion: "test"}
	return w
}

// keys are the objects under a prefix.
func (w worker) keys(t *testing.T, prefix string) []string {
	t.Helper()
	objects, err := w.store.List(t.Context(), prefix)
	must(t, err)
	var keys []string
	for _, o := range objects {
		keys = append(keys, o.Key)
	}
	return keys
}

// drawing draws rows and columns in every round.
func drawing(data schemas.DatasetRef, run string) schemas.CandidateInput {
	return schemas.CandidateInput{Model: "punctuality", Dataset: data, RunID: run, Seed: 5, SegmentRounds: 3,
		Candidate: schemas.Candidate{Name: "small", Rounds: 10, MaxDepth: 3, LearningRate: 0.3, MinChild: 1, Subsample: 0.7, ColSample: 0.5, Lambda: 1}}
}

// outcome is everything a training leaves behind, by content.
func outcome(t *testing.T, w worker, in schemas.CandidateInput) (oof, learned string) {
	t.Helper()
	candidate, err := w.TrainCandidate(t.Context(), in)
	must(t, err)
	trained, err := w.RefitModel(t.Context(), schemas.RefitInput{Model: in.Model, Dataset: in.Dataset, Best: candidate, Seed: in.Seed, SegmentRounds: in.SegmentRounds})
	must(t, err)
	return candidate.OutOfFold.SHA256, trained.Artefact.SHA256
}

var errFull = fmt.Errorf("write: %w", objstore.ErrNoSpace)

// Every third write of a training fails once, each in a run of its own: the error is
// clear and may be retried, and the retry ends with the same bytes as a run
// without trouble.
func TestDiskFullDuringCheckpoint(t *testing.T) {
	t.Parallel()
	w := newWorker(t)
	data := sealed(t, w.store.Store, 12)
	oof, learned := outcome(t, w, drawing(data, "smooth"))
	writes := len(w.store.writes)
	require.GreaterOrEqual(t, writes, 2*3*2, "two folds of three whole segments, a model and a manifest each")
	for n := 1; n <= writes; n += 3 {
		run := fmt.Sprintf("trouble-%d", n)
		w.store.writes, w.store.fail = nil, func(_ string, i int) error {
			if i == n {
				return errFull
			}
			return nil
		}
		in := drawing(data, run)
		candidate, err := w.TrainCandidate(t.Context(), in)
		refit := schemas.RefitInput{Model: in.Model, Dataset: in.Dataset, Best: candidate, Seed: in.Seed, SegmentRounds: in.SegmentRounds}
		if err == nil {
			_, err = w.RefitModel(t.Context(), refit)
		}
		require.ErrorIs(t, err, objstore.ErrNoSpace, "write %d", n)
		require.False(t, isFinal(err), "a retry may help: %v", err)
		again, same := outcome(t, w, in)
		require.Equal(t, []string{oof, learned}, []string{again, same}, "write %d failed", n)
	}
}

// A training that was cut off between two segments goes on from its newest
// checkpoint: it writes only the later ones.
func TestKilledTrainingGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorker(t)
	data := sealed(t, w.store.Store, 12)
	oof, learned := outcome(t, w, drawing(data, "smooth"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w.store.fail = func(key string, _ int) error {
		if strings.Contains(key, "/fold-2-") && strings.HasSuffix(key, "/0002.json") {
			cancel() // as the process ends: the manifest is never written
			return ctx.Err()
		}
		return nil
	}
	_, err := w.TrainCandidate(ctx, drawing(data, "killed"))
	require.ErrorIs(t, err, context.Canceled)
	w.store.writes, w.store.fail = nil, nil
	again, same := outcome(t, w, drawing(data, "killed"))
	require.Equal(t, []string{oof, learned}, []string{again, same})
	for _, key := range w.store.writes {
		require.NotContains(t, key, "/fold-1-", "the first fold was whole")
		require.False(t, strings.Contains(key, "/fold-2-") && strings.HasSuffix(key, "/0001.json"), "its first segment was whole: %s", key)
	}
	manifests := slices.DeleteFunc(w.keys(t, "runs/killed/checkpoints/"), func(key string) bool { return strings.Contains(key, ".model.json") })
	require.Len(t, manifests, 2*3+3, "three segments a fold and on all days")
}

// A later rung goes on from the checkpoints of the first, and ends where a
// training of that many rounds ends.
func TestRungsShareCheckpoints(t *testing.T) {
	t.Parallel()
	w := newWorker(t)
	data := sealed(t, w.store.Store, 12)
	whole, err := w.TrainCandidate(t.Context(), drawing(data, "whole"))
	must(t, err)
	in := drawing(data, "first")
	in.Rung, in.Rounds = 1, 4 // two whole segments of three
	first, err := w.TrainCandidate(t.Context(), in)
	must(t, err)
	require.False(t, first.Finished)
	require.Equal(t, 2*6, first.RoundsTrained)
	in.Rung, in.Rounds, in.RunID, w.store.writes = 2, 0, schemas.RungID("first", 2), nil
	second, err := w.TrainCandidate(t.Context(), in)
	must(t, err)
	require.Equal(t, whole.OutOfFold.SHA256, second.OutOfFold.SHA256)
	require.True(t, second.Finished)
	require.False(t, slices.ContainsFunc(w.store.writes, func(key string) bool { return strings.HasSuffix(key, "/0002.json") }), "%v", w.store.writes)
}

// What lies where a checkpoint should and is not one is named, and not trained
// from.
func TestSpoiledCheckpoints(t *testing.T) {
	t.Parallel()
	w := newWorker(t)
	data := sealed(t, w.store.Store, 12)
	tests := map[string]struct {
		spoil func(key string, body []byte) []byte
		part  string // of the keys that are spoiled
		want  string
	}{
		"no manifest at all": {func(string, []byte) []byte { return []byte("<html>") }, "/0003.json", "/0003.json is not one of this training"},
		"half a manifest":    {func(_ string, b []byte) []byte { return b[:len(b)/2] }, "/0003.json", "/0003.json is not one of this training"},
		"an unknown field":   {func(_ string, b []byte) []byte { return append([]byte(`{"of":1,`), b[1:]...) }, "/0003.json", `unknown field "of"`},
		"another input": {func(_ string, b []byte) []byte {
			return []byte(strings.Replace(string(b), `"input":"`, `"input":"0`, 1))
		}, "/0003.json", "input 0"},
		"one of other rounds": {func(_ string, b []byte) []byte {
			return []byte(strings.Replace(string(b), `"rounds":9`, `"rounds":6`, 1))
		}, "/0003.json", "6 rounds: want"},
		"another model file": {func(string, []byte) []byte { return []byte(`{"learner":{}}`) }, ".model.json", "is not one of this training"},
		"a loss is left out": {func(_ string, b []byte) []byte {
			return []byte(strings.Replace(string(b), `"train_log_loss":[`, `"train_log_loss":[0.5,`, 1))
		}, "/0003.json", "it has 10 and 9 losses for 9 rounds"},
		"half of a model file": {func(_ string, b []byte) []byte { return b[:len(b)/2] }, ".model.json", "is not one of this training"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			run := strings.ReplaceAll(name, " ", "-")
			_, err := w.TrainCandidate(t.Context(), drawing(data, run))
			must(t, err)
			for _, key := range w.keys(t, "runs/"+run+"/checkpoints/") {
				if !strings.Contains(key, test.part) {
					continue
				}
				body, _, err := w.store.Get(t.Context(), key)
				must(t, err)
				must(t, w.store.Put(t.Context(), key, test.spoil(key, body)))
			}
			_, err = w.TrainCandidate(t.Context(), drawing(data, run))
			var said *temporal.ApplicationError
			require.True(t, errors.As(err, &said) && said.NonRetryable(), "%v", err)
			require.Contains(t, said.Message(), test.want)
		})
	}
}

// A training of other data, features or library never finds these checkpoints.
func TestCheckpointsBelongToTheirInput(t *testing.T) {
	t.Parallel()
	w := newWorker(t)
	library, err := openOnce()
	must(t, err)
	data := schemas.DatasetRef{Manifest: schemas.ObjectRef{SHA256: "a"}}
	hashes := map[string]bool{inputHash(data, schemas.DayRange{}, library): true, inputHash(data, schemas.DayRange{From: "2024-10-29"}, library): true}
	data.Manifest.SHA256 = "b"
	hashes[inputHash(data, schemas.DayRange{}, library)] = true
	require.Len(t, hashes, 3)
	store := checkpoints{objects: w.store, notFound: objstore.ErrNotFound, corrupt: objstore.ErrCorrupt, run: "own", input: strings.Repeat("a", 64), segmentRounds: 2}
	state := xgb.State{Model: []byte("{}"), TrainLoss: []float64{0.5, 0.4}}
	must(t, store.Save(t.Context(), "fold-1", state))
	must(t, store.Save(t.Context(), "fold-1", state))
	found, err := store.Latest(t.Context(), "fold-1", 2)
	must(t, err)
	require.Equal(t, state, *found)
	found, err = store.Latest(t.Context(), "fold-1", 1)
	require.True(t, found == nil && err == nil, "a state of more rounds than asked for: %v, %v", found, err)
	state.TrainLoss[1] = 0.3
	require.ErrorContains(t, store.Save(t.Context(), "fold-1", state), "another training of the same input wrote another state")
	other := store
	other.input = strings.Repeat("b", 64)
	found, err = other.Latest(t.Context(), "fold-1", 10)
	require.True(t, found == nil && err == nil)
}
