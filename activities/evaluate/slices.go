package evaluate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"puenktlich/internal/dataset"
	"puenktlich/internal/metric"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
)

// Numbers of the slices.
const (
	minSliceEvents = 100 // distinct, below them a slice is not scored
	worstSlices    = 3   // named
	largeStation   = 300 // events a day, arrivals and departures
	mediumStation  = 60
	disturbedLate  = 0.5 // share of the station's last hour
	disturbedLost  = 0.2 // the same, cancelled
)

// slices scores the parts of the test events, dimension by dimension. events
// numbers the event of each row.
func (s *sample) slices(table *dataset.Table, events []int32) []schemas.SliceScore {
	sizes := stationSizes(s.rows)
	dimensions := []struct {
		name schemas.SliceDimension
		of   func(i int) string
	}{
		{schemas.SliceProduct, func(i int) string { return cmp.Or(s.rows[i].Category, "?") }},
		{schemas.SliceHour, func(i int) string { return hours(s.rows[i]) }},
		{schemas.SliceStation, func(i int) string { return sizes[s.rows[i].EVA] }},
		{schemas.SliceDisruption, disruption(table)},
	}
	var all []schemas.SliceScore
	for _, d := range dimensions {
		if d.of == nil {
			continue
		}
		parts := map[string]part{}
		for i, ran := range s.ran {
			if ran {
				name := d.of(i)
				parts[name] = part{s, append(parts[name].at, i)}
			}
		}
		for name, p := range parts {
			all = append(all, p.slice(d.name, name, distinct(events, p.at)))
		}
	}
	slices.SortFunc(all, func(x, y schemas.SliceScore) int {
		return cmp.Or(cmp.Compare(x.Dimension, y.Dimension), cmp.Compare(x.Name, y.Name))
	})
	return all
}

// slice scores a part, or says that it has too few events.
func (p part) slice(dimension schemas.SliceDimension, name string, events int) schemas.SliceScore {
	out := schemas.SliceScore{Dimension: dimension, Name: name, Events: events}
	if events < minSliceEvents {
		out.TooFew = true
		return out
	}
	forecasts, late := p.outcomes()
	drawn := p.bootstrap(false)
	out.LateRate, out.Brier, out.ECE = exists(metric.LateRate(late)), exists(drawn[brierCost].Estimate), exists(metric.ECE(forecasts, late, eceBins))
	out.BestBaseline = drawn.best()
	out.Skill = estimate(drawn.skill(out.BestBaseline))
	return out
}

// hours are the three hours of German local time in which an event is planned.
func hours(r dataset.Row) string {
	from := r.Planned.In(rail.Berlin).Hour() / 3 * 3
	return fmt.Sprintf("%02d-%02d h", from, from+3)
}

// stationSizes classes each station by its settled events a day, on the mean.
func stationSizes(rows []dataset.Row) map[int64]string {
	type horizon struct {
		eva     int64
		minutes int
	}
	counts, days := map[horizon]int{}, map[int64]map[rail.Day]bool{}
	for _, r := range rows {
		counts[horizon{r.EVA, r.Horizon}]++ // an event counts once a horizon
		if days[r.EVA] == nil {
			days[r.EVA] = map[rail.Day]bool{}
		}
		days[r.EVA][r.EventDay] = true
	}
	most := map[int64]int{}
	for at, n := range counts {
		most[at.eva] = max(most[at.eva], n)
	}
	sizes := make(map[int64]string, len(most))
	for eva, n := range most {
		switch daily := float64(n) / float64(len(days[eva])); {
		case daily >= largeStation:
			sizes[eva] = fmt.Sprintf("large, %d or more events a day", largeStation)
		case daily >= mediumStation:
			sizes[eva] = fmt.Sprintf("medium, %d to %d events a day", mediumStation, largeStation)
		default:
			sizes[eva] = fmt.Sprintf("small, below %d events a day", mediumStation)
		}
	}
	return sizes
}

// disruption says what trouble was known at a row's cut-off; nil where the data set
// has none of the features that tell.
func disruption(table *dataset.Table) func(i int) string {
	reasons, disruptions := slices.Index(table.Names, "reasons"), slices.Index(table.Names, "disruptions")
	late, lost := slices.Index(table.Names, "station_late"), slices.Index(table.Names, "station_cancelled")
	if max(reasons, disruptions, late, lost) < 0 {
		return nil
	}
	at := func(i, column int) float64 {
		if column < 0 {
			return math.NaN()
		}
		return float64(table.Vector(i)[column])
	}
	return func(i int) string {
		switch {
		case at(i, reasons) > 0 || at(i, disruptions) > 0:
			return "a reason or disruption was announced"
		case at(i, late) >= disturbedLate || at(i, lost) >= disturbedLost:
			return "the station was disturbed"
		}
		return "none was known"
	}
}

// eventsOf numbers the event of each scored row, and counts them.
func eventsOf(all part) (events []int32, count int) {
	numbers := map[rail.EventKey]int32{}
	events = make([]int32, len(all.rows))
	for _, i := range all.at {
		events[i] = numbered(numbers, all.rows[i].Key())
	}
	return events, len(numbers)
}

// distinct counts the events of some rows.
func distinct(events []int32, at []int) int {
	seen := make(map[int32]struct{}, len(at))
	for _, i := range at {
		seen[events[i]] = struct{}{}
	}
	return len(seen)
}

// worst names the scored slices with the least skill.
func worst(all []schemas.SliceScore) []string {
	scored := slices.DeleteFunc(slices.Clone(all), func(s schemas.SliceScore) bool { return s.Skill.Value == nil })
	slices.SortStableFunc(scored, func(x, y schemas.SliceScore) int { return cmp.Compare(*x.Skill.Value, *y.Skill.Value) })
	var named []string
	for _, s := range scored[:min(worstSlices, len(scored))] {
		named = append(named, fmt.Sprintf("%s %s: skill %s against %s, on %d events", strings.ReplaceAll(string(s.Dimension), "_", " "), s.Name, percent(s.Skill), s.BestBaseline, s.Events))
	}
	return named
}

// percent is a share with its interval.
func percent(e schemas.Estimate) string {
	text := fmt.Sprintf("%+.1f %%", 100**e.Value)
	if e.Low != nil && e.High != nil {
		text += fmt.Sprintf(" (95 %% %+.1f to %+.1f)", 100**e.Low, 100**e.High)
	}
	return text
}
