package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"puenktlich/activities/prepare"
	"puenktlich/activities/train"
	"puenktlich/schemas"
	"puenktlich/workflows"
)

// quiet is an environment that logs errors alone.
func quiet() *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))))
	env := suite.NewTestWorkflowEnvironment()
	env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: time.Hour}) // a busy machine is no deadlock
	return env
}

func manyDays(n int) []string {
	var days []string
	for i := range n {
		days = append(days, fmt.Sprintf("2024-%02d-%02d", 1+i/28, 1+i%28))
	}
	return days
}

func TestSettleTruthAddsUpEveryDay(t *testing.T) {
	t.Parallel()
	env := quiet()
	env.RegisterActivity(&prepare.Activities{})
	env.OnActivity("PlanSettlement", mock.Anything, mock.Anything).Return(schemas.SettlePlan{Days: manyDays(50)}, nil)
	env.OnActivity("SettleDay", mock.Anything, mock.Anything).Return(schemas.SettleCounts{Planned: 10, Observed: 7, Late: 2}, nil)
	env.ExecuteWorkflow(workflows.SettleTruth, schemas.SettleInput{})
	require.NoError(t, env.GetWorkflowError())
	var result schemas.SettleResult
	require.NoError(t, env.GetWorkflowResult(&result))
	require.Equal(t, schemas.SettleCounts{Planned: 500, Observed: 350, Late: 100}, result.Counts, "50 days, more than the window of a fan-out")
}

func TestOneBadCandidateDoesNotFailTheSearch(t *testing.T) {
	t.Parallel()
	env := quiet()
	env.RegisterActivity(&train.Activities{})
	env.OnActivity("TrainCandidate", mock.Anything, mock.MatchedBy(func(in schemas.CandidateInput) bool { return in.Candidate.Name == "bad" })).
		Return(schemas.CandidateResult{}, temporal.NewNonRetryableApplicationError("out of range", "Validation", nil))
	env.OnActivity("TrainCandidate", mock.Anything, mock.Anything).Return(func(_ context.Context, in schemas.CandidateInput) (schemas.CandidateResult, error) {
		return schemas.CandidateResult{RunID: in.RunID, Candidate: in.Candidate, Folds: 1, LogLoss: in.Candidate.Lambda}, nil
	})
	env.OnActivity("RefitModel", mock.Anything, mock.Anything).Return(func(_ context.Context, in schemas.RefitInput) (schemas.TrainedModel, error) {
		return schemas.TrainedModel{Candidate: in.Best.Candidate}, nil
	})
	dataset := schemas.DatasetRef{ID: "0123456789abcdef", Manifest: schemas.ObjectRef{Key: "datasets/x"}}
	env.ExecuteWorkflow(workflows.TrainModel, schemas.TrainInput{Dataset: dataset, Candidates: []schemas.Candidate{
		{Name: "worse", Lambda: 0.5}, {Name: "bad", Lambda: 0.1}, {Name: "best", Lambda: 0.3}}})
	require.NoError(t, env.GetWorkflowError())
	var result schemas.TrainResult
	require.NoError(t, env.GetWorkflowResult(&result))
	require.Equal(t, "best", result.Trained.Candidate.Name, "lowest out-of-fold log loss of those that ran")
	require.Len(t, result.Candidates, 3)
	require.Equal(t, "bad", result.Candidates[2].Candidate.Name, "listed last")
	require.Equal(t, "out of range", result.Candidates[2].FailReason)
}

// A half-life given to a training is of the candidates whose algorithm has one and
// which name none.
func TestAHalfLifeIsOfThoseThatNameNone(t *testing.T) {
	t.Parallel()
	env := quiet()
	env.RegisterActivity(&train.Activities{})
	env.OnActivity("TrainCandidate", mock.Anything, mock.Anything).Return(func(_ context.Context, in schemas.CandidateInput) (schemas.CandidateResult, error) {
		return schemas.CandidateResult{RunID: in.RunID, Candidate: in.Candidate, Folds: 1}, nil
	})
	env.OnActivity("RefitModel", mock.Anything, mock.Anything).Return(schemas.TrainedModel{}, nil)
	env.ExecuteWorkflow(workflows.TrainModel, schemas.TrainInput{Dataset: someDataset, HalfLifeDays: 5, Candidates: []schemas.Candidate{
		{Name: "trees"}, {Name: "own", HalfLifeDays: 2}, {Name: "binary", Algorithm: schemas.AlgorithmBinary}, {Name: "regression", Algorithm: schemas.AlgorithmLogistic}}})
	require.NoError(t, env.GetWorkflowError())
	var result schemas.TrainResult
	require.NoError(t, env.GetWorkflowResult(&result))
	got := map[string]float64{}
	for _, c := range result.Candidates {
		got[c.Candidate.Name] = c.Candidate.HalfLifeDays
	}
	require.Equal(t, map[string]float64{"trees": 5, "own": 2, "binary": 5, "regression": 0}, got)
}

func TestAFailedStepIsOneReadableSentence(t *testing.T) {
	t.Parallel()
	env := quiet()
	env.RegisterActivity(&prepare.Activities{})
	env.RegisterWorkflow(workflows.SettleTruth)
	env.OnActivity("PlanSettlement", mock.Anything, mock.Anything).Return(schemas.SettlePlan{},
		temporal.NewNonRetryableApplicationError("nothing was collected yet", string(schemas.FailureNothingToDo), nil))
	env.ExecuteWorkflow(workflows.RunLifecycle, schemas.LifecycleInput{})
	var said *temporal.ApplicationError
	require.True(t, errors.As(env.GetWorkflowError(), &said))
	require.Equal(t, "nothing was collected yet", said.Message())
	require.Equal(t, string(schemas.FailureNothingToDo), said.Type())
}
