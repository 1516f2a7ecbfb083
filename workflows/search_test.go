package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"puenktlich/activities/train"
	"puenktlich/schemas"
	"puenktlich/workflows"
)

var someDataset = schemas.DatasetRef{ID: "0123456789abcdef", Manifest: schemas.ObjectRef{Key: "datasets/x"}}

// trained remembers what the train pool was asked for.
type trained struct {
	mu    sync.Mutex
	asked []schemas.CandidateInput
}

func (p *trained) rounds(name string) []int {
	var all []int
	for _, in := range p.asked {
		if in.Candidate.Name == name {
			all = append(all, in.Rounds)
		}
	}
	return all
}

// searching is an environment whose candidates score what lambda says, and
// finish where they have one round. Each takes a minute.
func searching(plan schemas.SearchPlan) (*testsuite.TestWorkflowEnvironment, *trained) {
	env, pool := quiet(), &trained{}
	env.RegisterActivity(&train.Activities{})
	env.OnActivity("PlanSearch", mock.Anything, mock.Anything).Return(plan, nil)
	env.OnActivity("TrainCandidate", mock.Anything, mock.Anything).After(time.Minute).Return(func(_ context.Context, in schemas.CandidateInput) (schemas.CandidateResult, error) {
		pool.mu.Lock()
		defer pool.mu.Unlock()
		pool.asked = append(pool.asked, in)
		if strings.HasPrefix(in.Candidate.Name, "bad") {
			return schemas.CandidateResult{}, temporal.NewNonRetryableApplicationError("lambda -1: want more", "Validation", nil)
		}
		return schemas.CandidateResult{RunID: in.RunID, Candidate: in.Candidate, Folds: 3, Events: 10, LogLoss: in.Candidate.Lambda,
			Finished: in.Rounds == 0 || in.Candidate.Rounds == 1, RoundsTrained: 100, Rung: in.Rung}, nil
	})
	env.OnActivity("RefitModel", mock.Anything, mock.Anything).Return(func(_ context.Context, in schemas.RefitInput) (schemas.TrainedModel, error) {
		return schemas.TrainedModel{RunID: in.Best.RunID, Candidate: in.Best.Candidate}, nil
	})
	return env, pool
}

func run(t *testing.T, env *testsuite.TestWorkflowEnvironment) schemas.TrainResult {
	t.Helper()
	env.ExecuteWorkflow(workflows.TrainModel, schemas.TrainInput{Dataset: someDataset, Search: &schemas.Search{}})
	require.NoError(t, env.GetWorkflowError())
	var result schemas.TrainResult
	require.NoError(t, env.GetWorkflowResult(&result))
	return result
}

func find(t *testing.T, result schemas.TrainResult, name string) schemas.CandidateResult {
	t.Helper()
	i := slices.IndexFunc(result.Candidates, func(c schemas.CandidateResult) bool { return c.Candidate.Name == name })
	require.GreaterOrEqual(t, i, 0, "%s is listed", name)
	return result.Candidates[i]
}

// Nine trees of up to 270 rounds: the better third goes on with three times
// the rounds, so 30, 90 and all of them. One fails and is listed; a baseline is
// done at once and beats them all, but cannot be released.
func TestSuccessiveHalving(t *testing.T) {
	t.Parallel()
	plan := schemas.SearchPlan{Budget: schemas.Budget{Candidates: 11, Rungs: 3, Keep: 1.0 / 3}}
	for i := range 9 {
		plan.Candidates = append(plan.Candidates, schemas.Candidate{Name: fmt.Sprintf("tree-%d", i), Rounds: 270, Lambda: float64(9-i) / 10})
	}
	plan.Candidates = append(plan.Candidates, schemas.Candidate{Name: "bad"}, schemas.Candidate{Name: "rate", Algorithm: schemas.AlgorithmRate, Rounds: 1, Lambda: 0.01})
	env, pool := searching(plan)
	result := run(t, env)
	require.Equal(t, "tree-8", result.Trained.Candidate.Name)
	require.Contains(t, result.Note, "rate (0.0100) scored better and cannot be released")
	require.Equal(t, []int{30}, pool.rounds("tree-0"))
	require.Equal(t, []int{30, 90}, pool.rounds("tree-6"))
	require.Equal(t, []int{30, 90, 0}, pool.rounds("tree-8"))
	require.Len(t, pool.asked, 11+3+1)
	require.Equal(t, "stopped at rung 1 of 3", find(t, result, "tree-0").Dropped)
	require.Equal(t, "stopped at rung 2 of 3", find(t, result, "tree-6").Dropped)
	require.Equal(t, "lambda -1: want more", find(t, result, "bad").FailReason)
	require.Empty(t, find(t, result, "rate").Dropped, "it was never in the running")
	require.Len(t, result.Candidates, 11)
	last := pool.asked[len(pool.asked)-1]
	require.Equal(t, 3, last.Rung)
	first := pool.asked[slices.IndexFunc(pool.asked, func(in schemas.CandidateInput) bool { return in.Candidate.Name == "tree-8" })]
	require.Equal(t, first.RunID+"-rung-3", last.RunID)
	require.Equal(t, first.RunID, schemas.FirstRung(last.RunID), "its checkpoints are those of its first rung")
}

// Trees that say P(late) alone do not crowd out what can be released.
func TestOneThatCanBeReleasedStays(t *testing.T) {
	t.Parallel()
	plan := schemas.SearchPlan{Budget: schemas.Budget{Rungs: 2, Keep: 1.0 / 3}}
	for i := range 3 {
		plan.Candidates = append(plan.Candidates, schemas.Candidate{Name: fmt.Sprintf("binary-%d", i), Algorithm: schemas.AlgorithmBinary, Rounds: 90, Lambda: 0.1})
	}
	plan.Candidates = append(plan.Candidates, schemas.Candidate{Name: "buckets", Rounds: 90, Lambda: 0.5})
	env, pool := searching(plan)
	require.Equal(t, "buckets", run(t, env).Trained.Candidate.Name)
	require.Equal(t, []int{30, 0}, pool.rounds("buckets"))
}

func TestBudgetEndsASearch(t *testing.T) {
	t.Parallel()
	for name, budget := range map[string]schemas.Budget{
		"the budget of 500 rounds is spent": {Rungs: 1, Keep: 0.5, Rounds: 500},
		"the budget of 2 minutes is spent":  {Rungs: 1, Keep: 0.5, Minutes: 2},
	} {
		plan := schemas.SearchPlan{Budget: budget}
		for i := range 20 {
			plan.Candidates = append(plan.Candidates, schemas.Candidate{Name: fmt.Sprintf("tree-%02d", i), Rounds: 10, Lambda: 0.5})
		}
		env, pool := searching(plan)
		result := run(t, env)
		require.Less(t, len(pool.asked), 20, name)
		require.GreaterOrEqual(t, len(pool.asked), 5, name)
		require.Equal(t, "not tried: "+name, find(t, result, "tree-19").FailReason)
		require.NotEmpty(t, result.Trained.RunID, "the best of those tried is trained")
	}
}

func TestNothingToRelease(t *testing.T) {
	t.Parallel()
	env, _ := searching(schemas.SearchPlan{Budget: schemas.Budget{Rungs: 1, Keep: 0.5}, Candidates: []schemas.Candidate{{Name: "rate", Algorithm: schemas.AlgorithmRate, Rounds: 1}}})
	result := run(t, env)
	require.Empty(t, result.Trained.RunID)
	require.Contains(t, result.Note, "none of the candidates can be released")
	env, _ = searching(schemas.SearchPlan{Budget: schemas.Budget{Rungs: 1, Keep: 0.5}, Candidates: []schemas.Candidate{{Name: "bad-1"}, {Name: "bad-2"}}})
	env.ExecuteWorkflow(workflows.TrainModel, schemas.TrainInput{Dataset: someDataset, Search: &schemas.Search{}})
	var said *temporal.ApplicationError
	require.True(t, errors.As(env.GetWorkflowError(), &said))
	require.Equal(t, "lambda -1: want more", said.Message(), "the same reason once")
	env = quiet()
	env.ExecuteWorkflow(workflows.RunLifecycle, schemas.LifecycleInput{Candidates: []schemas.Candidate{{Algorithm: schemas.AlgorithmLogistic}}})
	require.True(t, errors.As(env.GetWorkflowError(), &said))
	require.Contains(t, said.Message(), "add one of algorithm xgboost_buckets")
}

// A parameter that does not exist fails the workflow before anything runs.
func TestUnknownFieldsAreRefused(t *testing.T) {
	t.Parallel()
	for want, input := range map[string]map[string]any{
		`unknown field "max_dept"`: {"candidates": []any{map[string]any{"name": "typo", "max_dept": 4}}},
		`unknown field "spaces"`:   {"search": map[string]any{"spaces": map[string]any{}}},
	} {
		env := quiet()
		workflows.RegisterWorkflows(env)
		env.ExecuteWorkflow(schemas.WorkflowTrainModel, input)
		require.ErrorContains(t, env.GetWorkflowError(), want)
	}
}

// The table is asked for while candidates are under way.
func TestTableWhileItRuns(t *testing.T) {
	t.Parallel()
	plan := schemas.SearchPlan{Budget: schemas.Budget{Rungs: 1, Keep: 0.5}}
	for i := range 6 {
		plan.Candidates = append(plan.Candidates, schemas.Candidate{Name: fmt.Sprintf("tree-%d", i), Rounds: 10, Lambda: float64(6 - i)})
	}
	env, _ := searching(plan)
	var tables []schemas.SearchTable
	env.SetOnActivityCompletedListener(func(*activity.Info, converter.EncodedValue, error) {
		value, err := env.QueryWorkflow(schemas.QueryCandidates)
		if err != nil {
			return // not begun
		}
		var table schemas.SearchTable
		require.NoError(t, value.Get(&table))
		tables = append(tables, table)
	})
	run(t, env)
	require.NotEmpty(t, tables)
	require.True(t, slices.ContainsFunc(tables, func(s schemas.SearchTable) bool { return s.Waiting > 0 && s.Waiting < 6 }), "waiting falls")
}

// The largest result there can be, with a reason in every row, is no larger than
// a history event may be.
func TestLargestResultIsSmall(t *testing.T) {
	t.Parallel()
	var result schemas.TrainResult
	digest := strings.Repeat("0", 64)
	for range schemas.MaxCandidates {
		result.Candidates = append(result.Candidates, schemas.CandidateResult{RunID: digest[:36] + "-10-rung-3", FailReason: strings.Repeat("x", 203),
			Candidate: schemas.Candidate{Name: "s10 xgboost_binary plan+forecast", Algorithm: schemas.AlgorithmBinary, FeatureSet: schemas.FeaturesPlanForecast, Rounds: 1000, MaxDepth: 8,
				LearningRate: 0.01234, MinChild: 12.34, Subsample: 0.1234, ColSample: 0.1234, Lambda: 12.34},
			OutOfFold: schemas.ObjectRef{Key: "runs/" + digest[:36] + "-10-rung-3/out-of-fold/" + digest + ".json", SHA256: digest, SizeBytes: 1 << 30}, Brier: 1.0 / 3, LogLoss: 1.0 / 3})
	}
	body, err := json.Marshal(result)
	require.NoError(t, err)
	require.Less(t, len(body), 64<<10)
}
