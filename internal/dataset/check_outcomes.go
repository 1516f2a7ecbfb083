package dataset

import (
	"fmt"
	"slices"
	"strconv"

	"puenktlich/schemas"
	columns "puenktlich/schemas/dataset"
)

// Limits of what is learned from.
const (
	minLateRate, maxLateRate = 0.002, 0.9
	// oneDay is how many events of a day make its late rate worth a look.
	oneDay = 200
	// maxDayShift is how far a day's late rate may lie from that of all days:
	// the worst days of German railways reach twice the usual rate.
	maxDayShift = 0.4
	// minHorizonShare is the least share of a day's rows at its fullest horizon
	// that every other one has.
	minHorizonShare = 0.25
)

// outcomes checks labels and horizons.
func (i *inspection) outcomes() []schemas.Check {
	events := stop("events", "%d events that ran with an observed change, at least 1", i.ran)
	if i.ran == 0 {
		found(events, schemas.Finding{Value: "0 events", Limit: "at least 1"})
	}
	rate := ratio(i.late, i.ran)
	late := stop("late_rate", "%s late, from %g to %g", quantity(rate), minLateRate, maxLateRate)
	if i.ran > 0 && (rate < minLateRate || rate > maxLateRate) {
		found(late, schemas.Finding{Column: columns.DelayMinutes, Value: quantity(rate) + " late", Limit: fmt.Sprintf("%g to %g", minLateRate, maxLateRate)})
	}
	byDay := warning("late_rate_by_day", "no day of %d events and more differs by more than %g from all days", oneDay, maxDayShift)
	for _, p := range i.days {
		if own := ratio(p.Late, p.Ran); p.Ran >= oneDay && (own < rate-maxDayShift || own > rate+maxDayShift) {
			found(byDay, schemas.Finding{Day: p.Day, Column: columns.DelayMinutes, Value: quantity(own) + " late", Limit: fmt.Sprintf("within %g of %s", maxDayShift, quantity(rate))})
		}
	}
	return append([]schemas.Check{*events, *late, *byDay}, i.horizons()...)
}

func (i *inspection) horizons() []schemas.Check {
	present := stop("horizons", "rows at each of %v min and at no other", i.want.Horizons)
	even := warning("horizons_by_day", "each horizon has at least %g of the rows of the day's fullest", minHorizonShare)
	total := map[string]int{}
	for _, p := range i.days {
		rows, most := map[string]int{}, 0
		for _, t := range p.Horizons {
			rows[t.Value], most = t.Rows, max(most, t.Rows)
			total[t.Value] += t.Rows
			if minutes, err := strconv.Atoi(t.Value); err != nil || !slices.Contains(i.want.Horizons, minutes) {
				found(present, schemas.Finding{Day: p.Day, Column: columns.Horizon, Value: t.Value + " min", Limit: fmt.Sprint(i.want.Horizons)})
			}
		}
		for _, minutes := range i.want.Horizons {
			if n := rows[strconv.Itoa(minutes)]; ratio(n, most) < minHorizonShare && most > 0 {
				found(even, schemas.Finding{Day: p.Day, Column: columns.Horizon, Value: fmt.Sprintf("%d rows at %d min", n, minutes),
					Limit: fmt.Sprintf("at least %g of %d", minHorizonShare, most)})
			}
		}
	}
	for _, minutes := range i.want.Horizons {
		if i.rows > 0 && total[strconv.Itoa(minutes)] == 0 {
			found(present, schemas.Finding{Column: columns.Horizon, Value: fmt.Sprintf("0 rows at %d min", minutes), Limit: "at least 1"})
		}
	}
	return []schemas.Check{*present, *even}
}
