// Package champion answers which package of a model is live and loads it,
// verified, from the object store or from the cache on disk.
package champion

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"puenktlich/internal/modelpkg"
	"puenktlich/internal/registry"
	"puenktlich/schemas"
)

// ErrNone says that no package of a model was ever promoted.
var ErrNone = errors.New("no champion yet: run RunLifecycle first")

// Loader loads champions and remembers the last one. It is safe for concurrent
// use. All fields are required.
type Loader struct {
	Registry registry.Registry
	Objects  modelpkg.ObjectStore
	Keys     []modelpkg.PublicKey
	Dir      string // cache of packages, by digest

	mu   sync.Mutex
	held []*modelpkg.Package // those loaded last, newest first
}

// keep bounds the packages held in memory: champion, challenger, one before.
const keep = 3

// Champion loads the present champion of a model.
func (l *Loader) Champion(ctx context.Context, model string) (*modelpkg.Package, schemas.PackageRef, error) {
	aliases, _, err := l.Registry.Aliases(ctx, model)
	if err != nil {
		return nil, schemas.PackageRef{}, fmt.Errorf("champion of %s: %w", model, err)
	}
	if aliases.Champion == nil {
		return nil, schemas.PackageRef{}, fmt.Errorf("model %s: %w", model, ErrNone)
	}
	ref := aliases.Champion.Package
	loaded, err := l.Package(ctx, ref)
	return loaded, ref, err
}

// Challenger answers the package that is tried beside the champion, nil where
// there is none.
func (l *Loader) Challenger(ctx context.Context, model string) (*modelpkg.Package, schemas.PackageRef, error) {
	aliases, _, err := l.Registry.Aliases(ctx, model)
	if err != nil {
		return nil, schemas.PackageRef{}, fmt.Errorf("challenger of %s: %w", model, err)
	}
	if aliases.Challenger == nil {
		return nil, schemas.PackageRef{}, nil
	}
	ref := aliases.Challenger.Package
	loaded, err := l.Package(ctx, ref)
	return loaded, ref, err
}

// Package loads one package.
func (l *Loader) Package(ctx context.Context, ref schemas.PackageRef) (*modelpkg.Package, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, held := range l.held {
		if held.Digest == ref.Digest {
			return held, nil
		}
	}
	dir, err := modelpkg.Download(ctx, l.Objects, ref.Prefix, ref.Digest, l.Dir)
	if err != nil {
		return nil, fmt.Errorf("fetch %s@%d: %w", ref.Model, ref.Version, err)
	}
	loaded, err := modelpkg.Load(dir, l.Keys...)
	if err != nil {
		return nil, fmt.Errorf("load %s@%d: %w", ref.Model, ref.Version, err)
	}
	l.held = append([]*modelpkg.Package{loaded}, l.held[:min(len(l.held), keep-1)]...)
	return loaded, nil
}
