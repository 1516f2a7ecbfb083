package prepare

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"puenktlich/activities/failure"
	"puenktlich/internal/dataset"
	"puenktlich/internal/feature"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	columns "puenktlich/schemas/dataset"
)

// selection is what the rows of every data set are.
const selection = "every event planned on the days whose truth was settled by as_of, at each horizon at which its plan was known; " +
	"features from what was polled by the cut-off less the lag, and from days that ended three hours before the cut-off"

// SealDataset checks the parts and writes the manifest, last of all and under
// its own hash: a data set without one is not there, and one with it is whole.
// The same parts give the same ID. One that fails a check is kept as invalid.
func (a *Activities) SealDataset(ctx context.Context, in schemas.PrepareManifestInput) (schemas.SealedDataset, error) {
	var sealed schemas.SealedDataset
	if len(in.Plan.Days) == 0 {
		return sealed, failure.InvalidInput("seal data set: the plan names no day")
	}
	manifest := a.manifest(in)
	var err error
	if manifest.Sources, err = a.sources(ctx, in.Plan.Days); err != nil {
		return sealed, err
	}
	profiles, err := a.profiles(ctx, manifest.Parts)
	if err != nil {
		return sealed, err
	}
	want := Expected(in.Plan.Days, in.Plan.Horizons)
	manifest.Checks = append([]schemas.Check{planned(in.Plan)}, dataset.Check(want, manifest.Parts, profiles)...)
	manifest.ID, manifest.State = identify(manifest), schemas.DatasetValid
	if schemas.Stops(manifest.Checks) {
		manifest.State = schemas.DatasetInvalid
	}
	sealed.DatasetRef = schemas.DatasetRef{ID: manifest.ID, Days: manifest.Query.Days, Rows: manifest.Rows, Events: manifest.Events,
		Late: manifest.Late, FeatureVersion: manifest.FeatureVersion}
	sealed.State, sealed.Checks = manifest.State, schemas.FailedChecks(manifest.Checks)
	body, err := json.MarshalIndent(manifest, "", "  ")
	if err != nil {
		return sealed, fmt.Errorf("write data set manifest: %w", err)
	}
	if sealed.Manifest, err = a.Objects.PutContent(ctx, schemas.ManifestPrefix(manifest.ID), ".json", body); err != nil {
		return sealed, fmt.Errorf("write data set manifest: %w", err)
	}
	return sealed, nil
}

// manifest lists the parts that have rows, and sums them.
func (a *Activities) manifest(in schemas.PrepareManifestInput) schemas.DatasetManifest {
	days := schemas.DayRange{From: in.Plan.Days[0], To: dayAfter(in.Plan.Days)}
	m := schemas.DatasetManifest{FeatureVersion: in.Plan.FeatureVersion, Features: feature.Names(), Horizons: in.Plan.Horizons,
		AsOf: in.Plan.AsOf, CodeVersion: a.CodeVersion,
		Query: schemas.DatasetQuery{PrepareInput: schemas.PrepareInput{Days: days, Horizons: in.Plan.Horizons, AsOf: in.Plan.AsOf},
			Source: a.Name, LagSeconds: a.Lag.Seconds(), Selection: selection}}
	for _, part := range in.Parts {
		if part.Object.Key == "" {
			continue
		}
		m.Parts = append(m.Parts, part)
		m.Rows += part.Object.Rows
		m.Events += part.Events
		m.Late += part.Late
	}
	return m
}

// profiles reads what the parts hold.
func (a *Activities) profiles(ctx context.Context, parts []schemas.DatasetPart) ([]columns.Profile, error) {
	profiles := make([]columns.Profile, len(parts))
	for i, part := range parts {
		body, err := a.Objects.GetContent(ctx, part.Profile)
		switch {
		case errors.Is(err, schemas.ErrObjectMissing) || errors.Is(err, schemas.ErrObjectCorrupt):
			return nil, failure.Integrity(err, "seal data set: profile of %s", part.Day)
		case err != nil:
			return nil, fmt.Errorf("seal data set: profile of %s: %w", part.Day, err)
		}
		if err := json.Unmarshal(body, &profiles[i]); err != nil {
			return nil, failure.Integrity(err, "seal data set: profile of %s (%s)", part.Day, part.Profile.Key)
		}
	}
	return profiles, nil
}

// planned checks that the worker that seals is of the version that planned.
func planned(plan schemas.PreparePlan) schemas.Check {
	c := schemas.Check{Name: "planned_version", Severity: schemas.SeverityStop, Passed: plan.FeatureVersion == feature.Version(),
		Detail: fmt.Sprintf("planned with features %s, this worker has %s", plan.FeatureVersion, feature.Version())}
	return c
}

// identify hashes what determines the content: features, horizons and parts.
func identify(m schemas.DatasetManifest) string {
	h := sha256.New()
	fmt.Fprintln(h, m.FeatureVersion, m.Horizons)
	for _, part := range m.Parts {
		fmt.Fprintln(h, part.Day, part.Object.SHA256)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// dayAfter is the exclusive end of ascending days.
func dayAfter(days []string) string {
	return string(rail.Day(days[len(days)-1]).Add(1))
}
