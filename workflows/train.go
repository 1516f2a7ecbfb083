package workflows

import (
	"cmp"
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
// takes the one with the lowest out-of-fold log loss, and trains it on all of
// them. A candidate that fails does not fail the others.
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
	candidates, err := judgeCandidates(ctx, in)
	if err != nil {
		return result, err
	}
	result.Candidates = candidates
	best := candidates[0]
	var steps *train.Activities
	err = workflow.ExecuteActivity(with(ctx, heavy(schemas.QueueTrain, best.Candidate.Name+" on all days")), steps.RefitModel,
		schemas.RefitInput{Model: in.Model, Dataset: in.Dataset, Days: in.Days, Best: best, Seed: in.Seed}).Get(ctx, &result.Trained)
	show(ctx, candidatesCard(candidates))
	return result, readable(err)
}

func trainDefaults(in schemas.TrainInput) schemas.TrainInput {
	if in.Model == "" {
		in.Model = schemas.DefaultModel
	}
	if in.Days.Empty() {
		in.Days = in.Dataset.Days
	}
	if len(in.Candidates) == 0 {
		in.Candidates = DefaultCandidates(in.Dataset.Events)
	}
	if in.Seed == 0 {
		in.Seed = DefaultSeed
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

// judgeCandidates answers them best first.
func judgeCandidates(ctx workflow.Context, in schemas.TrainInput) ([]schemas.CandidateResult, error) {
	var steps *train.Activities
	run := workflow.GetInfo(ctx).WorkflowExecution.RunID
	fan := newFanOut(ctx, len(in.Candidates))
	for i, candidate := range in.Candidates {
		fan.start(func(ctx workflow.Context) workflow.Future {
			return workflow.ExecuteActivity(with(ctx, heavy(schemas.QueueTrain, candidate.Name)), steps.TrainCandidate, schemas.CandidateInput{
				Model: in.Model, Dataset: in.Dataset, Days: in.Days, Candidate: candidate, Seed: in.Seed,
				RunID: fmt.Sprintf("%s-%d", run, i+1)})
		})
	}
	var good []schemas.CandidateResult
	err := fan.wait(func(i int, done workflow.Future) error {
		var result schemas.CandidateResult
		if err := done.Get(ctx, &result); err != nil {
			return err
		}
		good = append(good, result)
		show(ctx, candidatesCard(good))
		return nil
	})
	if len(good) == 0 {
		return nil, readable(err)
	}
	slices.SortStableFunc(good, func(a, b schemas.CandidateResult) int { return cmp.Compare(a.LogLoss, b.LogLoss) })
	return good, nil
}

func candidatesCard(candidates []schemas.CandidateResult) string {
	var b strings.Builder
	b.WriteString("### Candidates, judged on days they were not trained on\n\n| candidate | depth | rounds | folds | events | Brier | log loss |\n|---|--:|--:|--:|--:|--:|--:|\n")
	for _, c := range candidates {
		b.WriteString(fmt.Sprintf("| %s | %d | %d | %d | %d | %.4f | %.4f |\n", c.Candidate.Name, c.Candidate.MaxDepth, c.Rounds, c.Folds, c.Events, c.Brier, c.LogLoss))
	}
	return b.String()
}
