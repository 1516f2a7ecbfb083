package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"puenktlich/schemas"
	"puenktlich/workflows"
)

// failing is a lease whose instance reports failures of a package.
func failing(now time.Time, digest string) schemas.Lease {
	return schemas.Lease{Instance: "api-1", Expires: now.Add(time.Hour), Digest: digest,
		Health: []schemas.ServiceReport{{Digest: digest, Role: "champion", Forecasts: 200, Failed: 50, Slower: []int{0, 0, 0, 0, 0, 0, 0, 0}}}}
}

func TestAChampionThatFailsIsRolledBackByPolicy(t *testing.T) {
	t.Parallel()
	env := newModel(t)
	at := time.Date(2026, 3, 6, 9, 0, 0, 0, time.UTC)
	var judged schemas.ServiceInput
	env.OnActivity("JudgeService", mock.Anything, mock.Anything).Return(func(_ context.Context, in schemas.ServiceInput) (schemas.ServiceVerdict, error) {
		judged = in
		return schemas.ServiceVerdict{Act: schemas.ServiceRollback, Reason: "50 of 200 forecasts failed", Package: version(1, "abc"), At: at}, nil
	})
	var switched schemas.SwitchInput
	env.OnActivity("SwitchAlias", mock.Anything, mock.Anything).Return(func(_ context.Context, in schemas.SwitchInput) (schemas.AliasEntry, error) {
		switched = in
		return schemas.AliasEntry{Package: version(1, "abc"), Actor: in.Actor}, nil
	})
	loaded := ""
	env.OnActivity("LoadPackage", mock.Anything, mock.Anything).Return(func(_ context.Context, in schemas.LoadInput) (schemas.LoadResult, error) {
		loaded = in.Package.Digest
		return schemas.LoadResult{Instance: "api-1", Digest: in.Package.Digest}, nil
	})
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(schemas.SignalLease, failing(env.Now(), "new")) }, time.Second)
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Minute)
	env.ExecuteWorkflow(workflows.Model, schemas.ModelInput{})
	require.Equal(t, 50, judged.Reports[0].Failed)
	require.Equal(t, schemas.SwitchInput{Model: "punctuality", Rollback: true, Digest: "abc", Actor: "policy", Reason: "50 of 200 forecasts failed", At: at,
		Token: "service-abc-1772787600000"}, switched)
	require.Equal(t, "abc", loaded, "the instance is asked to load it")
}

// The rollout that tries a challenger ends it; the model's workflow only says why.
func TestAChallengerThatFailsIsRejectedByItsRollout(t *testing.T) {
	t.Parallel()
	env := newModel(t)
	env.OnActivity("JudgeService", mock.Anything, mock.Anything).Return(schemas.ServiceVerdict{Act: schemas.ServiceReject, Reason: "too slow", Package: version(2, "new")}, nil)
	env.OnSignalExternalWorkflow(mock.Anything, "promote/punctuality", "", schemas.SignalOpinion, schemas.Opinion{Actor: "policy", Reason: "too slow"}).Return(nil).Once()
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(schemas.SignalLease, failing(env.Now(), "new")) }, time.Second)
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Minute)
	env.ExecuteWorkflow(workflows.Model, schemas.ModelInput{Rollout: "promote/punctuality",
		Challenger: &schemas.ChallengerEntry{AliasEntry: schemas.AliasEntry{Package: version(2, "new")}, Mode: schemas.ModeCanary}})
	env.AssertExpectations(t)
}

// A person's rollback is told to the rollout, which may be watching whom it took away.
func TestARollbackIsToldToTheRollout(t *testing.T) {
	t.Parallel()
	for name, told := range map[string]int{"anna": 1, "policy": 0} {
		env := newModel(t)
		old := version(1, "old")
		env.OnActivity("SwitchAlias", mock.Anything, mock.Anything).Return(schemas.AliasEntry{Package: old, Actor: name}, nil)
		signals := 0
		env.OnSignalExternalWorkflow(mock.Anything, "promote/punctuality", "", schemas.SignalOpinion, mock.Anything).Return(
			func(_, _, _, _ string, given any) error {
				signals++
				require.Equal(t, schemas.Opinion{Actor: "anna", Reason: "it is worse", Champion: &old}, given)
				return nil
			})
		var got updates
		env.RegisterDelayedCallback(func() {
			env.UpdateWorkflow(schemas.UpdateRollback, "u1", &got, schemas.RollbackRequest{Actor: name, Reason: "it is worse"})
		}, time.Second)
		env.RegisterDelayedCallback(env.CancelWorkflow, time.Minute)
		env.ExecuteWorkflow(workflows.Model, schemas.ModelInput{Rollout: "promote/punctuality",
			Challenger: &schemas.ChallengerEntry{AliasEntry: schemas.AliasEntry{Package: old}, Mode: schemas.ModeShadow}})
		require.NoError(t, got.failed)
		require.Equal(t, told, signals, name)
	}
}

// TestTheModelCountsForTheRollout: what instances report during a stage is summed by
// package and goes to the rollout with each tick; its limits go to the judgement.
func TestTheModelCountsForTheRollout(t *testing.T) {
	t.Parallel()
	env := newModel(t)
	plan := schemas.Rollout{ShadowDays: 1, MaxErrorRate: 0.5}
	env.OnActivity("SetChallenger", mock.Anything, mock.Anything).Return(schemas.Aliases{
		Challenger: &schemas.ChallengerEntry{AliasEntry: schemas.AliasEntry{Package: version(2, "new")}, Mode: schemas.ModeShadow}}, nil)
	var limits []*schemas.Rollout
	env.OnActivity("JudgeService", mock.Anything, mock.Anything).Return(func(_ context.Context, in schemas.ServiceInput) (schemas.ServiceVerdict, error) {
		limits = append(limits, in.Rollout)
		return schemas.ServiceVerdict{Act: schemas.ServiceFine}, nil
	})
	at := time.Date(2026, 3, 6, 9, 0, 0, 0, time.UTC)
	env.OnSignalExternalWorkflow(mock.Anything, "promote/punctuality", "", schemas.SignalTick, schemas.Tick{AsOf: at, Service: []schemas.ServiceReport{
		{Digest: "new", Role: "champion", Forecasts: 400, Failed: 100, Slower: []int{0, 0, 0, 0, 0, 0, 0, 0}}}}).Return(nil).Once()
	var got updates
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(schemas.SignalLease, failing(env.Now(), "new")) }, time.Second) // before the stage
	env.RegisterDelayedCallback(func() {
		env.UpdateWorkflow(schemas.UpdateChallenge, "u1", &got, schemas.ChallengeRequest{Package: version(2, "new"), Mode: schemas.ModeShadow,
			Actor: "anna", Reason: "try it", Rollout: "promote/punctuality", Plan: &plan})
	}, 2*time.Second)
	for i := range 2 {
		env.RegisterDelayedCallback(func() { env.SignalWorkflow(schemas.SignalLease, failing(env.Now(), "new")) }, time.Duration(i+3)*time.Second)
	}
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(schemas.SignalTick, schemas.Tick{AsOf: at}) }, 6*time.Second)
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Minute)
	env.ExecuteWorkflow(workflows.Model, schemas.ModelInput{})
	require.NoError(t, got.failed)
	require.Equal(t, []*schemas.Rollout{nil, &plan, &plan}, limits)
	env.AssertExpectations(t)
}

// Reports wait for a judgement until there are enough of them, and are bounded.
func TestReportsWaitUntilTheyAreJudged(t *testing.T) {
	t.Parallel()
	env := newModel(t)
	var seen []int
	env.OnActivity("JudgeService", mock.Anything, mock.Anything).Return(func(_ context.Context, in schemas.ServiceInput) (schemas.ServiceVerdict, error) {
		seen = append(seen, len(in.Reports))
		if len(in.Reports) == 3 {
			return schemas.ServiceVerdict{Act: schemas.ServiceFine}, nil
		}
		return schemas.ServiceVerdict{Act: schemas.ServiceWait}, nil
	})
	for i := range 4 {
		env.RegisterDelayedCallback(func() { env.SignalWorkflow(schemas.SignalLease, failing(env.Now(), "new")) }, time.Duration(i+1)*time.Second)
	}
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Minute)
	env.ExecuteWorkflow(workflows.Model, schemas.ModelInput{})
	require.Equal(t, []int{1, 2, 3, 1}, seen)
}
