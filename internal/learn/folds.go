package learn

import (
	"fmt"
	"slices"

	"puenktlich/internal/dataset"
	"puenktlich/internal/rail"
)

// maxFolds bounds the cost of forward chaining; with manyDays, whose validation
// blocks are days wide, fewer are enough.
const (
	maxFolds     = 3
	manyDays     = 14
	manyDayFolds = 2
)

// fold trains on the days before Valid and is judged on Valid, days in order.
type fold struct {
	Train, Valid []rail.Day
}

// forwardChain makes a bounded number of folds out of the newest days, each block
// of validation days a tenth of all but at least one, and at least one day of
// training before it. One day alone gives no fold.
func forwardChain(days []rail.Day) []fold {
	block := max(1, len(days)/10)
	most := maxFolds
	if len(days) >= manyDays {
		most = manyDayFolds
	}
	var folds []fold
	for end := len(days); end-block >= 1 && len(folds) < most; end -= block {
		folds = append(folds, fold{Train: days[:end-block], Valid: days[end-block : end]})
	}
	slices.Reverse(folds)
	return folds
}

// daysOf lists the distinct event days of a table, ascending.
func daysOf(table *dataset.Table) []rail.Day {
	seen := map[rail.Day]bool{}
	var days []rail.Day
	for _, row := range table.Rows {
		if !seen[row.EventDay] {
			seen[row.EventDay] = true
			days = append(days, row.EventDay)
		}
	}
	slices.Sort(days)
	return days
}

func on(days []rail.Day) func(dataset.Row) bool {
	return func(r dataset.Row) bool { _, found := slices.BinarySearch(days, r.EventDay); return found }
}

// checkLearnable refuses a table nothing can be learned from, before compute
// is spent.
func checkLearnable(ran *dataset.Table) error {
	late := 0
	for _, row := range ran.Rows {
		if row.Late() {
			late++
		}
	}
	if len(ran.Rows) == 0 {
		return fmt.Errorf("train: the data set holds no event that ran with an observed change: settle truth first")
	}
	if late == 0 || late == len(ran.Rows) {
		return fmt.Errorf("train: %d of %d rows are late: both outcomes are needed", late, len(ran.Rows))
	}
	return ran.CheckFinite()
}
