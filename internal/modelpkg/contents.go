package modelpkg

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"puenktlich/internal/drift"
	"puenktlich/internal/feature"
	"puenktlich/internal/forecast"
	"puenktlich/schemas"
)

// Contents is what a package is made of. Build keeps none of it.
type Contents struct {
	Name    string // of the model; lower case letters, digits and hyphens
	Version int    // from 1
	Created time.Time
	// Artefact must be of the feature catalogue this program has.
	Artefact   forecast.Artefact
	Baselines  json.RawMessage // a JSON object, stored as it is
	References []drift.Reference
	Golden     []GoldenRow // one at least, see Golden
	Report     schemas.Report
	Trained    schemas.TrainedModel
	Sample     []byte // Parquet part of a data set
	Provenance []schemas.Provenance
	// CodeVersion names the source the training ran from; Environment what else
	// decides about it: versions of Go, of XGBoost, threads.
	CodeVersion string
	Environment map[string]string
}

var modelName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// validate says what is missing or wrong, everything together.
func (c Contents) validate() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !modelName.MatchString(c.Name) {
		wrong("name %q: lower case letters, digits and hyphens are needed, 63 at most", c.Name)
	}
	if c.Version < 1 {
		wrong("version %d: versions count from 1", c.Version)
	}
	if c.Created.IsZero() {
		wrong("created is not set: give the domain time of packaging")
	}
	if got, want := c.Artefact.FeatureVersion, feature.Version(); got != want || !slices.Equal(c.Artefact.Features, feature.Names()) {
		wrong("model of feature version %s: this program computes %s, train again", got, want)
	}
	if !json.Valid(c.Baselines) {
		wrong("baselines are not JSON")
	}
	if len(c.Golden) == 0 {
		wrong("no golden rows: give one at least")
	}
	if len(c.Sample) == 0 {
		wrong("no sample of the test data")
	}
	if len(c.Provenance) == 0 {
		wrong("no provenance: name the source and licence of the data")
	}
	return errors.Join(errs...)
}
