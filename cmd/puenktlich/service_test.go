package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/api"
	"puenktlich/internal/access"
	"puenktlich/schemas"
)

// TestAFailingChampionGoesBackByItself: on a real Temporal, object store and
// ClickHouse, one API instance reports that the new champion fails. It is rolled
// back with a reason and an alert; an instance that is not there is named.
func TestAFailingChampionGoesBackByItself(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	var refs []schemas.PackageRef
	for n := 1; n <= 2; n++ {
		version, err := s.registry.NextVersion(t.Context(), schemas.DefaultModel, fmt.Sprintf("run-%d", n))
		require.NoError(t, err)
		ref := schemas.PackageRef{Model: schemas.DefaultModel, Version: version, Digest: strings.Repeat(fmt.Sprint(n), 64), Prefix: fmt.Sprintf("models/%s/%d", schemas.DefaultModel, n), Created: s.asOf}
		require.NoError(t, s.registry.Register(t.Context(), ref))
		refs = append(refs, ref)
	}
	ask := promoter{s.temporal}
	for _, ref := range refs {
		s.promote(ref)
	}
	lease := schemas.Lease{Instance: "not-there", Expires: time.Now().Add(time.Hour), Digest: refs[1].Digest,
		Health: []schemas.ServiceReport{{Digest: refs[1].Digest, Role: "champion", Forecasts: 200, Failed: 50, Slower: make([]int, len(schemas.LatencyEdges()))}}}
	require.NoError(t, s.temporal.SignalWorkflow(t.Context(), schemas.ModelID(schemas.DefaultModel), "", schemas.SignalLease, lease))
	require.Eventually(t, func() bool {
		aliases, _, err := s.registry.Aliases(t.Context(), schemas.DefaultModel)
		return err == nil && aliases.Champion.Package.Digest == refs[0].Digest && aliases.Champion.Actor == "policy"
	}, 30*time.Second, 50*time.Millisecond)
	aliases, _, err := s.registry.Aliases(t.Context(), schemas.DefaultModel)
	require.NoError(t, err)
	require.Contains(t, aliases.Champion.Reason, "50 of 200 forecasts failed, 25.0 %, at most 2.0 % may")
	require.Eventually(t, func() bool { // the instance has 30 seconds to confirm, and does not exist
		status, err := ask.status(t.Context(), schemas.DefaultModel)
		return err == nil && status.Last != nil && status.Last.Actor == "policy"
	}, 40*time.Second, 100*time.Millisecond)
	s.operatesOverHTTP(refs)
	events, err := s.db.RegistryEvents(t.Context(), schemas.DefaultModel, time.Time{})
	require.NoError(t, err)
	var told []string
	for _, e := range events {
		told = append(told, e.Event+" by "+e.Actor)
	}
	require.Contains(t, told, "rolled_back by policy")
	alerts, err := s.db.FiringAlerts(t.Context(), "model-service", schemas.DefaultModel)
	require.NoError(t, err)
	require.NotEmpty(t, alerts)
	require.Contains(t, fmt.Sprint(alerts), "rolled back to version 1 by itself")
	s.capture("model-service", schemas.ModelID(schemas.DefaultModel))
}

// operatesOverHTTP rolls back through the operator of the API and finds the key's
// identity in the registry, and the instance that did not confirm in the answer.
func (s *system) operatesOverHTTP(refs []schemas.PackageRef) {
	act := operator{s.adapters}
	actor := access.Caller{KeyID: "0123456789ab", Name: "bert"}.Actor()
	result, err := act.Rollback(s.t.Context(), "r1", schemas.DefaultModel, schemas.RollbackRequest{Digest: refs[1].Digest, Actor: actor, Reason: "it was the network"})
	require.NoError(s.t, err)
	require.Equal(s.t, "bert (key 0123456789ab)", result.Champion.Actor)
	require.Equal(s.t, []string{"not-there"}, result.Unconfirmed)
	again, err := act.Rollback(s.t.Context(), "r1", schemas.DefaultModel, schemas.RollbackRequest{Digest: refs[1].Digest, Actor: actor, Reason: "it was the network"})
	require.NoError(s.t, err, "a repeated request is the same one")
	require.Equal(s.t, result.Champion.Token, again.Champion.Token)
	_, err = act.Opine(s.t.Context(), "r2", schemas.DefaultModel, true, schemas.OpinionRequest{Digest: refs[0].Digest, Actor: actor, Reason: "x"})
	var refused *api.Error
	require.ErrorAs(s.t, err, &refused)
	require.Equal(s.t, api.KindConflict, refused.Kind)
	require.Contains(s.t, refused.Detail, "no challenger of punctuality is being tried")
	_, err = act.Promote(s.t.Context(), "r3", schemas.DefaultModel, api.PromoteOrder{Version: 9, Reason: "x"}, actor)
	require.ErrorAs(s.t, err, &refused)
	require.Equal(s.t, api.KindNotFound, refused.Kind)
}
