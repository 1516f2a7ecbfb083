package forest_test

import (
	"math"
	"slices"
	"testing"
)

// Rows that differ without passing a threshold share a cell and every number that
// the trees give; rows of different margins never share one.
func TestRowsOfACell(t *testing.T) {
	t.Parallel()
	f := parse(t, bucketModel(t))
	const rows = 400
	all := randomRows(rows, 7)
	seen := map[string][]float32{}
	shared, moved := 0, 0
	for i := range rows {
		row := all[i*columns : (i+1)*columns]
		for step := range 4 {
			other := slices.Clone(row)
			for k := range other { // ever larger steps: some pass a threshold
				other[k] += float32(step*step) * 0.00005 * other[k]
			}
			key := string(cellBytes(f.Cell(nil, other)))
			margins := make([]float32, f.Classes())
			f.Margin(margins, other)
			contributions := make([]float64, f.Classes()*(columns+1))
			f.Contributions(contributions, other)
			for _, v := range contributions {
				margins = append(margins, float32(v))
			}
			if held, found := seen[key]; found {
				if !slices.Equal(held, margins) {
					t.Fatalf("row %d, step %d: its cell has other margins or contributions", i, step)
				}
				shared++
			} else if step > 0 {
				moved++
			}
			seen[key] = margins
		}
	}
	if shared < 100 || moved < 100 {
		t.Errorf("%d rows shared a cell, %d left it: too few to show anything", shared, moved)
	}
}

func TestMissingHasItsCell(t *testing.T) {
	t.Parallel()
	f := parse(t, bucketModel(t))
	row := randomRows(1, 9)
	row[0] = float32(math.NaN())
	missing := f.Cell(nil, row)
	row[0] = -1e5 // the value that stands for it
	if !slices.Equal(missing, f.Cell(nil, row)) {
		t.Error("a missing value and the one that stands for it lie in different cells")
	}
}

func cellBytes(cell []uint32) (b []byte) {
	for _, k := range cell {
		b = append(b, byte(k), byte(k>>8), byte(k>>16), byte(k>>24))
	}
	return b
}
