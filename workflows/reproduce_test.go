package workflows_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"puenktlich/activities/evaluate"
	"puenktlich/activities/experiment"
	"puenktlich/activities/train"
	"puenktlich/schemas"
	"puenktlich/workflows"
)

var (
	againDays = schemas.PrepareInput{Days: schemas.DayRange{From: "2024-10-26", To: "2024-10-29"}, Horizons: []int{60, 5}}
	testDay   = schemas.DayRange{From: "2024-10-28", To: "2024-10-29"}
)

// reproducing is an environment whose record has this recipe. It answers what
// CompareRuns was asked.
func reproducing(plan schemas.ReproducePlan, agrees bool) (*testsuite.TestWorkflowEnvironment, *schemas.CompareRunsInput) {
	env, asked := quiet(), &schemas.CompareRunsInput{}
	workflows.RegisterWorkflows(env)
	env.RegisterActivity(&experiment.Activities{})
	env.RegisterActivity(&evaluate.Activities{})
	env.RegisterActivity(&train.Activities{})
	env.OnActivity("PlanReproduction", mock.Anything, mock.Anything).Return(plan, nil)
	env.OnWorkflow(workflows.PrepareDataset, mock.Anything, againDays).Return(someDataset, nil)
	env.OnActivity("CompareRuns", mock.Anything, mock.Anything).Return(func(_ context.Context, in schemas.CompareRunsInput) (schemas.ReproduceResult, error) {
		*asked = in
		return schemas.ReproduceResult{Recorded: in.Recorded, Rebuilt: in.Rebuilt, Agrees: agrees}, nil
	})
	return env, asked
}

// A recalibration is made again with the same package and days, as a run of its
// own, and evaluated on the same test days; nothing is trained.
func TestReproduceARecalibration(t *testing.T) {
	t.Parallel()
	recorded := schemas.RecalibrateStep{RunID: "recorded", Dataset: schemas.DatasetRef{ID: "of the record"}, Actor: "anna", Reason: "the rate moved",
		Plan: schemas.RecalibratePlan{Package: version(3, "old"), Days: schemas.DayRange{From: "2024-10-26", To: "2024-10-28"}, Test: testDay}}
	env, asked := reproducing(schemas.ReproducePlan{Recipe: schemas.Recipe{Recalibrate: &recorded, Prepare: againDays}, Refit: true, TestDays: testDay}, true)
	var step schemas.RecalibrateStep
	env.OnActivity("Recalibrate", mock.Anything, mock.Anything).Return(func(_ context.Context, in schemas.RecalibrateStep) (schemas.TrainedModel, error) {
		step = in
		return schemas.TrainedModel{RunID: in.RunID, Model: "punctuality"}, nil
	}).Once()
	env.OnWorkflow(workflows.EvaluateModel, mock.Anything, mock.MatchedBy(func(in schemas.EvaluateInput) bool {
		return in.Trained.RunID == step.RunID && in.Dataset == someDataset && in.Days == testDay
	})).Return(schemas.EvaluateResult{}, nil).Once()
	env.ExecuteWorkflow(workflows.ReproduceRun, schemas.ReproduceInput{RunID: "rec", Actor: "ada", Reason: "audit"})
	require.NoError(t, env.GetWorkflowError())
	env.AssertExpectations(t)
	require.Equal(t, recorded.Plan, step.Plan)
	require.Equal(t, someDataset, step.Dataset)
	require.Equal(t, "ada", step.Actor)
	require.Equal(t, "reproduces run recorded: audit", step.Reason)
	require.NotEqual(t, "recorded", step.RunID)
	require.Equal(t, schemas.CompareRunsInput{Recorded: "recorded", Rebuilt: step.RunID}, *asked)
}

// A candidate that was never trained on all days is judged again, and no more.
func TestReproduceACandidate(t *testing.T) {
	t.Parallel()
	recorded := schemas.CandidateInput{RunID: "recorded", Model: "punctuality", Seed: 5, Candidate: schemas.Candidate{Name: "depth-2"}}
	env, asked := reproducing(schemas.ReproducePlan{Recipe: schemas.Recipe{Candidate: recorded, Prepare: againDays}, Note: "left out"}, false)
	var judged schemas.CandidateInput
	env.OnActivity("TrainCandidate", mock.Anything, mock.Anything).Return(func(_ context.Context, in schemas.CandidateInput) (schemas.CandidateResult, error) {
		judged = in
		return schemas.CandidateResult{RunID: in.RunID}, nil
	}).Once()
	env.ExecuteWorkflow(workflows.ReproduceRun, schemas.ReproduceInput{RunID: "rec", Actor: "ada"})
	require.NoError(t, env.GetWorkflowError())
	var result schemas.ReproduceResult
	require.NoError(t, env.GetWorkflowResult(&result))
	require.False(t, result.Agrees)
	require.Equal(t, "left out", result.Note)
	require.Equal(t, schemas.CandidateInput{RunID: judged.RunID, Model: "punctuality", Seed: 5, Dataset: someDataset, Actor: "ada", Reason: "reproduces run recorded",
		Candidate: schemas.Candidate{Name: "depth-2"}}, judged)
	require.Equal(t, schemas.CompareRunsInput{Recorded: "recorded", Rebuilt: judged.RunID, SkipTest: true}, *asked)
}
