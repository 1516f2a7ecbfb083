package serve_test

import (
	"context"
	"errors"
	"testing"

	"go.temporal.io/sdk/temporal"

	"puenktlich/activities/serve"
	"puenktlich/internal/serving"
	"puenktlich/internal/serving/servingtest"
	"puenktlich/schemas"
)

// instance is a real Champion over packages that a test breaks.
func instance(t *testing.T, packages *servingtest.Packages) *serve.Activities {
	t.Helper()
	champion := serving.NewChampion(serving.ChampionOptions{Model: schemas.DefaultModel, Packages: packages, Dir: t.TempDir()})
	return &serve.Activities{Loader: champion, Instance: "api-1"}
}

func TestLoadPackage(t *testing.T) {
	t.Parallel()
	good, bad := servingtest.Ref(1), servingtest.Ref(2)
	packages := &servingtest.Packages{Broken: map[string]error{bad.Digest: errors.New("golden row 3 does not hold")}}
	a := instance(t, packages)
	for range 2 { // asked again it confirms again
		got, err := a.LoadPackage(t.Context(), schemas.LoadInput{Package: good})
		if err != nil || got != (schemas.LoadResult{Instance: "api-1", Digest: good.Digest}) {
			t.Fatalf("got %+v, %v", got, err)
		}
	}
	wantFinal(t, load(t.Context(), a, bad), schemas.FailureIntegrity)
	wantFinal(t, load(t.Context(), a, schemas.PackageRef{Model: schemas.DefaultModel}), schemas.FailureInvalidInput)
	packages.Offline = true
	var final *temporal.ApplicationError
	if err := load(t.Context(), a, servingtest.Ref(3)); err == nil || errors.As(err, &final) {
		t.Errorf("while the object store is away: %v, want an error that is retried", err)
	}
}

// registry has the aliases that a test says.
type registry struct{ aliases schemas.Aliases }

func (r *registry) Aliases(context.Context, string) (schemas.Aliases, string, error) {
	return r.aliases, "", nil
}

// A canary ends with the alias, not when the instance happens to look.
func TestFollowAliases(t *testing.T) {
	t.Parallel()
	champion := serving.NewChampion(serving.ChampionOptions{Model: schemas.DefaultModel, Packages: &servingtest.Packages{Broken: map[string]error{servingtest.Ref(3).Digest: errors.New("broken")}}, Dir: t.TempDir()})
	known := &registry{schemas.Aliases{Champion: &schemas.AliasEntry{Package: servingtest.Ref(1)}}}
	a := &serve.Activities{Loader: champion, Follower: serving.Following{Champion: champion, Aliases: known}, Instance: "api-1"}
	follow := func(version int, want schemas.FollowResult) {
		t.Helper()
		if known.aliases.Challenger = nil; version > 0 {
			known.aliases.Challenger = &schemas.ChallengerEntry{AliasEntry: schemas.AliasEntry{Package: servingtest.Ref(version)}, Mode: schemas.ModeCanary, Share: 0.5}
		}
		if got, err := a.FollowAliases(t.Context()); err != nil || got != want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
	follow(0, schemas.FollowResult{Instance: "api-1"})
	follow(2, schemas.FollowResult{Instance: "api-1", Challenger: servingtest.Ref(2).Digest, Mode: schemas.ModeCanary})
	follow(0, schemas.FollowResult{Instance: "api-1"})
	known.aliases.Challenger = &schemas.ChallengerEntry{AliasEntry: schemas.AliasEntry{Package: servingtest.Ref(3)}, Mode: schemas.ModeShadow}
	if _, err := a.FollowAliases(t.Context()); err == nil {
		t.Error("a challenger that cannot be loaded is followed")
	}
	if champion.Trial() != nil {
		t.Error("and is tried")
	}
}

func load(ctx context.Context, a *serve.Activities, ref schemas.PackageRef) error {
	_, err := a.LoadPackage(ctx, schemas.LoadInput{Package: ref})
	return err
}

func wantFinal(t *testing.T, err error, kind schemas.FailureType) {
	t.Helper()
	var final *temporal.ApplicationError
	if !errors.As(err, &final) || final.Type() != string(kind) || !final.NonRetryable() {
		t.Errorf("got %v, want a final failure of type %s", err, kind)
	}
}
