package train

import (
	"fmt"
	"math"

	"puenktlich/internal/dataset"
	"puenktlich/internal/drift"
	"puenktlich/internal/rail"
)

// referenceBins of a feature's distribution in training: few enough that a
// day's events fill them.
const referenceBins = 10

// referenceOf is the distribution of one feature in training, and how far its
// single days lie from it; known is false for a feature that was never known.
func referenceOf(table *dataset.Table, column int, name string) (r drift.Reference, known bool, err error) {
	all, byDay := make([]float64, len(table.Rows)), map[rail.Day][]float64{}
	for i, row := range table.Rows {
		all[i] = float64(table.Vector(i)[column])
		byDay[row.EventDay] = append(byDay[row.EventDay], all[i])
		known = known || !math.IsNaN(all[i])
	}
	if !known {
		return r, false, nil
	}
	if r, err = drift.NewReference(name, all, referenceBins); err != nil {
		return r, true, fmt.Errorf("drift reference: %w", err)
	}
	if len(byDay) < 2 {
		return r, true, nil
	}
	for day, values := range byDay {
		counts := r.NewCounts()
		if err := r.Add(&counts, values); err != nil {
			return r, true, fmt.Errorf("drift reference of %s: %w", day, err)
		}
		result, err := drift.Compare(r, counts)
		if err != nil {
			return r, true, fmt.Errorf("drift reference of %s: %w", day, err)
		}
		if result.PSI > r.DayPSI { // NaN, a day without a known value, is not
			r.DayPSI = result.PSI
		}
	}
	return r, true, nil
}
