// Package train holds the activities that learn: candidates judged by forward
// chaining inside the training days, and the chosen one trained on all of them.
package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/temporal"

	"puenktlich/activities/beat"
	"puenktlich/activities/failure"
	"puenktlich/activities/meter"
	"puenktlich/internal/calibrate"
	"puenktlich/internal/dataset"
	"puenktlich/internal/feature"
	"puenktlich/internal/learn"
	"puenktlich/internal/learn/xgb"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Clock tells domain time.
type Clock interface{ Now() time.Time }

// Objects keeps artefacts by their content, and checkpoints.
type Objects interface {
	dataset.Objects
	PutContent(ctx context.Context, prefix, suffix string, body []byte) (schemas.ObjectRef, error)
	Get(ctx context.Context, key string) (body []byte, etag string, err error)
	// PutIfAbsent fails where there is an object.
	PutIfAbsent(ctx context.Context, key string, body []byte) error
	Delete(ctx context.Context, key string) error
}

// Runs tracks experiments.
type Runs interface {
	SaveRun(ctx context.Context, run schema.Run) error
	SaveParams(ctx context.Context, token string, params []schema.RunParam) error
	SaveMetrics(ctx context.Context, token string, metrics []schema.RunMetric) error
	Run(ctx context.Context, runID string) (schema.Run, error)
}

// Activities are the steps of training. All fields are required.
type Activities struct {
	Library func() (*xgb.Library, error)
	Objects Objects
	// NotFound and Corrupt are what Objects answers of an object that does not
	// exist, or is not what was written.
	NotFound, Corrupt error

	Runs  Runs
	Clock Clock
	// CodeVersion is recorded with every run.
	CodeVersion string
}

// TrainCandidate judges one candidate on out-of-fold predictions. Interrupted, it
// goes on from the last checkpoint of each fold. A candidate that cannot be
// trained is on record as failed, before its data is read where that is known.
func (a *Activities) TrainCandidate(ctx context.Context, in schemas.CandidateInput) (schemas.CandidateResult, error) {
	result := schemas.CandidateResult{RunID: in.RunID, Candidate: in.Candidate, Rung: in.Rung}
	if err := fits(in.Dataset); err != nil {
		return result, err
	}
	told := newProgress(ctx)
	defer told.stop()
	started := meter.Start(a.Clock.Now())
	if err := a.track(ctx, in, started, schema.RunRunning, ""); err != nil {
		return result, err
	}
	oof, err := a.judge(ctx, in, told)
	if err != nil {
		err = final(ctx, "candidate "+in.Candidate.Name, err)
		if isFinal(err) {
			if err := a.track(ctx, in, started, schema.RunFailed, message(err)); err != nil {
				return result, err
			}
		}
		return result, err
	}
	body, err := json.Marshal(oof)
	if err != nil {
		return result, fmt.Errorf("keep out-of-fold predictions: %w", err)
	}
	if result.OutOfFold, err = a.Objects.PutContent(ctx, "runs/"+in.RunID+"/out-of-fold/", ".json", body); err != nil {
		return result, fmt.Errorf("keep out-of-fold predictions: %w", err)
	}
	result.Rounds, result.Folds, result.Events = oof.Rounds, oof.Folds, oof.Events
	result.RoundsTrained, result.Finished = oof.Trained, oof.Finished
	result.Brier, result.LogLoss = orZero(oof.Scores())
	if err := a.saveCurves(ctx, in, oof.Curves); err != nil {
		return result, err
	}
	return result, a.finish(ctx, in, result, started)
}

// judge trains the folds.
func (a *Activities) judge(ctx context.Context, in schemas.CandidateInput, told *progress) (learn.OutOfFold, error) {
	s, err := Settings(in.Candidate, in.Seed, in.SegmentRounds)
	if err != nil {
		return learn.OutOfFold{}, err
	}
	s.Until = in.Rounds
	run := training{run: in.RunID, data: in.Dataset, days: in.Days, segmentRounds: s.SegmentRounds}
	source, trainer, err := a.begin(ctx, run, told)
	if err != nil {
		return learn.OutOfFold{}, err
	}
	return trainer.CrossValidate(ctx, source, s)
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
// learned. The same input gives the same bytes, interrupted or not.
func (a *Activities) RefitModel(ctx context.Context, in schemas.RefitInput) (schemas.TrainedModel, error) {
	trained := schemas.TrainedModel{RunID: in.Best.RunID, Model: in.Model, Dataset: in.Dataset, Days: in.Days,
		Candidate: in.Best.Candidate, Rounds: in.Best.Rounds, Seed: in.Seed, ValidBrier: in.Best.Brier}
	if err := fits(in.Dataset); err != nil {
		return trained, err
	}
	told := newProgress(ctx)
	defer told.stop()
	started := meter.Start(a.Clock.Now())
	body, err := a.Objects.GetContent(ctx, in.Best.OutOfFold)
	if err != nil {
		return trained, fmt.Errorf("read out-of-fold predictions: %w", err)
	}
	var oof learn.OutOfFold
	if err := json.Unmarshal(body, &oof); err != nil {
		return trained, failure.Integrity(err, "out-of-fold predictions %s", in.Best.OutOfFold.Key)
	}
	learned, err := a.refit(ctx, in, oof, told)
	if err != nil {
		return trained, final(ctx, "train "+in.Best.Candidate.Name, err)
	}
	trained.Events = learned.Baselines.Events
	body, err = json.Marshal(learned)
	if err != nil {
		return trained, fmt.Errorf("store trained model: %w", err)
	}
	if trained.Artefact, err = a.Objects.PutContent(ctx, "runs/"+trained.RunID+"/learned/", ".json", body); err != nil {
		return trained, fmt.Errorf("store trained model: %w", err)
	}
	if err := a.keepTrained(ctx, trained); err != nil {
		return trained, err
	}
	return trained, a.trackRefit(ctx, trained, started)
}

// keepTrained stores what a package is built from, so that it can be built again
// when the workflow is long gone.
func (a *Activities) keepTrained(ctx context.Context, trained schemas.TrainedModel) error {
	body, err := json.Marshal(trained)
	if err == nil {
		_, err = a.Objects.PutContent(ctx, schemas.TrainedPrefix(trained.RunID), ".json", body)
	}
	if err != nil {
		return fmt.Errorf("store trained model: %w", err)
	}
	return nil
}

// refit trains on all days and adds baselines and drift references.
func (a *Activities) refit(ctx context.Context, in schemas.RefitInput, oof learn.OutOfFold, told *progress) (learn.Learned, error) {
	s, err := Settings(in.Best.Candidate, in.Seed, in.SegmentRounds)
	if err != nil {
		return learn.Learned{}, err
	}
	run := training{run: in.Best.RunID, data: in.Dataset, days: in.Days, segmentRounds: s.SegmentRounds}
	source, trainer, err := a.begin(ctx, run, told)
	if err != nil {
		return learn.Learned{}, err
	}
	artefact, err := trainer.Refit(ctx, source, s, oof)
	if err != nil {
		return learn.Learned{}, err
	}
	learned := learn.Learned{Artefact: artefact, Environment: map[string]string{
		"xgboost": trainer.Library.Version(), "threads": strconv.Itoa(learn.Threads), "code": a.CodeVersion,
		"seed": strconv.FormatUint(in.Seed, 10), "segment_rounds": strconv.Itoa(s.SegmentRounds)}}
	if learned.Baselines, err = trainer.FitBaselines(ctx, source); err != nil {
		return learned, err
	}
	if learned.References, err = references(source); err != nil {
		return learned, err
	}
	forecasts, known, err := learn.ForecastReference(calibrate.HorizonEvents{HorizonMinutes: oof.Horizon, Forecast: oof.OnTime}, oof.Fold, artefact.Calibration)
	if known {
		learned.References = append(learned.References, forecasts)
	}
	return learned, err
}

// fits refuses a data set of other features.
func fits(ref schemas.DatasetRef) error {
	if ref.FeatureVersion != feature.Version() {
		return failure.Validation("train: data set %s was made with features %s, this worker has %s: prepare it anew", ref.ID, ref.FeatureVersion, feature.Version())
	}
	return nil
}

// training is one candidate on some days of a data set.
type training struct {
	run           string
	data          schemas.DatasetRef
	days          schemas.DayRange
	segmentRounds int
}

// begin opens library and data set.
func (a *Activities) begin(ctx context.Context, t training, told *progress) (*dataset.Stream, learn.Trainer, error) {
	library, err := a.Library()
	if err != nil {
		return nil, learn.Trainer{}, &learn.StorageError{Err: fmt.Errorf("train: %w", err)}
	}
	source, err := dataset.OpenTraining(ctx, a.Objects, t.data, t.days, dataset.KeepBytes)
	if dataset.Unfit(err) {
		return nil, learn.Trainer{}, failure.Validation("train: %v", err)
	}
	if err != nil {
		return nil, learn.Trainer{}, &learn.StorageError{Err: fmt.Errorf("train: %w", err)}
	}
	return source, learn.Trainer{Library: library, Progress: told.report, Checkpoints: checkpoints{
		objects: a.Objects, notFound: a.NotFound, corrupt: a.Corrupt, run: schemas.FirstRung(t.run),
		input: inputHash(t.data, t.days, library), segmentRounds: t.segmentRounds}}, nil
}

// final says whether a retry makes sense: it does where storage was in trouble,
// not where data or settings are wrong.
func final(ctx context.Context, what string, err error) error {
	var said *temporal.ApplicationError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &said):
		return said
	case dataset.Unfit(err):
		return failure.Integrity(nil, "%s: %v", what, err)
	case errors.As(err, new(*learn.StorageError)):
		return fmt.Errorf("%s: %w", what, err)
	}
	return failure.Validation("%s: %v", what, err)
}

func isFinal(err error) bool {
	var said *temporal.ApplicationError
	return errors.As(err, &said) && said.NonRetryable()
}

// message is the error's sentence, without the type Temporal adds.
func message(err error) string {
	var said *temporal.ApplicationError
	if errors.As(err, &said) {
		return said.Message()
	}
	return err.Error()
}

// progress heartbeats with the latest sentence of it.
type progress struct {
	latest atomic.Value
	stop   func()
}

func newProgress(ctx context.Context) *progress {
	p := &progress{}
	p.latest.Store("loading data set")
	p.stop = beat.Telling(ctx, func() []any { return []any{p.latest.Load()} })
	return p
}

func (p *progress) report(what string, share float64) {
	p.latest.Store(fmt.Sprintf("%.0f %%: %s", 100*share, what))
}
