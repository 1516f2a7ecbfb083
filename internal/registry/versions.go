package registry

import (
	"context"
	"fmt"

	"puenktlich/schemas"
)

// maxClaims bounds how many others may be ahead in one race for a number.
const maxClaims = 100

// claim is one version's document.
type claim struct {
	Model   string              `json:"model"`
	Version int                 `json:"version"`
	RunID   string              `json:"run_id"`
	Package *schemas.PackageRef `json:"package,omitempty"` // once registered
}

func versionKey(model string, version int) string {
	return fmt.Sprintf("models/%s/versions/%d.json", model, version)
}

// NextVersion claims the next version number of a model for a run. Numbers
// count from 1 without gaps; the same run always gets the same number, other
// runs never the same. A run that dies leaves its number claimed and unused.
func (r Registry) NextVersion(ctx context.Context, model, runID string) (int, error) {
	if err := checkModel(model); err != nil {
		return 0, err
	}
	if runID == "" {
		return 0, fmt.Errorf("%w: no run id to claim a version of %s for", ErrInvalid, model)
	}
	claims, err := r.claims(ctx, model)
	if err != nil {
		return 0, err
	}
	for _, c := range claims {
		if c.RunID == runID {
			return c.Version, nil
		}
	}
	for version := len(claims) + 1; version <= len(claims)+maxClaims; version++ {
		mine, err := r.claim(ctx, claim{Model: model, Version: version, RunID: runID})
		if err != nil {
			return 0, err
		}
		if mine {
			return version, nil
		}
	}
	return 0, fmt.Errorf("claim a version of %s: %d others were quicker, try again", model, maxClaims)
}

// claim writes a claim; what the store then holds decides whose it is.
func (r Registry) claim(ctx context.Context, c claim) (mine bool, err error) {
	key := versionKey(c.Model, c.Version)
	failed := r.put(ctx, key, c, "")
	if failed == nil {
		return true, nil
	}
	var held claim
	_, found, err := r.get(ctx, key, &held)
	if err != nil {
		return false, err
	}
	if !found {
		return false, fmt.Errorf("write %s: %w", key, failed)
	}
	return held.RunID == c.RunID, nil
}

// claims reads all versions of a model, oldest first. Since numbers have no
// gaps it ends at the first that does not exist.
func (r Registry) claims(ctx context.Context, model string) ([]claim, error) {
	var all []claim
	for version := 1; ; version++ {
		var c claim
		_, found, err := r.get(ctx, versionKey(model, version), &c)
		if err != nil || !found {
			return all, err
		}
		all = append(all, c)
	}
}

// Register writes the package under its claimed version. Registering the same
// digest again is no error; another one is ErrTaken.
func (r Registry) Register(ctx context.Context, p schemas.PackageRef) error {
	if err := checkModel(p.Model); err != nil {
		return err
	}
	if err := checkPackage(p.Model, p); err != nil {
		return err
	}
	done, err := r.register(ctx, p)
	if !done {
		// Another writer, or an answer that was lost: what is there now decides.
		_, err = r.register(ctx, p)
	}
	return err
}

// register is done where a second look would say the same.
func (r Registry) register(ctx context.Context, p schemas.PackageRef) (done bool, err error) {
	key := versionKey(p.Model, p.Version)
	var c claim
	etag, found, err := r.get(ctx, key, &c)
	switch {
	case err != nil:
		return true, err
	case !found:
		return true, fmt.Errorf("register %s@%d: %w: the version was never claimed", p.Model, p.Version, ErrInvalid)
	case c.Package != nil && c.Package.Digest == p.Digest:
		return true, nil
	case c.Package != nil:
		return true, fmt.Errorf("register %s@%d: %w by the package %s", p.Model, p.Version, ErrTaken, c.Package.Digest)
	}
	c.Package = &p
	if err := r.put(ctx, key, c, etag); err != nil {
		return false, fmt.Errorf("write %s: %w", key, err)
	}
	return true, nil
}

// Versions lists the registered packages of a model, oldest first, without the
// numbers that are claimed and not used.
func (r Registry) Versions(ctx context.Context, model string) ([]schemas.PackageRef, error) {
	if err := checkModel(model); err != nil {
		return nil, err
	}
	claims, err := r.claims(ctx, model)
	if err != nil {
		return nil, err
	}
	var packages []schemas.PackageRef
	for _, c := range claims {
		if c.Package != nil {
			packages = append(packages, *c.Package)
		}
	}
	return packages, nil
}

// registered says whether this very package stands under its version.
func (r Registry) registered(ctx context.Context, p schemas.PackageRef) (bool, error) {
	var c claim
	_, found, err := r.get(ctx, versionKey(p.Model, p.Version), &c)
	return found && c.Package != nil && c.Package.Digest == p.Digest, err
}
