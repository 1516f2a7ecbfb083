package workflows_test

import (
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"puenktlich/activities/evaluate"
	"puenktlich/activities/release"
	"puenktlich/schemas"
	"puenktlich/workflows"
)

// recalibration is an environment whose plan is that of two calibration days and a
// test day, with the later steps as they would answer.
func recalibration(t *testing.T, gate schemas.Gate) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	env := quiet()
	workflows.RegisterWorkflows(env)
	env.RegisterActivity(&evaluate.Activities{})
	env.RegisterActivity(&release.Activities{})
	env.OnActivity("PlanRollout", mock.Anything, mock.Anything).Return(schemas.RolloutPlan{Package: version(4, "new")}, nil)
	env.OnActivity("PlanRecalibration", mock.Anything, mock.Anything).Return(schemas.RecalibratePlan{Package: version(3, "old"),
		Trained: schemas.DayRange{From: "2024-10-01", To: "2024-10-26"}, Days: schemas.DayRange{From: "2024-10-26", To: "2024-10-28"}, Test: schemas.DayRange{From: "2024-10-28", To: "2024-10-29"}}, nil)
	env.OnWorkflow(workflows.PrepareDataset, mock.Anything, mock.MatchedBy(func(in schemas.PrepareInput) bool {
		return in.Days == schemas.DayRange{From: "2024-10-26", To: "2024-10-29"} // calibration and test, no day of training
	})).Return(schemas.DatasetRef{ID: "0123456789abcdef"}, nil)
	env.OnActivity("Recalibrate", mock.Anything, mock.MatchedBy(func(in schemas.RecalibrateStep) bool { return in.RunID != "" && in.Dataset.ID == "0123456789abcdef" })).
		Return(schemas.TrainedModel{RunID: "r", Model: "punctuality", Recalibrated: &schemas.Recalibration{Method: "platt_pooled", Events: 900,
			Tried: []schemas.CalibrationMethod{{Method: "none", LogLoss: 0.4, Rows: 100}, {Method: "isotonic_pooled", Note: "too few"}}}}, nil)
	env.OnWorkflow(workflows.EvaluateModel, mock.Anything, mock.MatchedBy(func(in schemas.EvaluateInput) bool {
		return in.Days == schemas.DayRange{From: "2024-10-28", To: "2024-10-29"} && in.Gate != nil && in.Gate.MinEvents == 7
	})).Return(schemas.EvaluateResult{Gate: gate, Events: 500, Horizons: []schemas.HorizonScore{{Minutes: 60}}}, nil)
	env.OnWorkflow(workflows.PackageModel, mock.Anything, mock.Anything).Return(version(4, "new"), nil)
	return env
}

func TestRecalibrateGoesOnAsALifecycle(t *testing.T) {
	t.Parallel()
	env := recalibration(t, schemas.Gate{Passed: true, Reasons: []string{"holds: 500 test events, at least 7"}})
	env.OnWorkflow(workflows.PromoteModel, mock.Anything, mock.MatchedBy(func(in schemas.PromoteInput) bool {
		return in.Package.Digest == "new" && in.Actor == "unauthenticated UI" && in.Reason == "started by hand"
	})).Return(schemas.PromoteResult{Switch: &schemas.SwitchResult{Note: "1 of 1 leased API instances serve it"}}, nil)
	env.ExecuteWorkflow(schemas.WorkflowRecalibrateModel, map[string]any{"gate": map[string]any{"min_events": 7}})
	require.NoError(t, env.GetWorkflowError())
	var result schemas.LifecycleResult
	require.NoError(t, env.GetWorkflowResult(&result))
	require.Equal(t, "promoted: the gate holds", result.Decision)
	require.Equal(t, 4, result.Package.Version)
}

func TestRecalibrationThatFailsTheGateIsNotPromoted(t *testing.T) {
	t.Parallel()
	env := recalibration(t, schemas.Gate{Reasons: []string{"FAILS: 5 test events, at least 7"}})
	env.ExecuteWorkflow(workflows.RecalibrateModel, schemas.RecalibrateInput{Gate: &schemas.GatePolicy{MinEvents: 7, MinDays: 1,
		SkillAgainst: schemas.BaselineDB, Champion: schemas.ChampionIgnored, FewDays: schemas.FewDaysWithin}})
	require.NoError(t, env.GetWorkflowError())
	var result schemas.LifecycleResult
	require.NoError(t, env.GetWorkflowResult(&result))
	require.Equal(t, "not promoted: the gate failed", result.Decision)
	require.Nil(t, result.Switch)
}

func TestRecalibrateSaysWhyItCannot(t *testing.T) {
	t.Parallel()
	env := quiet()
	env.RegisterActivity(&evaluate.Activities{})
	env.OnActivity("PlanRecalibration", mock.Anything, mock.Anything).Return(schemas.RecalibratePlan{},
		temporal.NewNonRetryableApplicationError("recalibrate: model punctuality: no champion yet", string(schemas.FailureNothingToDo), nil))
	env.ExecuteWorkflow(workflows.RecalibrateModel, schemas.RecalibrateInput{})
	require.ErrorContains(t, env.GetWorkflowError(), "recalibrate: model punctuality: no champion yet")
}

// An unknown limit fails the start with its name, and is not passed over.
func TestAGateWithAnUnknownLimitIsRefused(t *testing.T) {
	t.Parallel()
	env := quiet()
	workflows.RegisterWorkflows(env)
	env.ExecuteWorkflow(schemas.WorkflowRecalibrateModel, map[string]any{"gate": map[string]any{"min_event": 7}})
	require.ErrorContains(t, env.GetWorkflowError(), `unknown field "min_event"`)
}
