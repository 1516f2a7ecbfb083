package modelpkg

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"gopkg.in/yaml.v3"

	"puenktlich/internal/dataset"
	"puenktlich/internal/feature"
	"puenktlich/internal/strictjson"
)

// Check is one thing a package was tested for.
type Check struct {
	Name string // files, signature, load, schema, sample
	Said string // what was found, in words
	Err  error  // nil where it holds
}

// ErrUnchecked is the Err of a signature that no key was given for.
var ErrUnchecked = errors.New("no key was given to check it with")

// Test checks everything a package says of itself: its files, its signature,
// golden rows, input schema, and the scores on its labelled sample, computed
// again. A check that needs one before it that failed is left out. Without keys
// the signature's check says ErrUnchecked.
func Test(dir string, keys ...PublicKey) []Check {
	m, digest, err := verify(dir, nil)
	checks := []Check{{"files", fmt.Sprintf("%d files as manifest %s lists them", len(m.Files), digest), err}}
	if err != nil {
		return checks
	}
	checks = append(checks, testSignature(dir, m, digest, keys))
	p := &Package{Manifest: m, Digest: digest}
	err = p.read(dir)
	checks = append(checks, Check{"load", fmt.Sprintf("%s loads, and gives its %d golden rows", m, len(p.Golden)), err})
	if err != nil {
		return checks
	}
	said, err := p.testSchema(dir)
	checks = append(checks, Check{"schema", said, err})
	said, err = p.testSample(dir)
	return append(checks, Check{"sample", said, err})
}

func testSignature(dir string, m Manifest, digest string, keys []PublicKey) Check {
	if len(keys) == 0 {
		return Check{"signature", "", ErrUnchecked}
	}
	return Check{"signature", fmt.Sprintf("holds by one of %d trusted keys", len(keys)), verifySignature(dir, m, digest, keys)}
}

// testSchema compares what MLmodel tells other programs with what the model
// takes and gives.
func (p *Package) testSchema(dir string) (string, error) {
	body, err := readListed(dir, p.Manifest, "MLmodel")
	if err != nil {
		return "", err
	}
	var m mlmodel
	if err := yaml.Unmarshal(body, &m); err != nil {
		return "", &IntegrityError{"MLmodel", "cannot be read: " + err.Error()}
	}
	var inputs, outputs []column
	if err := errors.Join(json.Unmarshal([]byte(m.Signature.Inputs), &inputs), json.Unmarshal([]byte(m.Signature.Outputs), &outputs)); err != nil {
		return "", &IntegrityError{"MLmodel", "has a signature that cannot be read: " + err.Error()}
	}
	if err := sameColumns(inputs, inputColumns()); err != nil {
		return "", &IntegrityError{"MLmodel", "takes other inputs: " + err.Error()}
	}
	if err := sameColumns(outputs, outputColumns(p.Model.Artefact().Edges)); err != nil {
		return "", &IntegrityError{"MLmodel", "gives other outputs: " + err.Error()}
	}
	return fmt.Sprintf("%d inputs of feature version %s, %d outputs", len(inputs), feature.Version(), len(outputs)), nil
}

func sameColumns(got, want []column) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d columns, %d are needed", len(got), len(want))
	}
	if i := slices.IndexFunc(want, func(w column) bool { return !slices.Contains(got, w) }); i >= 0 {
		return fmt.Errorf("column %s of type %s is missing or another", want[i].Name, want[i].Type)
	}
	return nil
}

// testSample computes the scores on the packaged sample again.
func (p *Package) testSample(dir string) (string, error) {
	var recorded SampleScores
	if _, listed := p.Manifest.file(scoresFile); !listed {
		return "", &IntegrityError{scoresFile, "is missing: the package is of a program that recorded no scores on its sample"}
	}
	if err := readDocument(dir, p.Manifest, scoresFile, &recorded, strictjson.Unmarshal); err != nil {
		return "", err
	}
	table, err := p.Sample(dir)
	if err != nil {
		return "", err
	}
	again, err := scoreSample(p.Model, table)
	if err != nil {
		return "", &IntegrityError{sampleFile, "cannot be forecast: " + err.Error()}
	}
	if err := recorded.compare(again); err != nil {
		return "", &IntegrityError{scoresFile, "does not hold: " + err.Error()}
	}
	said := fmt.Sprintf("%d rows score as recorded", again.Rows)
	for _, h := range again.Horizons {
		said += fmt.Sprintf("; %d min: Brier %.4f on %d events", h.Minutes, h.Scores.Brier, h.Scores.Events)
	}
	return said, nil
}

// Sample is the packaged sample of labelled test data.
func (p *Package) Sample(dir string) (*dataset.Table, error) {
	body, err := readListed(dir, p.Manifest, sampleFile)
	if err != nil {
		return nil, err
	}
	table, err := readSample(body)
	if err != nil {
		return nil, &IntegrityError{sampleFile, "cannot be read: " + err.Error()}
	}
	return table, nil
}

// Card is the model card of the package in dir, as Markdown.
func Card(dir string) ([]byte, error) {
	m, _, err := verify(dir, nil)
	if err != nil {
		return nil, err
	}
	return readListed(dir, m, cardFile)
}
