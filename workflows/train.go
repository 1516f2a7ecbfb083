package workflows

import (
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/workflow"

	"puenktlich/activities/train"
	"puenktlich/schemas"
)

// manyEvents is from where on faster, deeper trees are tried: there is enough
// to learn from, and a training should stay a matter of minutes.
const manyEvents = 20_000

// DefaultCandidates are tried where the input names none: shallow, slow trees
// for few events, since railway days are few and alike. The first is taken where
// one day of training leaves nothing to choose by. Lambda 20 instead of 4 gained
// 0.3 points of skill on validation days in Frankfurt (95 %: -0.1 to 0.7) and in
// Berlin (0.1 to 0.6).
func DefaultCandidates(events int) []schemas.Candidate {
	base := schemas.Candidate{Rounds: 300, LearningRate: 0.06, MinChild: 8, Subsample: 0.8, ColSample: 0.6, Lambda: 20}
	depths := []int{3, 2, 4}
	if events >= manyEvents {
		base.Rounds, base.LearningRate, base.MinChild = 120, 0.1, 20
		depths = []int{4, 6}
	}
	var all []schemas.Candidate
	for _, depth := range depths {
		c := base
		c.MaxDepth, c.Name = depth, fmt.Sprintf("depth-%d", depth)
		all = append(all, c)
	}
	return all
}

// DefaultSeed of every training that names none.
const DefaultSeed = 7

// TrainModel judges candidates by forward chaining inside the training days,
// takes the one with the lowest out-of-fold log loss of those that can be
// released, and trains it on all of them. A candidate that fails does not fail
// the others.
func TrainModel(ctx workflow.Context, in schemas.TrainInput) (schemas.TrainResult, error) {
	var result schemas.TrainResult
	if in.Dataset.Manifest.Key == "" {
		dataset, err := newestDataset(ctx)
		if err != nil {
			return result, err
		}
		in.Dataset = dataset
	}
	in = trainDefaults(in)
	tell(ctx, schemas.AttributeModel, in.Model)
	tell(ctx, schemas.AttributeDataset, short(in.Dataset.ID))
	trial := &trial{in: in, run: workflow.GetInfo(ctx).WorkflowExecution.RunID, begun: workflow.Now(ctx)}
	if err := workflow.SetQueryHandler(ctx, schemas.QueryCandidates, trial.table); err != nil {
		return result, err
	}
	if err := trial.judge(ctx); err != nil {
		return result, readable(err)
	}
	result.Candidates = trial.sorted()
	best, note := choose(result.Candidates)
	result.Note = note
	trial.say(ctx, note)
	if best == nil {
		return result, nil
	}
	var steps *train.Activities
	err := workflow.ExecuteActivity(with(ctx, heavy(schemas.QueueTrain, best.Candidate.Name+" on all days")), steps.RefitModel,
		schemas.RefitInput{Model: in.Model, Dataset: in.Dataset, Days: in.Days, Best: *best, Seed: in.Seed, SegmentRounds: in.SegmentRounds}).Get(ctx, &result.Trained)
	return result, readable(err)
}

// choose takes the best candidate that can be released, nil without one, and
// says what else there is to know. The candidates are best first.
func choose(candidates []schemas.CandidateResult) (*schemas.CandidateResult, string) {
	var better []string
	for i, c := range candidates {
		switch {
		case c.FailReason != "", c.Folds == 0 && !c.Candidate.Servable():
		case c.Candidate.Servable() && len(better) == 0:
			return &candidates[i], ""
		case c.Candidate.Servable():
			return &candidates[i], fmt.Sprintf("%s is chosen with log loss %.4f; %s scored better and cannot be released: there to be compared with.",
				c.Candidate.Name, c.LogLoss, strings.Join(better, ", "))
		default:
			better = append(better, fmt.Sprintf("%s (%.4f)", c.Candidate.Name, c.LogLoss))
		}
	}
	return nil, "Nothing was trained on all days: none of the candidates can be released."
}

func trainDefaults(in schemas.TrainInput) schemas.TrainInput {
	if in.Model == "" {
		in.Model = schemas.DefaultModel
	}
	if in.Days.Empty() {
		in.Days = in.Dataset.Days
	}
	if len(in.Candidates) == 0 && in.Search == nil {
		in.Candidates = DefaultCandidates(in.Dataset.Events)
	}
	if in.Seed == 0 {
		in.Seed = DefaultSeed
	}
	if in.SegmentRounds == 0 {
		in.SegmentRounds = schemas.DefaultSegmentRounds
	}
	return in
}

// newestDataset prepares every settled day, which costs nothing that was
// computed before but the reading.
func newestDataset(ctx workflow.Context) (schemas.DatasetRef, error) {
	var ref schemas.DatasetRef
	err := workflow.ExecuteChildWorkflow(child(ctx, stepID(ctx, "prepare"), "all settled days"), PrepareDataset, schemas.PrepareInput{}).Get(ctx, &ref)
	return ref, readable(err)
}

// releasable says that a training may find something to release.
func releasable(candidates []schemas.Candidate, search *schemas.Search) bool {
	if search != nil && (len(search.Space.Algorithms) == 0 || slices.Contains(search.Space.Algorithms, schemas.AlgorithmBuckets)) {
		return true
	}
	return search == nil && len(candidates) == 0 || slices.ContainsFunc(candidates, schemas.Candidate.Servable)
}
