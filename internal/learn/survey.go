package learn

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"puenktlich/internal/dataset"
	"puenktlich/internal/rail"
)

// survey is what one pass over a data set counts, before compute is spent.
type survey struct {
	rows, cancelled int         // of every settled event
	days            []dayCounts // with a row that ran, ascending
}

// dayCounts are of the rows that ran on one day.
type dayCounts struct {
	day              rail.Day
	rows, late, runs int                 // runs: distinct events
	cancelled        int                 // rows beside those that ran
	overnight        map[string]struct{} // trips that began on an earlier day
}

// survey counts, and refuses an infinite feature by row and name.
func (t Trainer) survey(ctx context.Context, source Source) (survey, error) {
	var s survey
	byDay := map[rail.Day]*dayCounts{}
	events := distinct{}
	err := Data{source: source}.each(ctx, func(batch *dataset.Table) error {
		for _, row := range batch.Rows {
			s.rows++
			if row.Cancelled {
				s.cancelled++
			}
			counts := byDay[row.EventDay]
			if counts == nil {
				counts = &dayCounts{day: row.EventDay, overnight: map[string]struct{}{}}
				byDay[row.EventDay] = counts
			}
			if row.Cancelled {
				counts.cancelled++
			}
			if !ran(row) {
				continue
			}
			counts.rows++
			if row.ServiceDay < row.EventDay && row.Trip != "" {
				counts.overnight[row.Trip] = struct{}{}
			}
			if row.Late() {
				counts.late++
			}
			if events.add(row) {
				counts.runs++
			}
		}
		t.report(fmt.Sprintf("counting, %d rows", s.rows), 0)
		return batch.CheckFinite()
	})
	for _, counts := range byDay {
		if counts.rows > 0 {
			s.days = append(s.days, *counts)
		}
	}
	slices.SortFunc(s.days, func(a, b dayCounts) int { return cmp.Compare(a.day, b.day) })
	return s, err
}

// distinct tells events apart within a day. A data set's parts are days, so it
// need not remember an earlier one.
type distinct struct {
	day  rail.Day
	seen map[rail.EventKey]struct{}
}

// add says whether the row's event is a new one.
func (d *distinct) add(row dataset.Row) bool {
	if row.EventDay != d.day {
		d.day, d.seen = row.EventDay, map[rail.EventKey]struct{}{}
	}
	if _, found := d.seen[row.Key()]; found {
		return false
	}
	d.seen[row.Key()] = struct{}{}
	return true
}

// listed are the days in order.
func (s survey) listed() []rail.Day {
	days := make([]rail.Day, len(s.days))
	for i, counts := range s.days {
		days[i] = counts.day
	}
	return days
}

// overnight are the trips of some days that began on an earlier one.
func (s survey) overnight(days []rail.Day) map[string]struct{} {
	trips := map[string]struct{}{}
	for _, counts := range s.days {
		if among(days, counts.day) {
			maps.Copy(trips, counts.overnight)
		}
	}
	return trips
}

// of counts the rows that ran on some days.
func (s survey) of(days []rail.Day) (rows, late, runs int) {
	for _, counts := range s.days {
		if among(days, counts.day) {
			rows, late, runs = rows+counts.rows, late+counts.late, runs+counts.runs
		}
	}
	return rows, late, runs
}

// checkLearnable refuses days that nothing can be learned from.
func (s survey) checkLearnable(days []rail.Day) error {
	rows, late, _ := s.of(days)
	if rows == 0 {
		return fmt.Errorf("train: the data set holds no event that ran with an observed change: settle truth first")
	}
	if late == 0 || late == rows {
		return fmt.Errorf("train: %d of %d rows are late: both outcomes are needed", late, rows)
	}
	return nil
}
