package registry

import (
	"context"
	"fmt"

	"puenktlich/schemas"
)

// maxClaims bounds how many others may be ahead in one race for a number.
const maxClaims = 100

// claim says whose a version is.
type claim struct {
	Model   string `json:"model"`
	Version int    `json:"version"`
	RunID   string `json:"run_id"`
}

func versionKey(model string, version int) string {
	return fmt.Sprintf("models/%s/versions/%d.json", model, version)
}

func packageKey(model string, version int) string {
	return fmt.Sprintf("models/%s/packages/%d.json", model, version)
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
		var held claim
		made, err := r.create(ctx, versionKey(model, version), claim{model, version, runID}, &held)
		if err != nil {
			return 0, err
		}
		if made || held.RunID == runID {
			return version, nil
		}
	}
	return 0, fmt.Errorf("claim a version of %s: %d others were quicker, try again", model, maxClaims)
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

// Register writes down the package of a claimed version. Registering the same
// digest again is no error; another one is ErrTaken.
func (r Registry) Register(ctx context.Context, p schemas.PackageRef) error {
	if err := checkModel(p.Model); err != nil {
		return err
	}
	if err := checkPackage(p.Model, p); err != nil {
		return err
	}
	var c claim
	_, found, err := r.get(ctx, versionKey(p.Model, p.Version), &c)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("register %s@%d: %w: the version was never claimed", p.Model, p.Version, ErrInvalid)
	}
	var held schemas.PackageRef
	made, err := r.create(ctx, packageKey(p.Model, p.Version), p, &held)
	if err == nil && !made && held.Digest != p.Digest {
		err = fmt.Errorf("register %s@%d: %w by the package %s", p.Model, p.Version, ErrTaken, held.Digest)
	}
	return err
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
		var p schemas.PackageRef
		_, found, err := r.get(ctx, packageKey(model, c.Version), &p)
		if err != nil {
			return nil, err
		}
		if found {
			packages = append(packages, p)
		}
	}
	return packages, nil
}

// OfRun finds the package that was built of a run; found is false where none was
// registered.
func (r Registry) OfRun(ctx context.Context, model, runID string) (p schemas.PackageRef, found bool, err error) {
	claims, err := r.claims(ctx, model)
	if err != nil {
		return p, false, err
	}
	for _, c := range claims {
		if c.RunID == runID {
			_, found, err = r.get(ctx, packageKey(model, c.Version), &p)
			return p, found, err
		}
	}
	return p, false, nil
}

// registered says whether this very package stands under its version.
func (r Registry) registered(ctx context.Context, p schemas.PackageRef) (bool, error) {
	var held schemas.PackageRef
	_, found, err := r.get(ctx, packageKey(p.Model, p.Version), &held)
	return found && held.Digest == p.Digest, err
}
