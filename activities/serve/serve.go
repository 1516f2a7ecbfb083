// Package serve holds the activities that run inside an API instance, on a task
// queue of its own: it is asked there to serve a package, and what to try beside it.
package serve

import (
	"context"
	"errors"

	"puenktlich/activities/failure"
	"puenktlich/schemas"
)

// Loader serves a package from now on, or fails and leaves the present one. An
// error with Refused() true says that no retry will help.
type Loader interface {
	Load(ctx context.Context, ref schemas.PackageRef) error
}

// Follower tries beside the champion what the registry says.
type Follower interface {
	// Catch follows the aliases of the registry as they are now.
	Catch(ctx context.Context) error
	// Trying is the digest of what is tried and how; empty for nothing.
	Trying() (digest string, mode schemas.Mode)
}

// Activities of one API instance. All fields are required.
type Activities struct {
	Loader   Loader
	Follower Follower
	Instance string
}

// FollowAliases returns once this instance follows the registry's aliases, which it does
// every few seconds unasked.
func (a *Activities) FollowAliases(ctx context.Context) (schemas.FollowResult, error) {
	if err := a.Follower.Catch(ctx); err != nil {
		return schemas.FollowResult{}, err
	}
	digest, mode := a.Follower.Trying()
	return schemas.FollowResult{Instance: a.Instance, Challenger: digest, Mode: mode}, nil
}

// LoadPackage returns once this instance answers with the package. Asking again
// for the one that is served changes nothing.
func (a *Activities) LoadPackage(ctx context.Context, in schemas.LoadInput) (schemas.LoadResult, error) {
	if in.Package.Digest == "" || in.Package.Prefix == "" {
		return schemas.LoadResult{}, failure.InvalidInput("load package: package.digest and package.prefix are required: ask Model to promote, which fills them in")
	}
	err := a.Loader.Load(ctx, in.Package)
	var refused interface{ Refused() bool }
	if errors.As(err, &refused) && refused.Refused() {
		return schemas.LoadResult{}, failure.Integrity(err, "instance %s keeps its present package", a.Instance)
	}
	if err != nil {
		return schemas.LoadResult{}, err
	}
	return schemas.LoadResult{Instance: a.Instance, Digest: in.Package.Digest}, nil
}
