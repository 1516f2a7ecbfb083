package learn

import (
	"slices"

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

// among looks a day up in ascending days.
func among(days []rail.Day, day rail.Day) bool {
	_, found := slices.BinarySearch(days, day)
	return found
}
