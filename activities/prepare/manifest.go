package prepare

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"puenktlich/activities/failure"
	"puenktlich/internal/feature"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
)

// Limits of the validation.
const (
	minLateRate = 0.002
	maxLateRate = 0.9
)

// SealDataset checks the parts and writes the manifest. The same parts give the
// same ID. A failed check of severity stop is an error that shows the table of
// checks; the manifest is kept for inspection.
func (a *Activities) SealDataset(ctx context.Context, in schemas.PrepareManifestInput) (schemas.DatasetRef, error) {
	ref := schemas.DatasetRef{FeatureVersion: in.Plan.FeatureVersion}
	manifest := schemas.DatasetManifest{FeatureVersion: in.Plan.FeatureVersion, Features: feature.Names(),
		Horizons: in.Plan.Horizons, AsOf: in.Plan.AsOf}
	var err error
	if manifest.Sources, err = a.sources(ctx, in.Plan.Days); err != nil {
		return ref, err
	}
	for _, part := range in.Parts {
		if part.Object.Key == "" {
			continue
		}
		manifest.Parts = append(manifest.Parts, part)
		ref.Rows += part.Object.Rows
		ref.Events += part.Events
		ref.Late += part.Late
	}
	manifest.Checks = checks(in, ref)
	manifest.ID = identify(manifest)
	ref.ID = manifest.ID
	if n := len(manifest.Parts); n > 0 {
		ref.Days = schemas.DayRange{From: in.Plan.Days[0], To: dayAfter(in.Plan.Days)}
	}
	body, err := json.MarshalIndent(manifest, "", "  ")
	if err != nil {
		return ref, fmt.Errorf("write data set manifest: %w", err)
	}
	if ref.Manifest, err = a.Objects.PutContent(ctx, "datasets/"+manifest.ID+"/manifest/", ".json", body); err != nil {
		return ref, fmt.Errorf("write data set manifest: %w", err)
	}
	if failed := failedChecks(manifest.Checks); failed != "" {
		return ref, failure.Validation("data set %s does not hold (kept at %s):\n%s", manifest.ID[:12], ref.Manifest.Key, failed)
	}
	return ref, nil
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

func checks(in schemas.PrepareManifestInput, ref schemas.DatasetRef) []schemas.Check {
	var empty []string
	for _, part := range in.Parts {
		if part.Events == 0 {
			empty = append(empty, part.Day)
		}
	}
	rate := 0.0
	if ref.Events > 0 {
		rate = float64(ref.Late) / float64(ref.Events)
	}
	return []schemas.Check{
		{Name: "feature_version", Severity: schemas.SeverityStop, Passed: ref.FeatureVersion == feature.Version(),
			Detail: fmt.Sprintf("planned with %s, this worker has %s", ref.FeatureVersion, feature.Version())},
		{Name: "events", Severity: schemas.SeverityStop, Passed: ref.Events > 0, Detail: fmt.Sprintf("%d events that ran with an observed change", ref.Events)},
		{Name: "late_rate", Severity: schemas.SeverityStop, Passed: rate >= minLateRate && rate <= maxLateRate,
			Detail: fmt.Sprintf("%.4f late, want %.3f to %.1f", rate, minLateRate, maxLateRate)},
		{Name: "empty_days", Severity: schemas.SeverityWarning, Passed: len(empty) == 0, Detail: "days without an event: " + strings.Join(empty, " ")},
	}
}

func failedChecks(all []schemas.Check) string {
	var b strings.Builder
	for _, c := range all {
		if !c.Passed && c.Severity == schemas.SeverityStop {
			fmt.Fprintf(&b, "  %-16s %s\n", c.Name, c.Detail)
		}
	}
	return b.String()
}

// dayAfter is the exclusive end of ascending days.
func dayAfter(days []string) string {
	return string(rail.Day(days[len(days)-1]).Add(1))
}
