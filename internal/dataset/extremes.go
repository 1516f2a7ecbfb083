package dataset

import (
	"math"

	columns "puenktlich/schemas/dataset"
)

// extremes of one column while they are looked for; -1 is no row.
type extremes struct {
	known, infinite      int
	low, high            float64
	lowAt, highAt, infAt int
}

func (e *extremes) add(v float64, row int) {
	switch {
	case v != v: // NaN: not known
		return
	case math.IsInf(v, 0):
		if e.infinite++; e.infinite == 1 {
			e.infAt = row
		}
		return
	}
	if e.known++; e.known == 1 {
		e.low, e.high, e.lowAt, e.highAt = v, v, row, row
		return
	}
	if v < e.low {
		e.low, e.lowAt = v, row
	}
	if v > e.high {
		e.high, e.highAt = v, row
	}
}

// profile names the rows.
func (e *extremes) profile(t *Table, name, unit string) columns.ColumnProfile {
	c := columns.ColumnProfile{Name: name, Unit: unit, Known: e.known}
	if e.infinite > 0 {
		c.Infinite = columns.Rows{Rows: e.infinite, First: t.Rows[e.infAt].Place()}
	}
	if e.known > 0 {
		c.Low = columns.Extreme{Value: e.low, At: t.Rows[e.lowAt].Place()}
		c.High = columns.Extreme{Value: e.high, At: t.Rows[e.highAt].Place()}
	}
	return c
}

// columnProfiles are those of the features in order, then of the delays of the
// events that ran: the railway's forecast and the truth.
func (t *Table) columnProfiles() []columns.ColumnProfile {
	width := len(t.Names)
	all := make([]extremes, width+2)
	for i := range t.Rows {
		for j, v := range t.Vector(i) {
			all[j].add(float64(v), i)
		}
		all[width].add(float64(t.Rows[i].DBDelay), i)
		if !t.Rows[i].Cancelled {
			all[width+1].add(float64(t.Rows[i].DelayMinutes), i)
		}
	}
	profiles := make([]columns.ColumnProfile, 0, len(all))
	for j, name := range t.Names {
		profiles = append(profiles, all[j].profile(t, name, t.Units[j]))
	}
	return append(profiles, all[width].profile(t, columns.DBDelay, "min"), all[width+1].profile(t, columns.DelayMinutes, "min"))
}
