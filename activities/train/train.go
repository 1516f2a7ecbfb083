// Package train holds the activities that learn: candidates judged by forward
// chaining inside the training days, and the chosen one trained on all of them.
package train

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"

	"puenktlich/activities/failure"
	"puenktlich/internal/dataset"
	"puenktlich/internal/feature"
	"puenktlich/internal/forecast"
	"puenktlich/internal/learn"
	"puenktlich/internal/learn/xgb"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Clock tells domain time.
type Clock interface{ Now() time.Time }

// Objects keeps artefacts by their content.
type Objects interface {
	dataset.Objects
	PutContent(ctx context.Context, prefix, suffix string, body []byte) (schemas.ObjectRef, error)
}

// Runs tracks experiments.
type Runs interface {
	SaveRun(ctx context.Context, run schema.Run) error
	SaveParams(ctx context.Context, token string, params []schema.RunParam) error
	SaveMetrics(ctx context.Context, token string, metrics []schema.RunMetric) error
}

// Activities are the steps of training. All fields are required.
type Activities struct {
	Library func() (*xgb.Library, error)
	Objects Objects
	Runs    Runs
	Clock   Clock
	// CodeVersion is recorded with every run.
	CodeVersion string
}

// heartbeatEvery is well below the heartbeat timeout of a training.
const heartbeatEvery = 5 * time.Second

// TrainCandidate judges one candidate on out-of-fold predictions.
func (a *Activities) TrainCandidate(ctx context.Context, in schemas.CandidateInput) (schemas.CandidateResult, error) {
	result := schemas.CandidateResult{RunID: in.RunID, Candidate: in.Candidate}
	table, trainer, stop, err := a.begin(ctx, in.Dataset, in.Days)
	defer stop()
	if err != nil {
		return result, err
	}
	started := a.Clock.Now()
	if err := a.track(ctx, in, started, schema.RunRunning, ""); err != nil {
		return result, err
	}
	oof, err := trainer.CrossValidate(ctx, table, settings(in.Candidate, in.Seed))
	if err != nil {
		if ctx.Err() != nil {
			return result, ctx.Err()
		}
		if err := a.track(ctx, in, started, schema.RunFailed, err.Error()); err != nil {
			return result, err
		}
		return result, failure.Validation("candidate %s: %v", in.Candidate.Name, err)
	}
	body, err := json.Marshal(oof)
	if err != nil {
		return result, fmt.Errorf("keep out-of-fold predictions: %w", err)
	}
	if result.OutOfFold, err = a.Objects.PutContent(ctx, "runs/"+in.RunID+"/out-of-fold/", ".json", body); err != nil {
		return result, fmt.Errorf("keep out-of-fold predictions: %w", err)
	}
	result.Rounds, result.Folds, result.Events = oof.Rounds, oof.Folds, oof.Events
	result.Brier, result.LogLoss = orZero(oof.Scores())
	return result, a.finish(ctx, in, result, started)
}

// orZero replaces the scores of a candidate without a fold, which do not exist
// and would not survive JSON; Folds says so.
func orZero(brier, logLoss float64) (float64, float64) {
	if math.IsNaN(brier) {
		return 0, 0
	}
	return brier, logLoss
}

// RefitModel trains the chosen candidate on all days and stores what was
// learned. The same input gives the same bytes.
func (a *Activities) RefitModel(ctx context.Context, in schemas.RefitInput) (schemas.TrainedModel, error) {
	trained := schemas.TrainedModel{RunID: in.Best.RunID, Model: in.Model, Dataset: in.Dataset, Days: in.Days,
		Candidate: in.Best.Candidate, Rounds: in.Best.Rounds, Seed: in.Seed, ValidBrier: in.Best.Brier}
	table, trainer, stop, err := a.begin(ctx, in.Dataset, in.Days)
	defer stop()
	if err != nil {
		return trained, err
	}
	body, err := a.Objects.GetContent(ctx, in.Best.OutOfFold)
	if err != nil {
		return trained, fmt.Errorf("read out-of-fold predictions: %w", err)
	}
	var oof learn.OutOfFold
	if err := json.Unmarshal(body, &oof); err != nil {
		return trained, failure.Integrity(err, "out-of-fold predictions %s", in.Best.OutOfFold.Key)
	}
	artefact, err := trainer.Refit(ctx, table, settings(in.Best.Candidate, in.Seed), oof)
	if err != nil {
		if ctx.Err() != nil {
			return trained, ctx.Err()
		}
		return trained, failure.Validation("train %s: %v", in.Best.Candidate.Name, err)
	}
	learned, err := a.complete(artefact, table, trainer.Library)
	if err != nil {
		return trained, err
	}
	trained.Events = learned.Baselines.Events
	body, err = json.Marshal(learned)
	if err != nil {
		return trained, fmt.Errorf("store trained model: %w", err)
	}
	trained.Artefact, err = a.Objects.PutContent(ctx, "runs/"+trained.RunID+"/learned/", ".json", body)
	return trained, err
}

// complete adds baselines and drift references to the trees.
func (a *Activities) complete(artefact forecast.Artefact, table *dataset.Table, library *xgb.Library) (learn.Learned, error) {
	baselines, err := learn.FitBaselines(table.Ran())
	if err != nil {
		return learn.Learned{}, failure.Validation("%v", err)
	}
	learned := learn.Learned{Artefact: artefact, Baselines: baselines, Environment: map[string]string{
		"xgboost": library.Version(), "threads": strconv.Itoa(learn.Threads), "code": a.CodeVersion}}
	for j, name := range table.Names {
		reference, known, err := referenceOf(table, j, name)
		if err != nil {
			return learn.Learned{}, err
		}
		if known {
			learned.References = append(learned.References, reference)
		}
	}
	return learned, nil
}

// begin loads the data set, checks that it fits, and starts heartbeats; stop
// ends them and may always be called.
func (a *Activities) begin(ctx context.Context, ref schemas.DatasetRef, days schemas.DayRange) (*dataset.Table, learn.Trainer, func(), error) {
	beat := newBeat(ctx)
	library, err := a.Library()
	if err != nil {
		return nil, learn.Trainer{}, beat.stop, fmt.Errorf("train: %w", err)
	}
	if ref.FeatureVersion != feature.Version() {
		return nil, learn.Trainer{}, beat.stop, failure.Validation("train: data set %s was made with features %s, this worker has %s: prepare it anew", ref.ID, ref.FeatureVersion, feature.Version())
	}
	table, _, err := dataset.LoadTraining(ctx, a.Objects, ref, days)
	if dataset.Unfit(err) {
		return nil, learn.Trainer{}, beat.stop, failure.Validation("train: %v", err)
	}
	if err != nil {
		return nil, learn.Trainer{}, beat.stop, fmt.Errorf("train: %w", err)
	}
	return table, learn.Trainer{Library: library, Progress: beat.report}, beat.stop, nil
}

func settings(c schemas.Candidate, seed uint64) learn.Settings {
	return learn.Settings{Rounds: c.Rounds, MaxDepth: c.MaxDepth, LearningRate: c.LearningRate, MinChild: c.MinChild,
		Subsample: c.Subsample, ColSample: c.ColSample, Lambda: c.Lambda, Seed: seed}
}

// beat heartbeats on a ticker with the latest sentence of progress.
type beat struct {
	latest atomic.Value
	done   chan struct{}
}

func newBeat(ctx context.Context) *beat {
	b := &beat{done: make(chan struct{})}
	b.latest.Store("loading data set")
	if !activity.IsActivity(ctx) {
		return b
	}
	go func() {
		ticker := time.NewTicker(heartbeatEvery)
		defer ticker.Stop()
		for {
			activity.RecordHeartbeat(ctx, b.latest.Load())
			select {
			case <-ticker.C:
			case <-b.done:
				return
			}
		}
	}()
	return b
}

func (b *beat) report(what string, share float64) {
	b.latest.Store(fmt.Sprintf("%.0f %%: %s", 100*share, what))
}

func (b *beat) stop() { close(b.done) }
