package dataset

import (
	"fmt"
	"slices"

	"puenktlich/schemas"
	columns "puenktlich/schemas/dataset"
)

const (
	// minOfMedian is the least share of the median day that a day has to reach,
	// in rows and in settled events for each planned one.
	minOfMedian = 0.5
	// minPlanKnown is the least share of a day's station-hours whose plan was read.
	minPlanKnown = 0.9
	// maxUnwatched is the greatest share of these in which nothing was polled.
	maxUnwatched = 0.1
)

// surroundings compares the days with the plan, the coverage and each other.
func (i *inspection) surroundings() []schemas.Check {
	empty := warning("empty_days", "every day has settled events")
	for _, day := range i.want.Days {
		if !slices.ContainsFunc(i.days, func(p columns.Profile) bool { return p.Day == day }) {
			found(empty, schemas.Finding{Day: day, Value: "0 rows", Limit: "settled events"})
		}
	}
	coverage := warning("coverage", "of a day's station-hours %g have a plan, and %g of these were polled", minPlanKnown, 1-maxUnwatched)
	for _, p := range i.days {
		s := p.Surroundings
		if ratio(s.PlanKnown, s.StationHours) < minPlanKnown && s.StationHours > 0 {
			found(coverage, schemas.Finding{Day: p.Day, Value: fmt.Sprintf("plan of %d of %d station-hours", s.PlanKnown, s.StationHours), Limit: fmt.Sprintf("at least %g", minPlanKnown)})
		}
		if ratio(s.Unwatched, s.PlanKnown) > maxUnwatched {
			found(coverage, schemas.Finding{Day: p.Day, Value: fmt.Sprintf("%d of %d station-hours without a poll", s.Unwatched, s.PlanKnown), Limit: fmt.Sprintf("at most %g", maxUnwatched)})
		}
	}
	return []schemas.Check{*empty, *coverage,
		i.againstMedian("rows_by_day", "rows", func(p columns.Profile) float64 { return float64(p.Rows) }),
		i.againstMedian("settled_of_planned", "settled for each planned event", func(p columns.Profile) float64 {
			return ratio(p.Surroundings.Settled, p.Surroundings.Planned)
		}),
	}
}

// againstMedian finds days far below the others.
func (i *inspection) againstMedian(name, what string, of func(columns.Profile) float64) schemas.Check {
	c := warning(name, "no day has less than %g of the median day's %s", minOfMedian, what)
	var values []float64
	for _, p := range i.days {
		values = append(values, of(p))
	}
	middle := median(values)
	for n, p := range i.days {
		if values[n] < minOfMedian*middle {
			found(c, schemas.Finding{Day: p.Day, Value: fmt.Sprintf("%.4g %s", values[n], what), Limit: fmt.Sprintf("at least %g of %.4g", minOfMedian, middle)})
		}
	}
	return *c
}
