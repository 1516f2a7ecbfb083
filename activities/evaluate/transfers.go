package evaluate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"puenktlich/internal/dataset"
	"puenktlich/internal/forecast"
	"puenktlich/internal/rail"
	"puenktlich/internal/transfer"
	"puenktlich/schemas"
)

// Numbers of the estimate of how two delays hang together.
const (
	minGap           = 5 // minutes between planned arrival and departure
	maxGap           = 30
	maxPairs         = 6000 // looked at, spread evenly
	minTransferPairs = 200  // below them independence is kept
	minTransferDays  = 3
)

// change is an arrival and a departure, by their rows, of one station, known of at
// one moment.
type change struct{ arrival, departure int }

// here is a moment at a station.
type here struct {
	eva int64
	at  int64 // s since 1970
}

// transfers is nil where no two trains can be changed between.
func transfers(model *forecast.Model, table *dataset.Table) (*schemas.TransferReport, error) {
	chosen := changes(table.Rows)
	if len(chosen) == 0 {
		return nil, nil
	}
	pairs, days, err := pairsOf(model, table, chosen)
	if err != nil {
		return nil, err
	}
	found, err := transfer.Estimate(pairs)
	if err != nil {
		return nil, err
	}
	report := &schemas.TransferReport{Pairs: found.Pairs, Days: found.Days, Correlation: estimate(found.Correlation),
		Brier: exists(found.Brier), BrierIndependent: exists(found.BrierIndependent), Interval: blocksOver(days)}
	if report.Brier != nil {
		report.Difference = estimate(found.Difference)
	}
	report.Used, report.Note = trusted(found)
	return report, nil
}

// trusted says whether forecasts take the correlation, and why.
func trusted(e transfer.Estimated) (used bool, note string) {
	switch {
	case e.Pairs < minTransferPairs || e.Days < minTransferDays:
		return false, fmt.Sprintf("independence is assumed: %d pairs and %d day(s) of trains, %d and %d would be needed to tell how delays hang together", e.Pairs, e.Days, minTransferPairs, minTransferDays)
	case e.Difference.Estimate >= 0:
		return false, fmt.Sprintf("independence is assumed: on held-out days the correlation made forecasts of caught changes no better (Brier %.5f beside %.5f)", e.Brier, e.BrierIndependent)
	}
	return true, fmt.Sprintf("on held-out days the correlation made forecasts of caught changes better (Brier %.5f beside %.5f of independence)", e.Brier, e.BrierIndependent)
}

// changes lists pairs of rows of different trips with a known truth, whose forecasts
// are of one moment; at most maxPairs, spread evenly.
func changes(rows []dataset.Row) []change {
	arrivals, departures := map[here][]int{}, map[here][]int{}
	for i, r := range rows {
		if r.Cancelled || r.Evidence != rail.ChangeObserved {
			continue
		}
		at := here{r.EVA, r.Planned.Add(-time.Duration(r.Horizon) * time.Minute).Unix()}
		if r.Kind == rail.Arrival {
			arrivals[at] = append(arrivals[at], i)
		} else {
			departures[at] = append(departures[at], i)
		}
	}
	places := slices.SortedFunc(maps.Keys(arrivals), func(a, b here) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.eva, b.eva)) })
	var all []change
	for _, at := range places {
		for _, a := range arrivals[at] {
			for _, d := range departures[at] {
				gap := rows[d].Planned.Sub(rows[a].Planned).Minutes()
				if gap >= minGap && gap <= maxGap && rows[a].Trip != rows[d].Trip {
					all = append(all, change{a, d})
				}
			}
		}
	}
	if len(all) <= maxPairs {
		return all
	}
	thinned := make([]change, maxPairs)
	for i := range thinned {
		thinned[i] = all[i*len(all)/maxPairs]
	}
	return thinned
}

// pairsOf forecasts both sides of each change. days is how many days they are of.
func pairsOf(model *forecast.Model, table *dataset.Table, chosen []change) (pairs []transfer.Pair, days int, err error) {
	made := map[int]transfer.Delay{}
	delay := func(i int) (transfer.Delay, error) {
		if d, known := made[i]; known {
			return d, nil
		}
		answers, err := answer(model, table, i, i+1)
		if err != nil {
			return transfer.Delay{}, err
		}
		made[i] = transfer.Delay{Edges: answers[0].Edges, Cumulative: answers[0].Cumulative}
		return made[i], nil
	}
	dayNumbers, placeNumbers := map[rail.Day]int32{}, map[place]int32{}
	var places []int32
	for _, c := range chosen {
		a, d := table.Rows[c.arrival], table.Rows[c.departure]
		p := transfer.Pair{ArrivalDelay: a.DelayMinutes, DepartureDelay: d.DelayMinutes, Day: numbered(dayNumbers, a.EventDay)}
		if p.Arrival, err = delay(c.arrival); err != nil {
			return nil, 0, err
		}
		if p.Departure, err = delay(c.departure); err != nil {
			return nil, 0, err
		}
		p.Block = p.Day
		places = append(places, numbered(placeNumbers, place{a.EVA, a.EventDay, a.Planned.Hour() / 3}))
		pairs = append(pairs, p)
	}
	if len(dayNumbers) < minDays {
		for i := range pairs {
			pairs[i].Block = places[i]
		}
	}
	return pairs, len(dayNumbers), nil
}

// blocksOver says what intervals are drawn over.
func blocksOver(days int) string { return (&sample{days: days}).how() }
