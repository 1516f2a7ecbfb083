package vectors

import (
	"math"
	"slices"
)

// maxHorizonMinutes is a week: no timetable is forecast further ahead.
const maxHorizonMinutes = 7 * 24 * 60

// Table is rows of a layout. Values are float64 on their way in and are rounded
// to float32 once, as training's are.
type Table struct {
	layout   *Layout
	Vectors  []float32 // rows x Width, row-major; NaN = not known
	Horizons []float64 // minutes, one a row
	given    []bool    // columns that were set, HorizonColumn last
}

// Table makes one of that many rows, each value NaN until it is set.
func (l *Layout) Table(rows int) *Table {
	t := &Table{layout: l, given: make([]bool, l.Width()+1)}
	t.Resize(rows)
	return t
}

// Layout is that of the table.
func (t *Table) Layout() *Layout { return t.layout }

// Rows is their number.
func (t *Table) Rows() int { return len(t.Horizons) }

// Resize drops rows or adds rows of NaN.
func (t *Table) Resize(rows int) {
	before := len(t.Vectors)
	t.Vectors = slices.Grow(t.Vectors[:min(before, rows*t.layout.Width())], max(0, rows*t.layout.Width()-before))[:rows*t.layout.Width()]
	for i := before; i < len(t.Vectors); i++ {
		t.Vectors[i] = unknown
	}
	had := len(t.Horizons)
	t.Horizons = slices.Grow(t.Horizons[:min(had, rows)], max(0, rows-had))[:rows]
	for i := had; i < rows; i++ {
		t.Horizons[i] = math.NaN()
	}
}

var unknown = float32(math.NaN())

// AddRow adds a row of NaN; MaxRows is the most.
func (t *Table) AddRow() error {
	if t.Rows() == MaxRows {
		return TooLarge("more than %d rows: send them in several requests, or as an Arrow stream", MaxRows)
	}
	for range t.layout.Width() {
		t.Vectors = append(t.Vectors, unknown)
	}
	t.Horizons = append(t.Horizons, math.NaN())
	return nil
}

// Set puts a value; the column is an index that the layout answered.
func (t *Table) Set(row, column int, value float64) {
	if column == t.layout.Width() {
		t.Horizons[row] = value
		return
	}
	t.Vectors[row*t.layout.Width()+column] = float32(value)
}

// Give says that a column is there; false if it was already.
func (t *Table) Give(column int) bool {
	was := t.given[column]
	t.given[column] = true
	return !was
}

// GiveAll says that all features are there.
func (t *Table) GiveAll() {
	for i := range t.layout.Width() {
		t.given[i] = true
	}
}

// Given says which columns are there, HorizonColumn last.
func (t *Table) Given() []bool { return t.given }

// Finish checks that the columns are complete and gives every row its horizon.
func (t *Table) Finish() error {
	if err := t.layout.Check(t.given); err != nil {
		return err
	}
	return t.FillHorizons(t.given[t.layout.Width()])
}

// FillHorizons gives every row its horizon, from the feature unless the column
// was given, and checks it.
func (t *Table) FillHorizons(given bool) error {
	name := HorizonColumn
	if !given {
		name = horizonFeature
		for row := range t.Horizons {
			t.Horizons[row] = float64(t.Vectors[row*t.layout.Width()+t.layout.horizon])
		}
	}
	for row, minutes := range t.Horizons {
		if !(minutes >= 0 && minutes <= maxHorizonMinutes) {
			return Wrong("row %d: %s is %v: the calibration is chosen by it, so it is a number from 0 to %d", row, name, minutes, maxHorizonMinutes)
		}
	}
	return nil
}
