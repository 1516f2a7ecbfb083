package main

import (
	"fmt"
	"strings"
	"testing"

	"puenktlich/internal/dataset"
	"puenktlich/internal/rail"
)

func TestResultsSayHowToWriteThemAgain(t *testing.T) {
	t.Parallel()
	in := resultsRun{recordings: []string{"a", "b"}, held: []string{"2024-11-01"}, why: "not repeated", out: "elsewhere", trips: 25}
	if got, want := in.command(), "puenktlich results --recordings a,b --held-out 2024-11-01 --trips 25"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if held, err := in.check(); err != nil || len(held) != 1 {
		t.Errorf("%v %v", held, err)
	}
	for _, test := range []struct {
		in   resultsRun
		want string
	}{
		{resultsRun{trips: 100, held: []string{"2024-11-31"}}, `--held-out: day "2024-11-31"`},
		{resultsRun{trips: 100, recordings: []string{"x/berlin/"}, ablate: []string{"berlin", "bonn"}}, "--ablate bonn: none of the recordings [x/berlin/] has that name"},
		{resultsRun{trips: 100, why: "curious"}, "--look: no day is held out"},
		{resultsRun{}, "--trips 0: want 1 to 100 percent"},
	} {
		if _, err := test.in.check(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
}

func TestCaveatOfConditionalLabels(t *testing.T) {
	t.Parallel()
	for evidence, conditional := range map[rail.Evidence]bool{rail.ChangeObserved: true, rail.PolledWithoutChange: false} {
		table := dataset.New("f", nil, nil)
		table.Append(dataset.Row{Evidence: evidence}, nil)
		if got := caveat(table, 100); strings.Contains(got, "conditional") != conditional || strings.Contains(got, "of the trips") {
			t.Errorf("%s: %q", evidence, got)
		}
		if got := caveat(table, 20); !strings.Contains(got, "20 % of the trips") {
			t.Errorf("%s: %q; want the share of the trips named", evidence, got)
		}
	}
}

// A trip is kept on all its days and stops, or on none, and its name alone decides.
func TestSomeTrips(t *testing.T) {
	t.Parallel()
	table := dataset.New("f", nil, nil)
	for trip := range 1000 {
		for _, day := range []string{"2509020800", "2509030800"} {
			for stop := range 2 {
				table.Append(dataset.Row{Stop: rail.StopID(fmt.Sprintf("-%d-%s-%d", trip*7919, day, stop+1))}, nil)
			}
		}
	}
	kept := map[string]int{}
	for _, row := range someTrips(table, 20).Rows {
		ref, err := row.Stop.Parse()
		if err != nil {
			t.Fatal(err)
		}
		kept[ref.TripHash]++
	}
	for trip, rows := range kept {
		if rows != 4 {
			t.Errorf("trip %s: %d of 4 rows kept", trip, rows)
		}
	}
	if len(kept) < 150 || len(kept) > 250 {
		t.Errorf("%d of 1000 trips kept, want about a fifth", len(kept))
	}
	if len(someTrips(table, 100).Rows) != len(table.Rows) {
		t.Error("all trips: some are missing")
	}
}
