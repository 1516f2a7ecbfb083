package schemas

import "time"

// PrepareInput asks for a data set of whole days.
type PrepareInput struct {
	// Days defaults to every day with settled truth.
	Days     DayRange  `json:"days,omitzero"`
	Horizons []int     `json:"horizons,omitempty"` // minutes; defaults to the grid
	AsOf     time.Time `json:"as_of,omitzero"`
}

// PreparePlan is a PrepareInput with every default filled in.
type PreparePlan struct {
	Days           []string  `json:"days"`
	Horizons       []int     `json:"horizons"`
	AsOf           time.Time `json:"as_of"`
	FeatureVersion string    `json:"feature_version"`
}

// PreparePartInput is one activity: one day of a data set.
type PreparePartInput struct {
	Day      string    `json:"day"`
	Horizons []int     `json:"horizons"`
	AsOf     time.Time `json:"as_of"`
}

// DatasetPart is one Parquet file: one day.
type DatasetPart struct {
	Day    string    `json:"day"`
	Object ObjectRef `json:"object"`
	// Profile counts what is in the file, for the checks; see schemas/dataset.
	Profile ObjectRef `json:"profile,omitzero"`
	Events  int       `json:"events"`
	Late    int       `json:"late"`
}

// PrepareManifestInput is one activity: seal parts as a data set.
type PrepareManifestInput struct {
	Plan  PreparePlan   `json:"plan"`
	Parts []DatasetPart `json:"parts"`
}

// DatasetRef points at a sealed data set. ID is the hash of its parts.
type DatasetRef struct {
	ID             string    `json:"id"`
	Manifest       ObjectRef `json:"manifest"`
	Days           DayRange  `json:"days"`
	Rows           int64     `json:"rows"`
	Events         int       `json:"events"`
	Late           int       `json:"late"`
	FeatureVersion string    `json:"feature_version"`
}

// SealedDataset is what sealing found: the data set, and whether it may be used.
type SealedDataset struct {
	DatasetRef
	State DatasetState `json:"state"`
	// Checks are those that failed, warnings too.
	Checks []Check `json:"checks,omitempty"`
}

// DatasetState says whether a data set may be used.
type DatasetState string

// States of a data set. An invalid one is kept for inspection and read by no
// training.
const (
	DatasetValid   DatasetState = "valid"
	DatasetInvalid DatasetState = "invalid"
)

// DatasetManifest is the manifest of a data set, written after all its parts.
type DatasetManifest struct {
	ID             string        `json:"id"` // of features, horizons and parts
	State          DatasetState  `json:"state"`
	FeatureVersion string        `json:"feature_version"`
	Features       []string      `json:"features"`
	Horizons       []int         `json:"horizons_minutes"`
	AsOf           time.Time     `json:"as_of"`
	Query          DatasetQuery  `json:"query"`
	CodeVersion    string        `json:"code_version"` // of the program that wrote it
	Rows           int64         `json:"rows"`
	Events         int           `json:"events"` // that ran with an observed change
	Late           int           `json:"late"`   // of Events
	Parts          []DatasetPart `json:"parts"`
	Checks         []Check       `json:"checks"`
	Sources        []Provenance  `json:"sources"`
}

// DatasetQuery says what was selected: PrepareDataset with these days, horizons
// and moment gives the same data set again.
type DatasetQuery struct {
	PrepareInput
	Source     string  `json:"source"`
	LagSeconds float64 `json:"lag_seconds"` // from a poll until a feature may use it
	// Selection is the rule in words.
	Selection string `json:"selection"`
}
