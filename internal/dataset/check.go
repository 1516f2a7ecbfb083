package dataset

import (
	"fmt"
	"slices"

	"puenktlich/schemas"
	columns "puenktlich/schemas/dataset"
)

// Expected is what a data set is held against.
type Expected struct {
	Version  string // of the features
	Horizons []int  // minutes
	Days     []string
	Columns  []Column // the features in order
}

// Column is what a feature may hold.
type Column struct {
	Name      string
	Unit      string
	Low, High float64 // bounds of every known value, ends included
	MayMiss   bool
	// FromHistory is true for rates of earlier days, which the first day of a
	// source cannot have.
	FromHistory bool
}

// maxFindings of one check are kept; all are counted.
const maxFindings = 8

// Check holds a data set against what is expected of it. Every element of parts
// has its profile at the same index; days without a part are empty. The answer
// has one element for each check, passed or not, in a fixed order.
func Check(want Expected, parts []schemas.DatasetPart, profiles []columns.Profile) []schemas.Check {
	i := &inspection{want: want, parts: parts, days: profiles}
	for _, p := range profiles {
		i.rows += p.Rows
		i.ran += p.Ran
		i.late += p.Late
	}
	return slices.Concat(i.structure(), i.outcomes(), i.values(), i.names(), i.surroundings())
}

// inspection is a data set while it is checked.
type inspection struct {
	want            Expected
	parts           []schemas.DatasetPart
	days            []columns.Profile
	rows, ran, late int
}

func stop(name, detail string, args ...any) *schemas.Check {
	return &schemas.Check{Name: name, Severity: schemas.SeverityStop, Passed: true, Detail: fmt.Sprintf(detail, args...)}
}

func warning(name, detail string, args ...any) *schemas.Check {
	return &schemas.Check{Name: name, Severity: schemas.SeverityWarning, Passed: true, Detail: fmt.Sprintf(detail, args...)}
}

// found fails a check.
func found(c *schemas.Check, f schemas.Finding) {
	c.Passed = false
	if c.Found++; len(c.Findings) < maxFindings {
		c.Findings = append(c.Findings, f)
	}
}

// foundRows fails a check where there are such rows.
func foundRows(c *schemas.Check, day, column string, rows columns.Rows, limit string) {
	if rows.Rows > 0 {
		found(c, schemas.Finding{Day: day, Column: column, Value: fmt.Sprintf("%d rows", rows.Rows), Limit: limit, Where: rows.First})
	}
}

// structure checks that the parts are what their manifest says.
func (i *inspection) structure() []schemas.Check {
	version := stop("feature_version", "every part has features %s", i.want.Version)
	schema := stop("schema", "every part has the %d features of the catalogue in order, with their units", len(i.want.Columns))
	counts := stop("row_counts", "rows as the manifest counts them, at most one for each settled event and horizon")
	duplicates := stop("duplicates", "one row for each event and horizon")
	days := stop("days", "every row is planned on the day of its part, by a trip that began on it or at most %d days before", longestTripDays)
	for n, p := range i.days {
		if p.FeatureVersion != i.want.Version {
			found(version, schemas.Finding{Day: p.Day, Value: p.FeatureVersion, Limit: i.want.Version})
		}
		i.checkSchema(schema, p)
		i.checkCounts(counts, i.parts[n], p)
		foundRows(duplicates, p.Day, "", p.Duplicates, "0 rows")
		foundRows(days, p.Day, columns.EventDay, p.Misplaced, p.Day)
	}
	return []schemas.Check{*version, *schema, *counts, *duplicates, *days}
}

func (i *inspection) checkSchema(c *schemas.Check, p columns.Profile) {
	if got := len(p.Columns) - 2; got != len(i.want.Columns) {
		found(c, schemas.Finding{Day: p.Day, Value: fmt.Sprintf("%d features", got), Limit: fmt.Sprintf("%d features", len(i.want.Columns))})
		return
	}
	for n, want := range i.want.Columns {
		if got := p.Columns[n]; got.Name != want.Name || got.Unit != want.Unit {
			found(c, schemas.Finding{Day: p.Day, Column: want.Name, Value: got.Name + " in " + got.Unit, Limit: want.Name + " in " + want.Unit})
		}
	}
}

func (i *inspection) checkCounts(c *schemas.Check, part schemas.DatasetPart, p columns.Profile) {
	if int64(p.Rows) != part.Object.Rows {
		found(c, schemas.Finding{Day: p.Day, Value: fmt.Sprintf("%d rows", p.Rows), Limit: fmt.Sprintf("%d rows in the manifest", part.Object.Rows), Where: part.Object.Key})
	}
	if most := p.Surroundings.Settled * len(i.want.Horizons); p.Rows > most {
		found(c, schemas.Finding{Day: p.Day, Value: fmt.Sprintf("%d rows", p.Rows),
			Limit: fmt.Sprintf("%d settled events at %d horizons", p.Surroundings.Settled, len(i.want.Horizons))})
	}
}

// quantity is a share with enough digits to compare it with its limit.
func quantity(share float64) string { return fmt.Sprintf("%.4f", share) }

func ratio(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// median of numbers that are not negative; 0 of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
