// Package dataset reads and writes the Parquet parts of a data set and holds
// their rows in memory, column names and units as in schemas/dataset.
package dataset

import (
	"fmt"
	"math"
	"slices"
	"time"

	"puenktlich/internal/rail"
	columns "puenktlich/schemas/dataset"
)

// Row is one event at one horizon: what is known of it beside the features.
type Row struct {
	Stop         rail.StopID
	Kind         rail.EventKind
	Trip         string
	EVA          int64
	ServiceDay   rail.Day
	EventDay     rail.Day
	Planned      time.Time
	Horizon      int // minutes
	Category     string
	Class        rail.TrainClass
	Line         string
	DBDelay      int // minutes, the railway's own forecast at the cut-off
	DelayMinutes int // truth; meaningless where Cancelled
	Cancelled    bool
	Evidence     rail.Evidence
}

// Key identifies the event of the row.
func (r Row) Key() rail.EventKey { return rail.EventKey{Stop: r.Stop, Kind: r.Kind} }

// Place names the row: stop, kind and horizon.
func (r Row) Place() string { return fmt.Sprintf("%s at %d min", r.Key(), r.Horizon) }

// Late says that the event ran 6 minutes late or more.
func (r Row) Late() bool { return !r.Cancelled && !rail.OnTime(r.DelayMinutes) }

// Ran says that a delay can be learned from it: it ran, with a changed time
// observed.
func (r Row) Ran() bool { return !r.Cancelled && r.Evidence == rail.ChangeObserved }

// Table is rows with their features, row-major.
type Table struct {
	Version  string // of the feature catalogue
	Names    []string
	Units    []string
	Abouts   []columns.About // one a name, beyond the unit; nil where nothing is said
	Rows     []Row
	Features []float32 // len(Rows) x len(Names), NaN = not known
}

// New is an empty table for these features.
func New(version string, names, units []string) *Table {
	return &Table{Version: version, Names: names, Units: units}
}

// like is an empty table of the same features.
func (t *Table) like() *Table {
	return &Table{Version: t.Version, Names: t.Names, Units: t.Units, Abouts: t.Abouts}
}

// about describes feature j as far as the table can.
func (t *Table) about(j int) columns.About {
	if t.Abouts == nil {
		return columns.About{Unit: t.Units[j]}
	}
	return t.Abouts[j]
}

// Grow makes room for that many rows more.
func (t *Table) Grow(rows int) {
	t.Rows = slices.Grow(t.Rows, rows)
	t.Features = slices.Grow(t.Features, rows*len(t.Names))
}

// Append adds a row; features has one value per name and is copied.
func (t *Table) Append(row Row, features []float32) {
	t.Rows = append(t.Rows, row)
	t.Features = append(t.Features, features...)
}

// Vector is the features of row i, aliasing the table.
func (t *Table) Vector(i int) []float32 {
	n := len(t.Names)
	return t.Features[i*n : (i+1)*n]
}

// Filter keeps the rows for which keep answers true, in order.
func (t *Table) Filter(keep func(Row) bool) *Table {
	out := t.like()
	for i, row := range t.Rows {
		if keep(row) {
			out.Append(row, t.Vector(i))
		}
	}
	return out
}

// Concat joins tables of one feature version.
func Concat(tables ...*Table) (*Table, error) {
	if len(tables) == 0 {
		return nil, fmt.Errorf("join data set parts: there are none")
	}
	out := tables[0].like()
	for _, t := range tables {
		if t.Version != out.Version || len(t.Names) != len(out.Names) {
			return nil, fmt.Errorf("join data set parts: feature version %s beside %s", t.Version, out.Version)
		}
		out.Rows = append(out.Rows, t.Rows...)
		out.Features = append(out.Features, t.Features...)
	}
	return out, nil
}

// Events counts distinct events.
func (t *Table) Events() int {
	seen := make(map[rail.EventKey]struct{}, len(t.Rows))
	for _, row := range t.Rows {
		seen[row.Key()] = struct{}{}
	}
	return len(seen)
}

// Ran keeps the events that a delay can be learned from.
func (t *Table) Ran() *Table { return t.Filter(Row.Ran) }

// Between keeps events planned on days in [from, to).
func (t *Table) Between(from, to rail.Day) *Table {
	return t.Filter(func(r Row) bool { return from <= r.EventDay && r.EventDay < to })
}

// AtHorizon keeps one horizon.
func (t *Table) AtHorizon(minutes int) *Table {
	return t.Filter(func(r Row) bool { return r.Horizon == minutes })
}

// CheckFinite reports the first infinite feature, by row and name.
func (t *Table) CheckFinite() error {
	for i, v := range t.Features {
		if math.IsInf(float64(v), 0) {
			row := t.Rows[i/len(t.Names)]
			return fmt.Errorf("feature %s of %s is %v: features are finite or NaN", t.Names[i%len(t.Names)], row.Place(), v)
		}
	}
	return nil
}
