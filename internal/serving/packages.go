package serving

import (
	"context"
	"encoding/json"
	"fmt"

	"puenktlich/internal/modelpkg"
	"puenktlich/schemas"
)

// ModelPackages are packages of an object store, kept below CacheDir once they
// were fetched.
type ModelPackages struct {
	Store    modelpkg.ObjectStore
	CacheDir string
	// Keys are the public keys of which one must have signed. Without any the
	// signature is not looked at.
	Keys []modelpkg.PublicKey
}

// Fetch downloads a package unless it is here and holds.
func (m ModelPackages) Fetch(ctx context.Context, ref schemas.PackageRef) (string, error) {
	return modelpkg.Download(ctx, m.Store, ref.Prefix, ref.Digest, m.CacheDir)
}

// Open verifies and loads a package from the disk.
func (m ModelPackages) Open(dir string) (Package, error) {
	loaded, err := modelpkg.Load(dir, m.Keys...)
	if err != nil {
		return Package{}, err
	}
	p := Package{Model: loaded.Model, Report: loaded.Report, Ref: schemas.PackageRef{
		Model: loaded.Manifest.Name, Version: loaded.Manifest.Version, Digest: loaded.Digest, Created: loaded.Manifest.Created,
	}}
	if err := json.Unmarshal(loaded.Baselines, &p.Baselines); err != nil {
		return Package{}, fmt.Errorf("baselines of package %s: %w", loaded.Manifest, err)
	}
	return p, nil
}
