package release

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/sdk/activity"

	"puenktlich/activities/failure"
	"puenktlich/internal/modelpkg"
	"puenktlich/internal/registry"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// NewestPackage is the newest registered version of the default model.
func (a *Activities) NewestPackage(ctx context.Context, _ schemas.PromoteInput) (schemas.PackageRef, error) {
	versions, err := a.Registry.Versions(ctx, schemas.DefaultModel)
	if err != nil {
		return schemas.PackageRef{}, fmt.Errorf("versions of %s: %w", schemas.DefaultModel, err)
	}
	if len(versions) == 0 {
		return schemas.PackageRef{}, failure.NothingToDo("promote: model %s has no version yet: run RunLifecycle first", schemas.DefaultModel)
	}
	return versions[len(versions)-1], nil
}

// VerifyPackage downloads a package and loads it as a server would: hashes,
// signature, golden rows.
func (a *Activities) VerifyPackage(ctx context.Context, ref schemas.PackageRef) error {
	dir, err := modelpkg.Download(ctx, a.Objects, ref.Prefix, ref.Digest, a.Dir)
	if err != nil {
		return verifyError(err, ref)
	}
	if _, err := modelpkg.Load(dir, a.Trusted...); err != nil {
		return verifyError(err, ref)
	}
	return nil
}

// verifyError tells a bad package, which no retry mends, from a store that is
// away.
func verifyError(err error, ref schemas.PackageRef) error {
	var broken *modelpkg.IntegrityError
	if errors.As(err, &broken) {
		return failure.Integrity(err, "package %s@%d", ref.Model, ref.Version)
	}
	return fmt.Errorf("verify package %s@%d: %w", ref.Model, ref.Version, err)
}

// RequestPromotion asks the workflow of the model, under an update ID made from
// the run that asks, so that a repeated request is the same one. The package is
// champion since AsOf, which defaults to the present: rules of a night ask for it.
func (a *Activities) RequestPromotion(ctx context.Context, in schemas.PromoteInput) (schemas.SwitchResult, error) {
	id := "promote-" + in.Package.Digest
	if activity.IsActivity(ctx) {
		id = fmt.Sprintf("promote-%s-%s", in.Package.Digest[:12], activity.GetInfo(ctx).WorkflowExecution.RunID)
	}
	if in.AsOf.IsZero() {
		in.AsOf = a.Clock.Now()
	}
	return a.Promoter.Promote(ctx, id, schemas.PromoteRequest{Package: in.Package, Actor: in.Actor, Reason: in.Reason, Evidence: in.Evidence, At: in.AsOf})
}

// SwitchAlias writes the champion alias conditionally and records the change.
func (a *Activities) SwitchAlias(ctx context.Context, in schemas.SwitchInput) (schemas.AliasEntry, error) {
	if in.At.IsZero() {
		in.At = a.Clock.Now()
	}
	asked := in
	in.Evidence = eventOf(switchEvent, in.Token)
	aliases, _, err := a.Registry.Switch(ctx, in)
	switch {
	case errors.Is(err, registry.ErrConflict):
		return schemas.AliasEntry{}, failure.Conflict(err, "switch champion of %s", in.Model)
	case errors.Is(err, registry.ErrNothingBefore), errors.Is(err, registry.ErrUnknownDigest):
		return schemas.AliasEntry{}, failure.InvalidInput("switch champion of %s: %v", in.Model, err)
	case err != nil:
		return schemas.AliasEntry{}, fmt.Errorf("switch champion of %s: %w", in.Model, err)
	}
	return *aliases.Champion, a.record(ctx, asked, aliases)
}

func (a *Activities) record(ctx context.Context, in schemas.SwitchInput, aliases schemas.Aliases) error {
	champion := aliases.Champion
	event := schema.RegistryEvent{EventID: switchEvent + in.Token, Model: in.Model, Version: uint32(champion.Package.Version), Digest: champion.Package.Digest,
		Event: "promoted", Alias: "champion", Actor: in.Actor, Reason: in.Reason, HappenedAt: in.At}
	if in.Rollback {
		event.Event = "rolled_back"
	}
	var before *schemas.AliasEntry
	if len(aliases.History) > 0 {
		before = &aliases.History[0]
		event.PreviousVersion = uint32(before.Package.Version)
	}
	event.Details = evidence(in.Evidence, map[string]any{"before": briefly(before), "package": champion.Package.Prefix, "update": in.Token})
	return a.save(ctx, event)
}
