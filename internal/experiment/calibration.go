package experiment

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// calibrations are the two of a model, as JSON: of the delay, and of P(cancelled)
// where that is calibrated.
type calibrations struct {
	Delay     json.RawMessage `json:"calibration"`
	Cancelled json.RawMessage `json:"cancel_calibration"`
}

// CompareCalibrations holds what the rebuilt run learned against what the recorded
// one did, and against the package that was built of it; pkg may be empty. Every
// number has to be the same within [Tolerance]. A recorded run that kept nothing
// of what it learned gives no finding.
func (r Reader) CompareCalibrations(ctx context.Context, recorded, rebuilt Record, pkg schemas.PackageRef) ([]schemas.Agreement, error) {
	was, found, err := r.learned(ctx, recorded)
	if err != nil || !found {
		return nil, err
	}
	is, _, err := r.learned(ctx, rebuilt)
	if err != nil {
		return nil, err
	}
	findings := []schemas.Agreement{sameNumbers("calibration", was.Delay, is.Delay)}
	if len(was.Cancelled)+len(is.Cancelled) > 0 {
		findings = append(findings, sameNumbers("calibration of P(cancelled)", was.Cancelled, is.Cancelled))
	}
	if pkg.Digest == "" {
		return findings, nil
	}
	var packaged calibrations
	found, err = r.document(ctx, pkg.Prefix+"/calibration.json", &packaged)
	if err != nil {
		return nil, fmt.Errorf("read calibration of package %s@%d: %w", pkg.Model, pkg.Version, err)
	}
	if found {
		name := fmt.Sprintf("calibration in package %s@%d", pkg.Model, pkg.Version)
		findings = append(findings, sameNumbers(name, packaged.Delay, is.Delay))
	}
	return findings, nil
}

// learned reads the calibrations of what a run learned; found is false where it
// learned nothing, or that is gone.
func (r Reader) learned(ctx context.Context, run Record) (calibrations, bool, error) {
	var learned struct {
		Artefact calibrations `json:"artefact"`
	}
	at := slices.IndexFunc(run.Artifacts, func(a Artifact) bool { return a.Name == schema.ArtifactLearned })
	if at < 0 || run.Artifacts[at].State == ArtifactGone {
		return learned.Artefact, false, nil
	}
	found, err := r.document(ctx, run.Artifacts[at].Key, &learned)
	if err != nil {
		return learned.Artefact, false, fmt.Errorf("read what run %s learned: %w", run.ID, err)
	}
	return learned.Artefact, found, nil
}

// document reads a JSON object that may be gone.
func (r Reader) document(ctx context.Context, key string, into any) (found bool, err error) {
	body, _, err := r.Objects.Get(ctx, key)
	if errors.Is(err, r.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, json.Unmarshal(body, into)
}

// sameNumbers compares two JSON documents, numbers within [Tolerance], and shows
// their fingerprints.
func sameNumbers(name string, recorded, rebuilt json.RawMessage) schemas.Agreement {
	return schemas.Agreement{Name: name, Recorded: fingerprint(recorded), Rebuilt: fingerprint(rebuilt), Agrees: alike(decoded(recorded), decoded(rebuilt))}
}

// fingerprint is a hash of a document, whatever its white space.
func fingerprint(document json.RawMessage) string {
	var compact bytes.Buffer
	if len(document) == 0 || json.Compact(&compact, document) != nil {
		return "not recorded"
	}
	sum := sha256.Sum256(compact.Bytes())
	return hex.EncodeToString(sum[:])
}

func decoded(document json.RawMessage) any {
	var value any
	_ = json.Unmarshal(document, &value) // it was part of a document that could be read; nothing is nil
	return value
}

// alike compares decoded JSON.
func alike(a, b any) bool {
	switch a := a.(type) {
	case float64:
		b, ok := b.(float64)
		return ok && near(Number(a), Number(b))
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, alike)
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for name, value := range a {
			other, found := b[name]
			if !found || !alike(value, other) {
				return false
			}
		}
		return true
	}
	return a == b
}
