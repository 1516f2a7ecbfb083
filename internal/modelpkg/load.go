package modelpkg

import (
	"encoding/json"
	"fmt"
	"slices"

	"puenktlich/internal/drift"
	"puenktlich/internal/feature"
	"puenktlich/internal/forecast"
	"puenktlich/internal/strictjson"
	"puenktlich/schemas"
)

// Package is a verified package ready to forecast.
type Package struct {
	Manifest   Manifest
	Digest     string // SHA-256 of the manifest, hexadecimal
	Model      *forecast.Model
	Baselines  json.RawMessage // the JSON value given to Build
	References []drift.Reference
	Report     schemas.Report
	Trained    schemas.TrainedModel
	Golden     []GoldenRow
}

// Load verifies the package in dir as Verify does, loads the model, recomputes
// the golden rows within Tolerance, and refuses a feature version other than
// this program's. What does not hold is an *IntegrityError.
func Load(dir string, keys ...PublicKey) (*Package, error) {
	m, digest, err := verify(dir, keys)
	if err != nil {
		return nil, err
	}
	p := &Package{Manifest: m, Digest: digest}
	if err := p.read(dir); err != nil {
		return nil, fmt.Errorf("load package %s from %s: %w", m, dir, err)
	}
	return p, nil
}

func (p *Package) read(dir string) error {
	var references referencesJSON
	for path, into := range map[string]any{
		goldenFile: &p.Golden, metricsFile: &p.Report, baselinesFile: &p.Baselines,
		driftFile: &p.References, referencesFile: &references,
	} {
		// An older or newer program may know other figures: they change no forecast.
		if err := readDocument(dir, p.Manifest, path, into, json.Unmarshal); err != nil {
			return err
		}
	}
	p.Trained = references.Trained
	artefact, err := readArtefact(dir, p.Manifest)
	if err != nil {
		return err
	}
	if p.Model, err = forecast.Load(artefact); err != nil {
		return &IntegrityError{bucketsFile, "cannot be loaded: " + err.Error()}
	}
	if err := checkGolden(p.Model, p.Golden); err != nil {
		return &IntegrityError{goldenFile, "does not hold: " + err.Error()}
	}
	return p.checkReferences()
}

func (p *Package) checkReferences() error {
	for _, r := range p.References {
		if err := r.Validate(); err != nil {
			return &IntegrityError{driftFile, "does not hold: " + err.Error()}
		}
	}
	return nil
}

// readArtefact puts together what Build took apart.
func readArtefact(dir string, m Manifest) (forecast.Artefact, error) {
	var features featuresJSON
	var calibration calibrationJSON
	if err := readDocument(dir, m, featuresFile, &features, strictjson.Unmarshal); err != nil {
		return forecast.Artefact{}, err
	}
	if err := features.check(m); err != nil {
		return forecast.Artefact{}, err
	}
	if err := readDocument(dir, m, calibrationFile, &calibration, strictjson.Unmarshal); err != nil {
		return forecast.Artefact{}, err
	}
	a := forecast.Artefact{FeatureVersion: features.Version, Features: feature.Names(), Edges: calibration.Edges,
		CancelRate: calibration.CancelRate, Calibration: calibration.Horizons, CancelCalibration: calibration.Cancel}
	var err error
	if a.Buckets, err = readListed(dir, m, bucketsFile); err != nil {
		return a, err
	}
	if _, own := m.file(cancelFile); own {
		a.Cancel, err = readListed(dir, m, cancelFile)
	}
	return a, err
}

// check compares the catalogue of the package with this program's.
func (f featuresJSON) check(m Manifest) error {
	if f.Version != m.FeatureVersion {
		return &IntegrityError{featuresFile, fmt.Sprintf("is of feature version %s, the manifest says %s", f.Version, m.FeatureVersion)}
	}
	if f.Version != feature.Version() {
		return &IntegrityError{featuresFile, fmt.Sprintf("is of feature version %s, this program computes %s: train again, or serve with the program of the package", f.Version, feature.Version())}
	}
	names := make([]string, len(f.Features))
	for i, x := range f.Features {
		names[i] = x.Name
	}
	if !slices.Equal(names, feature.Names()) {
		return &IntegrityError{featuresFile, "names other features than version " + f.Version + " has"}
	}
	return nil
}

func readDocument(dir string, m Manifest, path string, into any, decode func([]byte, any) error) error {
	body, err := readListed(dir, m, path)
	if err != nil {
		return err
	}
	if err := decode(body, into); err != nil {
		return &IntegrityError{path, "cannot be read: " + err.Error()}
	}
	return nil
}
