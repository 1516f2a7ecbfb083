package workflows_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"puenktlich/activities/release"
	"puenktlich/activities/serve"
	"puenktlich/schemas"
	"puenktlich/workflows"
)

// updates collects what an update answered.
type updates struct {
	rejected error
	failed   error
	result   schemas.SwitchResult
}

func (u *updates) Accept() {}

func (u *updates) Reject(err error) { u.rejected = err }

func (u *updates) Complete(result any, err error) {
	u.failed = err
	if switched, ok := result.(schemas.SwitchResult); ok {
		u.result = switched
	}
}

func newModel(t *testing.T) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	env := quiet()
	env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: schemas.ModelID("punctuality")})
	env.RegisterActivity(&release.Activities{})
	env.RegisterActivity(&serve.Activities{})
	return env
}

// leases come after a second: one that holds and one that has expired.
func leases(env *testsuite.TestWorkflowEnvironment) {
	env.RegisterDelayedCallback(func() {
		env.SignalWorkflow(schemas.SignalLease, schemas.Lease{Instance: "api-1", Expires: env.Now().Add(time.Hour)})
		env.SignalWorkflow(schemas.SignalLease, schemas.Lease{Instance: "gone", Expires: env.Now().Add(-time.Hour)})
	}, time.Second)
}

func version(n int, digest string) schemas.PackageRef {
	return schemas.PackageRef{Model: "punctuality", Version: n, Digest: digest, Prefix: "models/punctuality/1"}
}

func TestPromoteWaitsForLeasedInstancesAndNamesThoseThatDidNotConfirm(t *testing.T) {
	t.Parallel()
	env := newModel(t)
	env.OnActivity("LoadPackage", mock.Anything, mock.Anything).Return(func(_ context.Context, in schemas.LoadInput) (schemas.LoadResult, error) {
		return schemas.LoadResult{Instance: "api-1", Digest: in.Package.Digest}, nil
	})
	env.OnActivity("SwitchAlias", mock.Anything, mock.Anything).Return(schemas.AliasEntry{Package: version(1, "abc"), Actor: "bootstrap"}, nil)
	var got updates
	leases(env)
	env.RegisterDelayedCallback(func() {
		env.UpdateWorkflow(schemas.UpdatePromote, "u1", &got, schemas.PromoteRequest{Package: version(1, "abc"), Actor: "bootstrap", Reason: "first"})
	}, 2*time.Second)
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Minute)
	env.ExecuteWorkflow(workflows.Model, schemas.ModelInput{})
	require.NoError(t, got.rejected)
	require.NoError(t, got.failed)
	require.Equal(t, "abc", got.result.Champion.Package.Digest)
	require.Equal(t, []string{"api-1"}, got.result.Confirmed, "the expired lease is not asked")
	require.Equal(t, "1 of 1 leased API instances serve it", got.result.Note)
}

func TestAnInstanceThatServesAnotherDigestIsNotConfirmed(t *testing.T) {
	t.Parallel()
	env := newModel(t)
	env.OnActivity("SwitchAlias", mock.Anything, mock.Anything).Return(schemas.AliasEntry{Package: version(2, "new")}, nil)
	env.OnActivity("LoadPackage", mock.Anything, mock.Anything).Return(schemas.LoadResult{Instance: "api-1", Digest: "old"}, nil)
	var got updates
	env.RegisterDelayedCallback(func() {
		env.SignalWorkflow(schemas.SignalLease, schemas.Lease{Instance: "api-1", Expires: env.Now().Add(time.Hour)})
	}, time.Second)
	env.RegisterDelayedCallback(func() {
		env.UpdateWorkflow(schemas.UpdateRollback, "u1", &got, schemas.RollbackRequest{Reason: "it is worse"})
	}, 2*time.Second)
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Minute)
	env.ExecuteWorkflow(workflows.Model, schemas.ModelInput{})
	require.NoError(t, got.failed)
	require.Equal(t, []string{"api-1"}, got.result.Unconfirmed)
}

// Who is leased follows a withdrawn challenger at once; an instance that cannot does not
// hold the withdrawal up.
func TestInstancesFollowTheChallengerAtOnce(t *testing.T) {
	t.Parallel()
	for name, failed := range map[string]error{"all follow": nil, "one cannot": errors.New("the object store is away")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newModel(t)
			env.OnActivity("SetChallenger", mock.Anything, mock.Anything).Return(schemas.Aliases{}, nil)
			var asked []string
			env.OnActivity("FollowAliases", mock.Anything).Return(func(ctx context.Context) (schemas.FollowResult, error) {
				asked = append(asked, activity.GetInfo(ctx).TaskQueue)
				return schemas.FollowResult{Instance: "api-1"}, failed
			})
			var got updates
			leases(env)
			env.RegisterDelayedCallback(func() {
				env.UpdateWorkflow(schemas.UpdateChallenge, "u1", &got, schemas.ChallengeRequest{Package: version(2, "new"), Actor: "policy", Reason: "it is worse"})
			}, 2*time.Second)
			env.RegisterDelayedCallback(env.CancelWorkflow, time.Minute)
			env.ExecuteWorkflow(workflows.Model, schemas.ModelInput{})
			require.NoError(t, got.rejected)
			require.NoError(t, got.failed)
			require.Equal(t, []string{string(schemas.ServeQueue("api-1"))}, asked, "the leased instance, once")
		})
	}
}

func TestModelRefusesUpdatesThatAnAuditCouldNotExplain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, update, want string
		request            any
	}{
		{"no reason", schemas.UpdatePromote, "reason is required", schemas.PromoteRequest{Package: version(1, "abc")}},
		{"no package", schemas.UpdatePromote, "package.digest and package.prefix are required", schemas.PromoteRequest{Reason: "x"}},
		{"another model", schemas.UpdatePromote, `the package is of model "other"`, schemas.PromoteRequest{Reason: "x", Package: schemas.PackageRef{Model: "other", Digest: "d", Prefix: "p"}}},
		{"rollback without reason", schemas.UpdateRollback, "reason is required", schemas.RollbackRequest{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			env := newModel(t)
			var got updates
			env.RegisterDelayedCallback(func() { env.UpdateWorkflow(tt.update, "u1", &got, tt.request) }, time.Second)
			env.RegisterDelayedCallback(env.CancelWorkflow, time.Minute)
			env.ExecuteWorkflow(workflows.Model, schemas.ModelInput{})
			require.ErrorContains(t, got.rejected, tt.want)
		})
	}
}

func TestModelUnderAnotherIDSaysWhereItRuns(t *testing.T) {
	t.Parallel()
	env := quiet()
	env.ExecuteWorkflow(workflows.Model, schemas.ModelInput{})
	require.ErrorContains(t, env.GetWorkflowError(), "runs once, under the id model/punctuality")
}

func TestCollectHandsOverToTheOneRunOfItsGroup(t *testing.T) {
	t.Parallel()
	env := quiet()
	env.RegisterWorkflow(workflows.Collect)
	var ids []string
	env.SetOnChildWorkflowStartedListener(func(info *workflow.Info, _ workflow.Context, _ converter.EncodedValues) {
		ids = append(ids, info.WorkflowExecution.ID)
	})
	env.RegisterActivityWithOptions(func(schemas.CollectInput) (schemas.CollectPlan, error) {
		return schemas.CollectPlan{Group: "main", Note: "nothing new"}, nil
	}, activity.RegisterOptions{Name: "PlanCollection"})
	env.ExecuteWorkflow(workflows.Collect, schemas.CollectInput{})
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []string{"collect/main"}, ids)
}
