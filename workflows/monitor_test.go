package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"puenktlich/activities/monitor"
	"puenktlich/schemas"
	"puenktlich/workflows"
)

// night is an environment in which a night comes to a verdict.
func night(v schemas.Verdict) *testsuite.TestWorkflowEnvironment {
	env := quiet()
	workflows.RegisterWorkflows(env)
	env.RegisterActivity(&monitor.Activities{})
	env.OnActivity("Measure", mock.Anything, mock.Anything).Return(schemas.Signals{Model: "punctuality", Version: 3, Digest: "d", Day: "2024-11-01",
		AsOf: time.Date(2024, 11, 2, 4, 0, 0, 0, time.UTC), Predictions: 900, Events: 800}, nil)
	env.OnActivity("Decide", mock.Anything, mock.Anything, mock.Anything).Return(v, nil)
	return env
}

// recorded is what the verdict was stored with.
func recorded(env *testsuite.TestWorkflowEnvironment, told int) *schemas.MonitorResult {
	var got schemas.MonitorResult
	env.OnActivity("Record", mock.Anything, mock.Anything, mock.MatchedBy(func(r schemas.MonitorResult) bool { got = r; return true })).Return(nil)
	if told > 0 {
		env.OnActivity("Tell", mock.Anything, mock.Anything).Return(nil).Times(told)
	}
	env.OnActivity("Report", mock.Anything, mock.Anything, mock.MatchedBy(func(r schemas.MonitorResult) bool { return r.Report != "" })).Return(nil).Once()
	env.OnSignalExternalWorkflow(mock.Anything, schemas.ModelID("punctuality"), "", schemas.SignalTick, mock.Anything).Return(nil)
	return &got
}

func TestWhatAVerdictStarts(t *testing.T) {
	t.Parallel()
	mine := schemas.MonitorInput{Retrain: &schemas.LifecycleInput{TestDays: 2}}
	tests := map[string]struct {
		in      schemas.MonitorInput
		verdict schemas.Verdict
		expect  func(*testsuite.TestWorkflowEnvironment)
		act     schemas.Act
		want    func(*testing.T, schemas.MonitorResult)
	}{
		"nothing": {verdict: schemas.Verdict{Kind: schemas.VerdictNothing}},
		"alert":   {verdict: schemas.Verdict{Kind: schemas.VerdictAlert}},
		"retrain by the policy's terms": {verdict: schemas.Verdict{Kind: schemas.VerdictRetrain, Reasons: []string{"worse"}, Lifecycle: &schemas.LifecycleInput{NewestDays: 20, HalfLifeDays: 5}}, act: schemas.ActStarted,
			expect: func(env *testsuite.TestWorkflowEnvironment) {
				env.OnWorkflow(workflows.RunLifecycle, mock.Anything, mock.MatchedBy(func(in schemas.LifecycleInput) bool {
					return in.NewestDays == 20 && in.HalfLifeDays == 5 && in.Actor == "monitor" && in.Reason == "verdict of 2024-11-01: worse"
				})).Return(schemas.LifecycleResult{}, nil).Once()
			}, want: func(t *testing.T, r schemas.MonitorResult) { require.Equal(t, "lifecycle/punctuality", r.Lifecycle) }},
		"retrain by the input's": {in: mine, verdict: schemas.Verdict{Kind: schemas.VerdictRetrain, Lifecycle: &schemas.LifecycleInput{NewestDays: 20}}, act: schemas.ActStarted,
			expect: func(env *testsuite.TestWorkflowEnvironment) {
				env.OnWorkflow(workflows.RunLifecycle, mock.Anything, mock.MatchedBy(func(in schemas.LifecycleInput) bool { return in.NewestDays == 0 && in.TestDays == 2 })).Return(schemas.LifecycleResult{}, nil).Once()
			}},
		"search": {in: mine, verdict: schemas.Verdict{Kind: schemas.VerdictSearch, Lifecycle: &schemas.LifecycleInput{Search: &schemas.Search{Budget: schemas.Budget{Candidates: 6}}}}, act: schemas.ActStarted,
			expect: func(env *testsuite.TestWorkflowEnvironment) {
				env.OnWorkflow(workflows.RunLifecycle, mock.Anything, mock.MatchedBy(func(in schemas.LifecycleInput) bool {
					return in.TestDays == 2 && in.Search != nil && in.Search.Budget.Candidates == 6
				})).Return(schemas.LifecycleResult{}, nil).Once()
			}},
		"recalibrate beside a lifecycle": {verdict: schemas.Verdict{Kind: schemas.VerdictRecalibrate}, act: schemas.ActJoined,
			expect: func(env *testsuite.TestWorkflowEnvironment) { // RecalibrateModel would fail: nobody answers its steps
				env.OnActivity("Learning", mock.Anything, "punctuality").Return(true, nil).Once()
			}, want: func(t *testing.T, r schemas.MonitorResult) {
				require.Equal(t, "lifecycle/punctuality (joined: it was running)", r.Lifecycle)
			}},
		"recalibrate": {verdict: schemas.Verdict{Kind: schemas.VerdictRecalibrate}, act: schemas.ActStarted,
			expect: func(env *testsuite.TestWorkflowEnvironment) {
				env.OnActivity("Learning", mock.Anything, "punctuality").Return(false, nil).Once()
				env.OnWorkflow(workflows.RecalibrateModel, mock.Anything, mock.MatchedBy(func(in schemas.RecalibrateInput) bool {
					return in.Model == "punctuality" && in.Actor == "monitor"
				})).Return(schemas.LifecycleResult{}, nil).Once()
			}, want: func(t *testing.T, r schemas.MonitorResult) { require.Equal(t, "recalibrate/punctuality", r.Lifecycle) }},
		"roll back": {verdict: schemas.Verdict{Kind: schemas.VerdictRollback}, act: schemas.ActStarted,
			expect: func(env *testsuite.TestWorkflowEnvironment) {
				env.OnActivity("RollBack", mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return("punctuality@2 is champion again", nil).Once()
			}, want: func(t *testing.T, r schemas.MonitorResult) {
				require.Equal(t, "punctuality@2 is champion again", r.Note)
			}},
		"hand over": {verdict: schemas.Verdict{Kind: schemas.VerdictHandover}, act: schemas.ActStarted,
			expect: func(env *testsuite.TestWorkflowEnvironment) {
				env.OnActivity("HandOver", mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return("evidence/x.zip", nil).Once()
			}, want: func(t *testing.T, r schemas.MonitorResult) { require.Equal(t, "evidence/x.zip", r.Evidence) }},
		"what fails is stored": {verdict: schemas.Verdict{Kind: schemas.VerdictRollback}, act: schemas.ActFailed,
			expect: func(env *testsuite.TestWorkflowEnvironment) {
				env.OnActivity("RollBack", mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return("", temporal.NewNonRetryableApplicationError("nothing before", "InvalidInput", nil)).Once()
			}, want: func(t *testing.T, r schemas.MonitorResult) { require.Contains(t, r.Note, "nothing before") }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := night(tt.verdict)
			got := recorded(env, 1)
			if tt.expect != nil {
				tt.expect(env)
			}
			env.ExecuteWorkflow(workflows.MonitorModel, tt.in)
			require.NoError(t, env.GetWorkflowError())
			env.AssertExpectations(t)
			require.Equal(t, tt.act, got.Act)
			if tt.want != nil {
				tt.want(t, *got)
			}
		})
	}
}

func TestADryNightStartsAndTellsNothing(t *testing.T) {
	t.Parallel()
	env := night(schemas.Verdict{Kind: schemas.VerdictRetrain})
	got := recorded(env, 0) // Tell and RunLifecycle would fail: nobody answers them
	env.ExecuteWorkflow(workflows.MonitorModel, schemas.MonitorInput{DryRun: true})
	require.NoError(t, env.GetWorkflowError())
	require.Empty(t, got.Act)
	require.Equal(t, schemas.VerdictRetrain, got.Verdict.Kind)
}

// TestANightIsCompleteWithoutItsPage: the page is for people.
func TestANightIsCompleteWithoutItsPage(t *testing.T) {
	t.Parallel()
	env := night(schemas.Verdict{Kind: schemas.VerdictNothing})
	env.OnActivity("Record", mock.Anything, mock.Anything, mock.Anything).Return(nil)
	env.OnActivity("Tell", mock.Anything, mock.Anything).Return(nil)
	env.OnSignalExternalWorkflow(mock.Anything, mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return(nil)
	env.OnActivity("Report", mock.Anything, mock.Anything, mock.Anything).Return(temporal.NewNonRetryableApplicationError("the bucket is away", "Test", nil))
	env.ExecuteWorkflow(workflows.MonitorModel, schemas.MonitorInput{})
	require.NoError(t, env.GetWorkflowError())
	var r schemas.MonitorResult
	require.NoError(t, env.GetWorkflowResult(&r))
	require.Empty(t, r.Report)
	require.Contains(t, r.Note, "no report: the bucket is away")
}
