package monitor

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"time"

	"puenktlich/internal/drift"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Numbers of the categories.
const (
	topCategories = 20 // told apart; the rest is one bin, and what training never saw another
	// maxLabels of an hour are kept by name: a column that explodes is one bin more.
	maxLabels   = 2000
	otherLabels = "(others)"
)

// column is the counts of one column of the plan by day and value.
type column map[rail.Day]map[string]uint64

// categories are the subjects of the plan's columns, and the signal of values
// that no training day had.
func (n *measuring) categories(ctx context.Context) ([]*subject, error) {
	columns, err := n.planCounts(ctx)
	if err != nil {
		return nil, err
	}
	days := n.trainDays()
	var all []*subject
	worst, limit, events, where := math.NaN(), math.NaN(), 0, ""
	for _, name := range slices.Sorted(maps.Keys(columns)) {
		s := columns[name].subject(name, n.day, days)
		if s == nil {
			continue
		}
		all = append(all, s)
		known := s.now.Known()
		unseen := share(float64(s.now.Bins[len(s.now.Bins)-1]), float64(known))
		if known > 0 && !(unseen <= worst) {
			worst, events, where = unseen, int(known), name
		}
		usual := columns[name].newest(days)
		limit = max(cmpNaN(limit, 0), usual)
		n.stat(subjectCategory, name, "new", unseen, usual, unseen > usual, known)
	}
	n.board.measured(schemas.SignalNewCategories, worst, events, "the plan of "+string(n.day)+" or of the training days is not there")
	if where != "" {
		n.board.limited(schemas.SignalNewCategories, limit, len(days) < drift.SeasonDays)
		n.board.note(schemas.SignalNewCategories, "most of them in column %s", where)
	}
	return all, nil
}

// planCounts reads the counts of the training days and of the measured one, and
// counts what was not counted yet.
func (n *measuring) planCounts(ctx context.Context) (map[string]column, error) {
	days := append(n.trainDays(), n.day)
	stored, err := n.a.Store.DriftCounts(ctx, schema.CountsQuery{DataSource: n.a.Name, Source: schema.FromPlan, From: string(days[0]), Until: string(n.day.Add(1))})
	if err != nil {
		return nil, err
	}
	whole := map[rail.Day]bool{}
	for _, c := range stored {
		if day := rail.Day(c.Day); !c.CountedAt.Before(day.End()) { // the day was over
			whole[day] = true
		}
	}
	stored = slices.DeleteFunc(stored, func(c schema.DriftCounts) bool { return !whole[rail.Day(c.Day)] })
	for _, span := range lacking(days, whole) {
		fresh, err := n.a.Store.CategoryCounts(ctx, schema.TruthQuery{Source: n.a.Name, From: string(span[0]), Until: string(span[1].Add(1))})
		if err != nil {
			return nil, err
		}
		rows := n.planRows(fresh)
		if len(rows) == 0 {
			continue
		}
		if err := n.a.Store.SaveDriftCounts(ctx, n.token("plan/"+string(span[0]), rows), rows); err != nil {
			return nil, err
		}
		stored = append(stored, rows...)
	}
	columns := map[string]column{}
	for _, c := range stored {
		if columns[c.Name] == nil {
			columns[c.Name] = column{}
		}
		columns[c.Name].add(c)
	}
	return columns, nil
}

// lacking are the spans of days, first and last, that were not counted.
func lacking(days []rail.Day, whole map[rail.Day]bool) [][2]rail.Day {
	var spans [][2]rail.Day
	for _, day := range days {
		if whole[day] {
			continue
		}
		if last := len(spans) - 1; last >= 0 && spans[last][1].Add(1) == day {
			spans[last][1] = day
			continue
		}
		spans = append(spans, [2]rail.Day{day, day})
	}
	return spans
}

// planRows puts counts that come ordered by day, hour, column and value into a
// row for each hour and column.
func (n *measuring) planRows(counts []schema.CategoryCount) []schema.DriftCounts {
	var rows []schema.DriftCounts
	for _, c := range counts {
		if last := len(rows) - 1; last < 0 || rows[last].Day != c.Day || !rows[last].Hour.Equal(c.Hour) || rows[last].Name != c.Column {
			rows = append(rows, schema.DriftCounts{DataSource: n.a.Name, Source: schema.FromPlan, Day: c.Day, Hour: c.Hour.Truncate(time.Hour), Subject: subjectCategory, Name: c.Column,
				Labels: []string{}, Bins: []uint64{}, CountedAt: n.asOf})
		}
		row := &rows[len(rows)-1]
		row.Total += c.Events
		switch {
		case c.Value == "":
			row.Missing += c.Events
		case len(row.Labels) < maxLabels:
			row.Labels, row.Bins = append(row.Labels, c.Value), append(row.Bins, c.Events)
		case len(row.Labels) == maxLabels:
			row.Labels, row.Bins = append(row.Labels, otherLabels), append(row.Bins, c.Events)
		default:
			row.Bins[maxLabels] += c.Events
		}
	}
	return rows
}

// missingLabel holds what has no value.
const missingLabel = ""

func (c column) add(row schema.DriftCounts) {
	day := rail.Day(row.Day)
	if c[day] == nil {
		c[day] = map[string]uint64{}
	}
	for i, label := range row.Labels {
		if i < len(row.Bins) {
			c[day][label] += row.Bins[i]
		}
	}
	c[day][missingLabel] += row.Missing
}

// subject holds a day against the training days; nil where either is not there.
func (c column) subject(name string, day rail.Day, days []rail.Day) *subject {
	total := map[string]uint64{}
	for _, d := range days {
		for label, events := range c[d] {
			total[label] += events
		}
	}
	delete(total, missingLabel)
	if len(total) == 0 || len(c[day]) == 0 {
		return nil
	}
	labels := slices.SortedFunc(maps.Keys(total), func(a, b string) int { return cmp.Or(cmp.Compare(total[b], total[a]), cmp.Compare(a, b)) })
	top := min(topCategories, len(labels))
	bins := map[string]int{}
	for i, label := range labels {
		bins[label] = min(i, top)
	}
	s := &subject{kind: subjectCategory, name: name}
	for _, d := range days {
		if len(c[d]) > 0 {
			s.days = append(s.days, drift.DayCounts{Day: string(d), Counts: c.counts(d, bins, top+2)})
		}
	}
	s.days, s.seasonal = drift.Season(s.days, string(day))
	s.then, s.now = drift.Sum(s.days, top+2), c.counts(day, bins, top+2)
	s.measure()
	return s
}

func (c column) counts(day rail.Day, bins map[string]int, width int) drift.Counts {
	counts := drift.Counts{Bins: make([]uint64, width), Missing: c[day][missingLabel]}
	for label, events := range c[day] {
		if label == missingLabel {
			continue
		}
		bin, seen := bins[label]
		if !seen {
			bin = width - 1
		}
		counts.Bins[bin] += events
	}
	return counts
}

// newest is the greatest share of values of a training day that no other one had.
func (c column) newest(days []rail.Day) float64 {
	seen := map[string]int{}
	for _, d := range days {
		for label := range c[d] {
			seen[label]++
		}
	}
	most := 0.0
	for _, d := range days {
		alone, known := uint64(0), uint64(0)
		for label, events := range c[d] {
			if label == missingLabel {
				continue
			}
			if known += events; seen[label] == 1 {
				alone += events
			}
		}
		if known > 0 {
			most = max(most, float64(alone)/float64(known))
		}
	}
	return most
}
