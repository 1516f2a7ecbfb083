package train

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"puenktlich/internal/dataset"
	"puenktlich/internal/drift"
	"puenktlich/internal/learn"
	"puenktlich/internal/rail"
)

// referenceBins of a feature's distribution in training: few enough that a
// day's events fill them.
const referenceBins = 10

// referenceDays bounds the single days kept with a reference: half a year.
const referenceDays = 182

// referenceRows bounds what references are made from: more rows move no
// quantile that matters, and all columns of a sample fit in memory.
const referenceRows = 200_000

// references are the distributions of the features in training, from all rows
// or an even sample of them. A feature that was never known has none.
func references(source learn.Source) ([]drift.Reference, error) {
	table, err := sampleOf(source, referenceRows)
	if err != nil {
		return nil, err
	}
	var all []drift.Reference
	for j, name := range table.Names {
		reference, known, err := referenceOf(table, j, name)
		if err != nil {
			return nil, err
		}
		if known {
			all = append(all, reference)
		}
	}
	return all, nil
}

// sampleOf is at most about so many rows, all where there are not more. Whether
// a row is in it depends on its number alone.
func sampleOf(source learn.Source, most int) (*dataset.Table, error) {
	rows := 0
	if err := each(source, func(batch *dataset.Table) { rows += len(batch.Rows) }); err != nil {
		return nil, err
	}
	stride := uint64(max(1, (rows+most-1)/most))
	sample, number := dataset.New(source.Version(), source.Names(), nil), uint64(0)
	err := each(source, func(batch *dataset.Table) {
		for i, row := range batch.Rows {
			if scatter(number)%stride == 0 {
				sample.Append(dataset.Row{EventDay: row.EventDay}, batch.Vector(i))
			}
			number++
		}
	})
	return sample, err
}

// scatter spreads row numbers, so that the horizons of an event, which follow
// each other, are drawn alike (the finaliser of SplitMix64).
func scatter(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func each(source learn.Source, visit func(*dataset.Table)) error {
	next := source.Batches()
	for {
		batch, err := next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		visit(batch)
	}
}

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
	for _, day := range slices.Sorted(maps.Keys(byDay)) {
		values := byDay[day]
		counts := r.NewCounts()
		if err := r.Add(&counts, values); err != nil {
			return r, true, fmt.Errorf("drift reference of %s: %w", day, err)
		}
		r.Days = append(r.Days, drift.DayCounts{Day: string(day), Counts: counts})
		result, err := drift.Compare(r, counts)
		if err != nil {
			return r, true, fmt.Errorf("drift reference of %s: %w", day, err)
		}
		if result.PSI > r.DayPSI { // NaN, a day without a known value, is not
			r.DayPSI = result.PSI
		}
	}
	r.Days = r.Days[max(0, len(r.Days)-referenceDays):]
	return r, true, nil
}
