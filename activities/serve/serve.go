// Package serve holds the one activity that runs inside an API instance, on a
// task queue of its own: it is asked there to serve a package.
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

// Activities of one API instance. Both fields are required.
type Activities struct {
	Loader   Loader
	Instance string
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
