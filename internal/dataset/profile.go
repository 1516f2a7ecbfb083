package dataset

import (
	"maps"
	"slices"
	"strconv"

	"puenktlich/internal/rail"
	columns "puenktlich/schemas/dataset"
)

// longestTripDays is how many days before an event its trip may have begun.
const longestTripDays = 2

// Profile counts what is in the part of a day, in one pass over its rows.
func (t *Table) Profile(day rail.Day) columns.Profile {
	p := profiler{
		Profile: columns.Profile{Day: string(day), FeatureVersion: t.Version, Rows: len(t.Rows)},
		day:     day, oldest: day.Add(-longestTripDays),
		seen: map[rail.EventKey]uint64{}, horizons: map[int]horizon{}, overnight: map[string]struct{}{},
		kinds: map[string]int{}, classes: map[string]int{}, categories: map[string]int{}, evidence: map[string]int{},
	}
	for i := range t.Rows {
		p.row(&t.Rows[i])
	}
	p.Columns = t.columnProfiles()
	return p.finish()
}

// profiler is the profile of a part while it is counted.
type profiler struct {
	columns.Profile
	day, oldest rail.Day
	seen        map[rail.EventKey]uint64 // the horizons seen of it, a bit each
	horizons    map[int]horizon
	overnight   map[string]struct{}

	kinds, classes, categories, evidence map[string]int
}

// horizon counts the rows of one; bit is its own among at most 64.
type horizon struct {
	bit  uint64
	rows int
}

func (p *profiler) row(r *Row) {
	h, known := p.horizons[r.Horizon]
	if !known {
		h.bit = 1 << len(p.horizons)
	}
	h.rows++
	p.horizons[r.Horizon] = h
	p.event(r, h.bit)
	p.kinds[string(r.Kind)]++
	p.classes[string(r.Class)]++
	p.categories[r.Category]++
	p.evidence[string(r.Evidence)]++
	switch {
	case r.EventDay != p.day || r.ServiceDay > p.day || r.ServiceDay < p.oldest:
		note(&p.Misplaced, r)
	case r.ServiceDay != p.day:
		p.overnight[r.Trip] = struct{}{}
	}
}

// event counts each event once, by its first row.
func (p *profiler) event(r *Row, bit uint64) {
	seen, again := p.seen[r.Key()]
	p.seen[r.Key()] = seen | bit
	switch {
	case again && seen&bit != 0:
		note(&p.Duplicates, r)
	case again:
	case r.Cancelled:
		p.Cancelled++
	case r.Evidence == rail.ChangeObserved:
		p.Ran++
		if r.Late() {
			p.Late++
		}
	}
}

func (p *profiler) finish() columns.Profile {
	p.Events = len(p.seen)
	for _, minutes := range slices.Sorted(maps.Keys(p.horizons)) {
		p.Horizons = append(p.Horizons, columns.Tally{Value: strconv.Itoa(minutes), Rows: p.horizons[minutes].rows})
	}
	p.Kinds, p.Classes, p.Categories, p.Evidence = tallies(p.kinds), tallies(p.classes), tallies(p.categories), tallies(p.evidence)
	p.Overnight = slices.Sorted(maps.Keys(p.overnight))
	return p.Profile
}

// note counts a row and keeps the place of the first.
func note(rows *columns.Rows, r *Row) {
	if rows.Rows++; rows.Rows == 1 {
		rows.First = r.Place()
	}
}

func tallies(counts map[string]int) []columns.Tally {
	var all []columns.Tally
	for _, value := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, columns.Tally{Value: value, Rows: counts[value]})
	}
	return all
}
