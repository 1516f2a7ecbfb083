package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/testsuite"

	"puenktlich/activities/release"
	"puenktlich/schemas"
	"puenktlich/workflows"
)

var began = time.Date(2024, 10, 29, 3, 0, 0, 0, time.UTC)

// rolling is a run of PromoteModel whose steps are told what to answer; asked
// lists what it asked of the model's workflow.
type rolling struct {
	*testsuite.TestWorkflowEnvironment
	asked []string
	// withdrawn is the last request that took a challenger away.
	withdrawn schemas.ChallengeRequest
	// champion is whom the registry has as such once a challenger is set; nil leaves it out.
	champion *schemas.AliasEntry
	// switched is the moment the switch is to have; zero is that of the clock.
	switched time.Time
}

func newRolling(rollout schemas.Rollout, judge func(schemas.JudgeInput) schemas.Judgement) *rolling {
	r := &rolling{TestWorkflowEnvironment: quiet()}
	r.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: schemas.PromoteID("punctuality")})
	r.RegisterActivity(&release.Activities{})
	champion := version(1, "old")
	r.OnActivity("PlanRollout", mock.Anything, mock.Anything).Return(schemas.RolloutPlan{Rollout: rollout, Package: version(2, "new"), Champion: &champion, AsOf: began}, nil)
	r.OnActivity("VerifyPackage", mock.Anything, mock.Anything).Return(nil)
	r.OnActivity("JudgeChallenger", mock.Anything, mock.Anything).Return(func(_ context.Context, in schemas.JudgeInput) (schemas.Judgement, error) {
		j := judge(in)
		j.Stage, j.AsOf = in.Stage, in.AsOf
		return j, nil
	})
	r.OnActivity("RequestChallenge", mock.Anything, mock.Anything).Return(func(_ context.Context, in schemas.ChallengeRequest) (schemas.Aliases, error) {
		r.asked = append(r.asked, "challenge "+in.Package.Digest+" "+string(in.Mode))
		if in.Mode == "" {
			r.withdrawn = in
		}
		return schemas.Aliases{Champion: r.champion}, nil
	})
	r.OnActivity("RequestPromotion", mock.Anything, mock.Anything).Return(func(_ context.Context, in schemas.PromoteInput) (schemas.SwitchResult, error) {
		r.asked, r.switched = append(r.asked, "promote "+in.Package.Digest+" by "+in.Actor), in.AsOf
		return schemas.SwitchResult{Champion: schemas.AliasEntry{Package: in.Package, Actor: in.Actor}}, nil
	})
	r.OnActivity("RequestRollback", mock.Anything, mock.Anything, mock.Anything).Return(func(_ context.Context, _ string, in schemas.RollbackRequest) (schemas.SwitchResult, error) {
		r.asked = append(r.asked, "roll back to "+in.Digest)
		return schemas.SwitchResult{Champion: schemas.AliasEntry{Package: version(1, in.Digest)}}, nil
	})
	return r
}

// tickDaily sends a tick a day, each a minute of the server's time apart.
func (r *rolling) tickDaily(days int) {
	for i := 1; i <= days; i++ {
		r.RegisterDelayedCallback(func() { r.SignalWorkflow(schemas.SignalTick, schemas.Tick{AsOf: began.AddDate(0, 0, i)}) }, time.Duration(i)*time.Minute)
	}
}

func (r *rolling) finish(t *testing.T) schemas.PromoteResult {
	t.Helper()
	return r.finishAs(t, time.Time{})
}

func (r *rolling) finishAs(t *testing.T, asOf time.Time) schemas.PromoteResult {
	t.Helper()
	r.ExecuteWorkflow(workflows.PromoteModel, schemas.PromoteInput{Actor: "ops", Reason: "better", AsOf: asOf})
	require.NoError(t, r.GetWorkflowError())
	var result schemas.PromoteResult
	require.NoError(t, r.GetWorkflowResult(&result))
	return result
}

// after advances once so many days have settled.
func after(days int) func(schemas.JudgeInput) schemas.Judgement {
	return func(in schemas.JudgeInput) schemas.Judgement {
		if in.AsOf.Sub(in.Since) < time.Duration(days)*24*time.Hour {
			return schemas.Judgement{Next: schemas.NextWait}
		}
		return schemas.Judgement{Next: schemas.NextAdvance, Reasons: []string{"good"}}
	}
}

func TestRolloutGoesThroughItsStages(t *testing.T) {
	t.Parallel()
	r := newRolling(schemas.Rollout{ShadowDays: 1, CanaryDays: 1, CanaryShare: 0.1, WatchDays: 1}, after(1))
	r.tickDaily(4)
	result := r.finish(t)
	require.Equal(t, schemas.OutcomePromoted, result.Outcome)
	require.Equal(t, []string{"challenge new shadow", "challenge new canary", "promote new by ops", "challenge old shadow", "challenge old "}, r.asked)
	require.Len(t, result.Judged, 3)
	require.Equal(t, began.AddDate(0, 0, 3), result.Judged[2].AsOf, "a stage begins where the one before ended")
}

func TestAChampionIsOneSinceTheMomentThatIsLivedThroughAgain(t *testing.T) {
	t.Parallel()
	for asOf, want := range map[time.Time]time.Time{began: began.AddDate(0, 0, 1), {}: {}} {
		r := newRolling(schemas.Rollout{ShadowDays: 1}, after(1))
		r.tickDaily(2)
		r.finishAs(t, asOf)
		require.Equal(t, want, r.switched)
	}
}

func TestARejectedShadowNeverBecomesChampion(t *testing.T) {
	t.Parallel()
	r := newRolling(schemas.Rollout{ShadowDays: 1}, func(schemas.JudgeInput) schemas.Judgement {
		return schemas.Judgement{Next: schemas.NextReject, Reasons: []string{"clearly worse"}}
	})
	result := r.finish(t)
	require.Equal(t, schemas.OutcomeRejected, result.Outcome)
	require.Equal(t, "old", result.Champion.Digest)
	require.Equal(t, "clearly worse", result.Reason)
	require.Equal(t, []string{"challenge new shadow", "challenge new "}, r.asked)
}

func TestAWatchedChampionThatIsWorseGoesBack(t *testing.T) {
	t.Parallel()
	r := newRolling(schemas.Rollout{WatchDays: 2}, func(in schemas.JudgeInput) schemas.Judgement {
		if in.AsOf.After(began) {
			return schemas.Judgement{Next: schemas.NextReject, Reasons: []string{"clearly worse"}}
		}
		return schemas.Judgement{Next: schemas.NextWait}
	})
	r.tickDaily(1)
	result := r.finish(t)
	require.Equal(t, schemas.OutcomeRolledBack, result.Outcome)
	require.Equal(t, []string{"promote new by ops", "challenge old shadow", "roll back to old"}, r.asked)
}

// TestAWatchEndsWhereAnotherChampionCameBack: a person's rollback is not undone by the
// rollout, nor called a promotion; before the watch it is no opinion on the challenger.
func TestAWatchEndsWhereAnotherChampionCameBack(t *testing.T) {
	t.Parallel()
	oldest := version(0, "oldest")
	back := schemas.Opinion{Actor: "anna", Reason: "it is worse", Champion: &oldest}
	wait := func(schemas.JudgeInput) schemas.Judgement { return schemas.Judgement{Next: schemas.NextWait} }
	t.Run("while it is watched", func(t *testing.T) {
		t.Parallel()
		r := newRolling(schemas.Rollout{WatchDays: 2}, wait)
		r.RegisterDelayedCallback(func() { r.SignalWorkflow(schemas.SignalOpinion, back) }, time.Hour)
		result := r.finish(t)
		require.Equal(t, schemas.OutcomeRolledBack, result.Outcome)
		require.Equal(t, oldest, result.Champion)
		require.Equal(t, "version 0 is champion again by anna: it is worse", result.Reason)
		require.Equal(t, []string{"promote new by ops", "challenge old shadow", "challenge old "}, r.asked)
		require.Equal(t, "anna", r.withdrawn.Actor)
	})
	t.Run("before the watch begins", func(t *testing.T) {
		t.Parallel()
		r := newRolling(schemas.Rollout{WatchDays: 2}, wait)
		r.champion = &schemas.AliasEntry{Package: version(1, "old"), Actor: "policy", Reason: "50 of 200 forecasts failed"}
		result := r.finish(t)
		require.Equal(t, schemas.OutcomeRolledBack, result.Outcome)
		require.Equal(t, "old", result.Champion.Digest)
		require.Equal(t, "version 1 is champion again by policy: 50 of 200 forecasts failed", result.Reason)
		require.Equal(t, []string{"promote new by ops", "challenge old shadow", "challenge old "}, r.asked)
	})
	t.Run("while the last judgement is made", func(t *testing.T) {
		t.Parallel()
		var r *rolling
		r = newRolling(schemas.Rollout{WatchDays: 1}, func(in schemas.JudgeInput) schemas.Judgement {
			j := after(1)(in)
			if j.Next == schemas.NextAdvance {
				r.champion = &schemas.AliasEntry{Package: version(1, "old"), Actor: "anna", Reason: "it is worse"}
				r.SignalWorkflow(schemas.SignalOpinion, schemas.Opinion{Actor: "anna", Reason: "it is worse", Champion: &r.champion.Package})
			}
			return j
		})
		r.tickDaily(1)
		result := r.finish(t)
		require.Equal(t, schemas.OutcomeRolledBack, result.Outcome)
		require.Equal(t, "old", result.Champion.Digest)
		require.Equal(t, "version 1 is champion again by anna: it is worse", result.Reason)
		require.Equal(t, []string{"promote new by ops", "challenge old shadow", "challenge old "}, r.asked)
	})
	t.Run("during shadow", func(t *testing.T) {
		t.Parallel()
		r := newRolling(schemas.Rollout{ShadowDays: 1}, after(1))
		r.RegisterDelayedCallback(func() { r.SignalWorkflow(schemas.SignalOpinion, back) }, time.Second)
		r.tickDaily(1)
		require.Equal(t, schemas.OutcomePromoted, r.finish(t).Outcome)
	})
}

func TestApprovalIsSomebodys(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		approved bool
		outcome  schemas.Outcome
		last     string
	}{
		"approved": {true, schemas.OutcomePromoted, "promote new by anna"},
		"rejected": {false, schemas.OutcomeRejected, "challenge new "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRolling(schemas.Rollout{Approval: schemas.ApprovalRequired}, after(1))
			r.RegisterDelayedCallback(func() {
				require.Equal(t, []string{"challenge new shadow"}, r.asked, "nothing happens before an opinion")
				r.SignalWorkflow(schemas.SignalOpinion, schemas.Opinion{Approved: tt.approved, Actor: "anna", Reason: "looked at it"})
			}, time.Hour)
			result := r.finish(t)
			require.Equal(t, tt.outcome, result.Outcome)
			require.Equal(t, tt.last, r.asked[len(r.asked)-1])
		})
	}
}

// TestAnApprovalIsNotWaitedForWithoutEnd: days of domain time, as ticks tell it,
// end the wait, whatever Temporal's clock says.
func TestAnApprovalIsNotWaitedForWithoutEnd(t *testing.T) {
	t.Parallel()
	r := newRolling(schemas.Rollout{Approval: schemas.ApprovalRequired, ApprovalDays: 3}, after(1))
	r.tickDaily(2)
	r.RegisterDelayedCallback(func() {
		require.Equal(t, []string{"challenge new shadow"}, r.asked, "two days have passed")
		r.SignalWorkflow(schemas.SignalTick, schemas.Tick{AsOf: began.AddDate(0, 0, 3)})
	}, 1000*time.Hour)
	result := r.finish(t)
	require.Equal(t, schemas.OutcomeRejected, result.Outcome)
	require.Equal(t, "nobody approved it in 3 days, until 2024-11-01 03:00 UTC", result.Reason)
	require.Equal(t, []string{"challenge new shadow", "challenge new "}, r.asked)
	require.Equal(t, "policy", r.withdrawn.Actor)
}

// TestAnApprovalInTimeCounts on the last day.
func TestAnApprovalInTimeCounts(t *testing.T) {
	t.Parallel()
	r := newRolling(schemas.Rollout{Approval: schemas.ApprovalRequired, ApprovalDays: 3}, after(1))
	r.tickDaily(2)
	r.RegisterDelayedCallback(func() {
		r.SignalWorkflow(schemas.SignalOpinion, schemas.Opinion{Approved: true, Actor: "anna", Reason: "looked at it"})
	}, time.Hour)
	require.Equal(t, schemas.OutcomePromoted, r.finish(t).Outcome)
}

// TestAStageIsJudgedOnHowItsPackagesServe: what comes with a tick reaches the
// judgement, and ends with the stage.
func TestAStageIsJudgedOnHowItsPackagesServe(t *testing.T) {
	t.Parallel()
	var seen []int
	r := newRolling(schemas.Rollout{ShadowDays: 1, CanaryDays: 1, CanaryShare: 0.1, MaxErrorRate: 0.1}, func(in schemas.JudgeInput) schemas.Judgement {
		seen = append(seen, len(in.Service))
		require.Equal(t, 0.1, in.Rollout.MaxErrorRate)
		return after(1)(in)
	})
	for day := 1; day <= 2; day++ {
		r.RegisterDelayedCallback(func() {
			r.SignalWorkflow(schemas.SignalTick, schemas.Tick{AsOf: began.AddDate(0, 0, day), Service: []schemas.ServiceReport{{Digest: "new", Forecasts: 7}}})
		}, time.Duration(day)*time.Minute)
	}
	require.Equal(t, schemas.OutcomePromoted, r.finish(t).Outcome)
	require.Equal(t, []int{0, 1, 0, 1}, seen, "shadow, a day later; canary, a day later")
}

func TestAPersonRejectsDuringShadow(t *testing.T) {
	t.Parallel()
	r := newRolling(schemas.Rollout{ShadowDays: 5}, after(5))
	r.tickDaily(2)
	r.RegisterDelayedCallback(func() {
		r.SignalWorkflow(schemas.SignalOpinion, schemas.Opinion{Actor: "anna", Reason: "wrong data"})
	}, time.Hour)
	result := r.finish(t)
	require.Equal(t, schemas.OutcomeRejected, result.Outcome)
	require.Equal(t, "rejected by anna: wrong data", result.Reason)
	require.Equal(t, "anna", r.withdrawn.Actor, "not whoever asked for the rollout")
	require.Contains(t, r.withdrawn.Evidence, `"opinion":{"approved":false,"actor":"anna"`)
}

func TestACancelledRolloutTakesItsChallengerAway(t *testing.T) {
	t.Parallel()
	r := newRolling(schemas.Rollout{ShadowDays: 5}, after(5))
	r.RegisterDelayedCallback(r.CancelWorkflow, time.Hour)
	r.ExecuteWorkflow(workflows.PromoteModel, schemas.PromoteInput{Reason: "better"})
	require.Error(t, r.GetWorkflowError())
	require.Equal(t, []string{"challenge new shadow", "challenge new "}, r.asked)
}
