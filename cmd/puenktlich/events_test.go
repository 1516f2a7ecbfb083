package main

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"puenktlich/schemas"
)

// aPersonRejects a rollout that waits for truth.
func (s *system) aPersonRejects(candidate schemas.PackageRef) {
	rollout := schemas.Rollout{ShadowDays: 1, MinEvents: 50, MaxLoss: 0.05, PatienceDays: 1}
	run, err := s.temporal.ExecuteWorkflow(s.t.Context(), client.StartWorkflowOptions{ID: schemas.PromoteID(schemas.DefaultModel), TaskQueue: string(schemas.QueueControl)}, schemas.WorkflowPromoteModel,
		schemas.PromoteInput{Package: candidate, AsOf: s.asOf, Rollout: &rollout, Actor: "test", Reason: "once more"})
	require.NoError(s.t, err)
	require.Eventually(s.t, func() bool {
		_, err := promoter{s.temporal}.opine(s.t.Context(), "", schemas.DefaultModel, schemas.UpdateReject, schemas.OpinionRequest{Digest: candidate.Digest, Actor: "bert", Reason: "seen enough of it"})
		return err == nil
	}, 30*time.Second, 100*time.Millisecond)
	var result schemas.PromoteResult
	require.NoError(s.t, run.Get(s.t.Context(), &result))
	require.Equal(s.t, schemas.OutcomeRejected, result.Outcome)
	require.Equal(s.t, "rejected by bert: seen enough of it", result.Reason)
}

// everyEventSaysWhy reads the history of the registry: each kind of change is in it,
// and each event says who, why, in which workflow, when, and on what evidence.
func (s *system) everyEventSaysWhy() {
	kinds := map[string][]string{
		"registered":  {"package", "run", "dataset", "report", "gate"},
		"promoted":    {"before", "package", "update", "given"},
		"rolled_back": {"before", "package", "update"},
		"challenged":  {"champion", "rollout", "tried_by", "given"},
		"withdrawn":   {"champion", "given"},
		"judged":      {"candidate", "reference", "days", "brier", "brier_reference", "reasons"},
	}
	events, err := s.db.RegistryEvents(s.t.Context(), schemas.DefaultModel, time.Time{})
	require.NoError(s.t, err)
	seen := map[string]bool{}
	for _, e := range events {
		require.Contains(s.t, kinds, e.Event)
		seen[e.Event] = true
		for _, said := range []string{e.Actor, e.Reason, e.WorkflowID, e.Digest} {
			require.NotEmpty(s.t, said, "%+v", e)
		}
		require.False(s.t, e.HappenedAt.IsZero(), "%+v", e)
		var evidence map[string]json.RawMessage
		require.NoError(s.t, json.Unmarshal([]byte(e.Details), &evidence), "%s: %s", e.Event, e.Details)
		require.Subset(s.t, slices.Collect(maps.Keys(evidence)), kinds[e.Event], e.Event)
		if e.Event == "withdrawn" && e.Actor == "bert" {
			require.Contains(s.t, e.Details, "seen enough of it")
		}
	}
	require.ElementsMatch(s.t, slices.Collect(maps.Keys(kinds)), slices.Collect(maps.Keys(seen)))
}
