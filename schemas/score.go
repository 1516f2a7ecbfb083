package schemas

import (
	"fmt"
	"path"
	"time"
)

// ScoreBatchInput asks for forecasts of a whole day at every grid horizon, or of
// a file of feature vectors.
type ScoreBatchInput struct {
	Model string    `json:"model,omitempty"`
	Day   string    `json:"day,omitempty"` // defaults to the newest day with a plan
	AsOf  time.Time `json:"as_of,omitzero"`
	// File is the key of an object: Parquet, or an Arrow file or stream. Its
	// columns are those of the model's signature; others are left alone. It
	// excludes Day.
	File string `json:"file,omitempty"`
	// PartRows of a file are forecast by one activity. Defaults to 50,000, more
	// where a file would have over 1,000 parts.
	PartRows int64 `json:"part_rows,omitempty"`
}

// ScoreBatchResult counts them.
type ScoreBatchResult struct {
	Day     string     `json:"day"`
	Package PackageRef `json:"package"`
	// Challenger forecast the same beside the champion; nil for none.
	Challenger  *PackageRef `json:"challenger,omitempty"`
	Events      int         `json:"events"`
	Predictions int         `json:"predictions"`
	Parts       int         `json:"parts,omitempty"`
	// Input and Output are those of a file: what was read, and the manifest that
	// lists what was written.
	Input  *ObjectRef `json:"input,omitempty"`
	Output *ObjectRef `json:"output,omitempty"`
	Note   string     `json:"note,omitempty"`
}

// ScorePlan is what a run of ScoreBatch does, decided once. Of a file it is kept
// beside the results, and a repeated run takes it from there.
type ScorePlan struct {
	Package    PackageRef  `json:"package"`
	Challenger *PackageRef `json:"challenger,omitempty"` // of a day alone
	AsOf       time.Time   `json:"as_of"`
	Day        string      `json:"day,omitempty"`
	Windows    []Window    `json:"windows,omitempty"` // of planned time, one a part
	Input      *ObjectRef  `json:"input,omitempty"`
	PartRows   int64       `json:"part_rows,omitempty"`
}

// Parts is how many activities the plan takes.
func (p ScorePlan) Parts() int {
	if p.Input == nil {
		return len(p.Windows)
	}
	return int((p.Input.Rows + p.PartRows - 1) / p.PartRows)
}

// Prefix is where the results of a file lie: beside it, by package.
func (p ScorePlan) Prefix() string {
	return fmt.Sprintf("%s.forecasts/%s-%d-%.12s-%.12s/", p.Input.Key, path.Base(p.Package.Model), p.Package.Version, p.Package.Digest, p.Input.SHA256)
}

// PartKey is where the forecasts of a part lie.
func (p ScorePlan) PartKey(part int) string {
	return fmt.Sprintf("%spart-%05d.parquet", p.Prefix(), part)
}

// ScorePartInput asks for one part of a plan, counted from 0.
type ScorePartInput struct {
	Plan ScorePlan `json:"plan"`
	Part int       `json:"part"`
}

// ScorePartResult counts what a part gave.
type ScorePartResult struct {
	Events      int `json:"events"`
	Predictions int `json:"predictions"`
}

// ScoreManifest lists the results of a file.
type ScoreManifest struct {
	Plan  ScorePlan   `json:"plan"`
	Parts []ObjectRef `json:"parts"`
}
