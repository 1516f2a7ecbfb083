package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"puenktlich/schemas"
)

// TestARolloutWaitsForItsApproval: on a real Temporal and object store a rollout whose
// gates hold waits for a person for two days of domain time. It is captured as it waits
// after the first of them, once it was approved, and, of the next version, once both
// days were over.
func TestARolloutWaitsForItsApproval(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	s.promote(s.tinyPackage(1))
	approved, ignored := s.tinyPackage(2), s.tinyPackage(3)

	run := s.waitForApproval(approved)
	s.dayIsOver(1)
	s.capture("promote-waiting", run.GetID())
	said, err := promoter{s.temporal}.opine(t.Context(), "", schemas.DefaultModel, schemas.UpdateApprove, schemas.OpinionRequest{Digest: approved.Digest, Actor: "anna", Reason: "looked at it"})
	require.NoError(t, err)
	require.Equal(t, "promote/punctuality takes the opinion of anna about punctuality@2", said)
	var result schemas.PromoteResult
	require.NoError(t, run.Get(t.Context(), &result))
	require.Equal(t, schemas.OutcomePromoted, result.Outcome)
	require.Equal(t, "anna", result.Switch.Champion.Actor)
	s.capture("promote-approved", run.GetID())

	run = s.waitForApproval(ignored)
	s.dayIsOver(1)
	s.tick(2)
	result = schemas.PromoteResult{}
	require.NoError(t, run.Get(t.Context(), &result))
	require.Equal(t, schemas.OutcomeRejected, result.Outcome)
	require.Equal(t, "nobody approved it in 2 days, until 2026-03-08 08:00 UTC", result.Reason)
	require.Equal(t, approved, result.Champion)
	s.capture("promote-unapproved", run.GetID())
	aliases, _, err := s.registry.Aliases(t.Context(), schemas.DefaultModel)
	require.NoError(t, err)
	require.Nil(t, aliases.Challenger)
	require.Equal(t, approved.Digest, aliases.Champion.Package.Digest)
}

// waitForApproval starts a rollout and answers once it waits.
func (s *system) waitForApproval(candidate schemas.PackageRef) client.WorkflowRun {
	s.t.Helper()
	rollout := schemas.Rollout{Approval: schemas.ApprovalRequired, ApprovalDays: 2}
	run, err := s.temporal.ExecuteWorkflow(s.t.Context(), client.StartWorkflowOptions{ID: schemas.PromoteID(schemas.DefaultModel), TaskQueue: string(schemas.QueueControl)}, schemas.WorkflowPromoteModel,
		schemas.PromoteInput{Package: candidate, AsOf: s.asOf, Rollout: &rollout, Actor: "bert", Reason: "better"})
	require.NoError(s.t, err)
	s.awaitRollout(func(r schemas.RolloutStatus) bool { return r.Stage == schemas.StageApproval && r.Waiting })
	return run
}

// dayIsOver tells the rollout that so many days have gone by, and waits until it knows.
func (s *system) dayIsOver(days int) {
	s.t.Helper()
	s.tick(days)
	s.awaitRollout(func(r schemas.RolloutStatus) bool { return r.Through.Equal(s.asOf.AddDate(0, 0, days)) })
}

// tick is what the nightly run sends to the workflow of the model.
func (s *system) tick(days int) {
	s.t.Helper()
	require.NoError(s.t, s.temporal.SignalWorkflow(s.t.Context(), schemas.ModelID(schemas.DefaultModel), "", schemas.SignalTick, schemas.Tick{AsOf: s.asOf.AddDate(0, 0, days)}))
}

func (s *system) awaitRollout(until func(schemas.RolloutStatus) bool) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		var status schemas.RolloutStatus
		value, err := s.temporal.QueryWorkflow(s.t.Context(), schemas.PromoteID(schemas.DefaultModel), "", schemas.QueryRollout)
		return err == nil && value.Get(&status) == nil && until(status)
	}, time.Minute, 50*time.Millisecond)
}
