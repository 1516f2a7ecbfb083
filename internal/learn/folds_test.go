package learn

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"puenktlich/internal/rail"
)

// A fold is written "days of training > days of validation", days by number.
func TestForwardChain(t *testing.T) {
	t.Parallel()
	tests := map[int][]string{
		0:  nil,
		1:  nil,
		2:  {"1 > 2"},
		3:  {"1 > 2", "1-2 > 3"},
		5:  {"1-2 > 3", "1-3 > 4", "1-4 > 5"},
		13: {"1-10 > 11", "1-11 > 12", "1-12 > 13"},
		14: {"1-12 > 13", "1-13 > 14"},
		28: {"1-24 > 25-26", "1-26 > 27-28"},
		60: {"1-48 > 49-54", "1-54 > 55-60"},
	}
	for n, want := range tests {
		days := rail.Days("2024-10-01", rail.Day("2024-10-01").Add(n))
		var got []string
		for _, f := range forwardChain(days) {
			got = append(got, numbers(days, f.Train)+" > "+numbers(days, f.Valid))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d days: %s, want %s", n, strings.Join(got, ", "), strings.Join(want, ", "))
		}
	}
}

func numbers(all, some []rail.Day) string {
	first, last := slices.Index(all, some[0])+1, slices.Index(all, some[len(some)-1])+1
	if first == last {
		return fmt.Sprint(first)
	}
	return fmt.Sprintf("%d-%d", first, last)
}
