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
	Events int       `json:"events"`
	Late   int       `json:"late"`
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

// DatasetManifest is manifest.json of a data set.
type DatasetManifest struct {
	ID             string        `json:"id"`
	FeatureVersion string        `json:"feature_version"`
	Features       []string      `json:"features"`
	Horizons       []int         `json:"horizons_minutes"`
	AsOf           time.Time     `json:"as_of"`
	Parts          []DatasetPart `json:"parts"`
	Checks         []Check       `json:"checks"`
	Sources        []Provenance  `json:"sources"`
}

// Severity of a failed check.
type Severity string

// What a failed check means.
const (
	SeverityStop    Severity = "stop"
	SeverityWarning Severity = "warning"
)

// Check is one named validation of a data set.
type Check struct {
	Name     string   `json:"name"`
	Severity Severity `json:"severity"`
	Passed   bool     `json:"passed"`
	Detail   string   `json:"detail"`
}
