package learn

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"puenktlich/internal/dataset"
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

// inBatches is a table a few rows at a time, as a data set is streamed.
type inBatches struct {
	whole
	rows int
}

func (b inBatches) Batches() func() (*dataset.Table, error) {
	from := 0
	return func() (*dataset.Table, error) {
		if from >= len(b.table.Rows) {
			return nil, io.EOF
		}
		batch := dataset.New(b.table.Version, b.table.Names, nil)
		for ; from < len(b.table.Rows) && len(batch.Rows) < b.rows; from++ {
			batch.Append(b.table.Rows[from], b.table.Vector(from))
		}
		return batch, nil
	}
}

// A trip that goes on after midnight is on one side of a fold alone, also where
// its two halves come in different batches of a stream.
func TestFoldsOfAStreamSplitNoTrip(t *testing.T) {
	t.Parallel()
	table := synthetic(4, 60)
	for i := range table.Rows {
		row := &table.Rows[i]
		row.Trip, row.ServiceDay = fmt.Sprintf("%d-%s", i, row.EventDay), row.EventDay
		if n := i % 60; n < 3 && i >= 60 { // the first trains of a day are the last ones of the day before
			row.Trip, row.ServiceDay = table.Rows[i-3].Trip, row.EventDay.Add(-1)
		}
	}
	source := inBatches{whole{table}, 7}
	counted, err := Trainer{}.survey(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	trips := func(d Data) map[string]int {
		all := map[string]int{}
		if err := d.each(t.Context(), func(batch *dataset.Table) error {
			for _, row := range batch.Rows {
				all[row.Trip]++
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return all
	}
	data := Data{source: source}
	for i, f := range forwardChain(counted.listed()) {
		valid, whole := trips(data.on(f.Valid)), trips(data.on(f.Train))
		train, split := trips(data.on(f.Train).without(counted.overnight(f.Valid))), 0
		for trip := range whole {
			if valid[trip] > 0 {
				split++
			}
		}
		for trip := range train {
			if valid[trip] > 0 {
				t.Errorf("fold %d: trip %s is learned from and tested on", i, trip)
			}
		}
		if split == 0 || len(train) != len(whole)-split {
			t.Errorf("fold %d: %d trips go on after midnight, %d of %d are left to learn from", i, split, len(train), len(whole))
		}
	}
}
