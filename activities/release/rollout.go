package release

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/sdk/activity"

	"puenktlich/activities/failure"
	"puenktlich/internal/policy"
	"puenktlich/internal/registry"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// PlanRollout fills in the package, the configured rollout and the champion it
// goes against.
func (a *Activities) PlanRollout(ctx context.Context, in schemas.PromoteInput) (schemas.RolloutPlan, error) {
	plan := schemas.RolloutPlan{Rollout: a.Rollout, Package: in.Package, AsOf: in.AsOf}
	if in.Rollout != nil {
		plan.Rollout = in.Rollout.Or(a.Rollout)
	}
	if err := policy.CheckRollout(plan.Rollout); err != nil {
		return plan, failure.InvalidInput("promote: %v", err)
	}
	if plan.AsOf.IsZero() {
		plan.AsOf = a.Clock.Now()
	}
	var err error
	if plan.Package.Digest == "" {
		if plan.Package, err = a.NewestPackage(ctx, in); err != nil {
			return plan, err
		}
	}
	aliases, _, err := a.Registry.Aliases(ctx, plan.Package.Model)
	if err != nil {
		return plan, fmt.Errorf("champion of %s: %w", plan.Package.Model, err)
	}
	if aliases.Champion != nil {
		plan.Champion = &aliases.Champion.Package
	}
	return plan, nil
}

// RequestChallenge asks the workflow of the model to put a package beside the
// champion, or to take it away.
func (a *Activities) RequestChallenge(ctx context.Context, in schemas.ChallengeRequest) (schemas.Aliases, error) {
	if in.At.IsZero() {
		in.At = a.Clock.Now()
	}
	mode := in.Mode
	if mode == "" {
		mode = "none"
	}
	return a.Promoter.Challenge(ctx, updateID(ctx, "challenge-"+string(mode), in.Package), in)
}

// RequestRollback asks it to bring back the champion before.
func (a *Activities) RequestRollback(ctx context.Context, model string, in schemas.RollbackRequest) (schemas.SwitchResult, error) {
	if in.At.IsZero() {
		in.At = a.Clock.Now()
	}
	return a.Promoter.Rollback(ctx, updateID(ctx, "rollback", schemas.PackageRef{Digest: in.Digest}), model, in)
}

// updateID is the same for a repeated request of one run.
func updateID(ctx context.Context, what string, p schemas.PackageRef) string {
	id := what + "-" + p.Digest[:min(12, len(p.Digest))]
	if activity.IsActivity(ctx) {
		id += "-" + activity.GetInfo(ctx).WorkflowExecution.RunID
	}
	return id
}

// SetChallenger writes the alias conditionally and records the change.
func (a *Activities) SetChallenger(ctx context.Context, in schemas.ChallengeInput) (schemas.Aliases, error) {
	if in.At.IsZero() {
		in.At = a.Clock.Now()
	}
	given := in.Evidence
	in.Evidence = eventOf(challengeEvent, in.Token)
	aliases, err := a.Registry.Challenge(ctx, in)
	switch {
	case errors.Is(err, registry.ErrConflict):
		return aliases, failure.Conflict(err, "challenger of %s", in.Model)
	case errors.Is(err, registry.ErrUnknownDigest), errors.Is(err, registry.ErrInvalid):
		return aliases, failure.InvalidInput("challenger of %s: %v", in.Model, err)
	case err != nil:
		return aliases, fmt.Errorf("challenger of %s: %w", in.Model, err)
	}
	event := schema.RegistryEvent{EventID: challengeEvent + in.Token, Model: in.Model, Version: uint32(in.Package.Version), Digest: in.Package.Digest,
		Event: "challenged", Alias: "challenger", Mode: string(in.Mode), Actor: in.Actor, Reason: in.Reason, HappenedAt: in.At}
	if in.Mode == "" {
		event.Event = "withdrawn"
	}
	event.Details = evidence(given, map[string]any{"champion": briefly(aliases.Champion), "share": in.Share, "rollout": in.Plan, "tried_by": in.Rollout})
	return aliases, a.save(ctx, event)
}
