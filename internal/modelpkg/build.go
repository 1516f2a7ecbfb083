package modelpkg

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"puenktlich/internal/calibrate"
	"puenktlich/internal/feature"
	"puenktlich/internal/forecast"
	"puenktlich/internal/forest"
	"puenktlich/schemas"
)

// Files of a package that Load reads.
const (
	bucketsFile     = "buckets.json"
	cancelFile      = "cancel.json"
	calibrationFile = "calibration.json"
	featuresFile    = "features.json"
	goldenFile      = "golden.json"
	metricsFile     = "metrics.json"
	baselinesFile   = "baselines.json"
	driftFile       = "drift-reference.json"
	referencesFile  = "references.json"
)

// Files of a package for other readers.
const (
	sampleFile      = "sample.parquet"
	scoresFile      = "sample-metrics.json"
	provenanceFile  = "provenance.json"
	environmentFile = "environment.json"
	cardFile        = "CARD.md"
	loaderFile      = "code/puenktlich_model.py"
)

//go:embed puenktlich_model.py
var loader []byte

// calibrationJSON is calibration.json.
type calibrationJSON struct {
	Edges      []int              `json:"edges_minutes"`
	CancelRate float64            `json:"cancel_rate"` // holds without cancel.json
	Horizons   calibrate.Horizons `json:"calibration"`
	// Cancel is that of cancel.json; packages from before it was fitted lack it.
	Cancel *calibrate.Horizons `json:"cancel_calibration,omitempty"`
}

// featuresJSON is features.json.
type featuresJSON struct {
	Version  string        `json:"version"`
	Sentinel float32       `json:"sentinel"` // stands for a missing value
	Features []featureJSON `json:"features"`
}

type featureJSON struct {
	Name    string `json:"name"`
	Unit    string `json:"unit"`
	Source  string `json:"source"`
	KnownAt string `json:"known_at"`
	Group   string `json:"group"`
	Meaning string `json:"meaning"`
}

// referencesJSON is references.json.
type referencesJSON struct {
	Trained     schemas.TrainedModel `json:"trained"`
	TestDataset string               `json:"test_dataset"`
	TestDays    schemas.DayRange     `json:"test_days"`
}

// environmentJSON is environment.json.
type environmentJSON struct {
	CodeVersion string            `json:"code_version"`
	Environment map[string]string `json:"environment"`
}

// Build writes a package, not signed, into dir, which it makes, or which is
// empty. It refuses contents whose golden rows the model does not give. The
// digest is the SHA-256 of the manifest. After an error dir may hold a part.
func Build(dir string, c Contents) (digest string, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("build package %s@%d: %w", c.Name, c.Version, err)
		}
	}()
	if err := c.validate(); err != nil {
		return "", err
	}
	model, err := forecast.Load(c.Artefact)
	if err != nil {
		return "", err
	}
	if err := checkGolden(model, c.Golden); err != nil {
		return "", &IntegrityError{goldenFile, "does not hold: " + err.Error()}
	}
	sample, err := readSample(c.Sample)
	if err != nil {
		return "", fmt.Errorf("%s: %w", sampleFile, err)
	}
	scores, err := scoreSample(model, sample)
	if err != nil {
		return "", fmt.Errorf("%s: %w", sampleFile, err)
	}
	files, err := c.files(scores)
	if err != nil {
		return "", err
	}
	manifest, err := encode(newManifest(c, files))
	if err != nil {
		return "", err
	}
	files[ManifestFile] = manifest
	return digestOf(manifest), writeFiles(dir, files)
}

// files are the package's files by path, without the manifest.
func (c Contents) files(scores SampleScores) (map[string][]byte, error) {
	files := map[string][]byte{sampleFile: c.Sample, cardFile: c.card(), loaderFile: loader}
	var err error
	if files[bucketsFile], err = compact(c.Artefact.Buckets); err != nil {
		return nil, fmt.Errorf("%s: %w", bucketsFile, err)
	}
	if len(c.Artefact.Cancel) > 0 {
		if files[cancelFile], err = compact(c.Artefact.Cancel); err != nil {
			return nil, fmt.Errorf("%s: %w", cancelFile, err)
		}
	}
	documents := map[string]any{
		calibrationFile: calibrationJSON{c.Artefact.Edges, c.Artefact.CancelRate, c.Artefact.Calibration, c.Artefact.CancelCalibration},
		featuresFile:    describeFeatures(),
		goldenFile:      c.Golden,
		metricsFile:     c.Report,
		scoresFile:      scores,
		baselinesFile:   c.Baselines,
		driftFile:       c.References,
		referencesFile:  referencesJSON{c.Trained, c.Report.Dataset, c.Report.TestDays},
		provenanceFile:  c.Provenance,
		environmentFile: environmentJSON{c.CodeVersion, c.Environment},
	}
	for path, document := range documents {
		if files[path], err = encode(document); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return files, c.addMLflow(files)
}

func describeFeatures() featuresJSON {
	f := featuresJSON{Version: feature.Version(), Sentinel: forest.Sentinel}
	for _, x := range feature.Catalogue() {
		f.Features = append(f.Features, featureJSON{x.Name, string(x.Unit), string(x.Source), string(x.KnownAt), string(x.Group), x.Meaning})
	}
	return f
}

// compact takes the white space out: the same trees give the same bytes
// whatever way they came.
func compact(body json.RawMessage) ([]byte, error) {
	var buf bytes.Buffer
	err := json.Compact(&buf, body)
	return buf.Bytes(), err
}

func writeFiles(dir string, files map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty: give a new directory", dir)
	}
	for path, body := range files {
		if err := writeFile(dir, path, body); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(dir, path string, body []byte) error {
	name := filepath.Join(dir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, body, 0o644)
}
