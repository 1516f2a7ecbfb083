package main

import (
	"strings"
	"testing"

	"puenktlich/internal/dataset"
	"puenktlich/internal/rail"
)

func TestResultsSayHowToWriteThemAgain(t *testing.T) {
	t.Parallel()
	in := resultsRun{recordings: []string{"a", "b"}, held: []string{"2024-11-01"}, why: "not repeated", out: "elsewhere"}
	if got, want := in.command(), "puenktlich results --recordings a,b --held-out 2024-11-01"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if held, err := in.check(); err != nil || len(held) != 1 {
		t.Errorf("%v %v", held, err)
	}
	for _, test := range []struct {
		in   resultsRun
		want string
	}{
		{resultsRun{held: []string{"2024-11-31"}}, `--held-out: day "2024-11-31"`},
		{resultsRun{recordings: []string{"x/berlin/"}, ablate: []string{"berlin", "bonn"}}, "--ablate bonn: none of the recordings [x/berlin/] has that name"},
		{resultsRun{why: "curious"}, "--look: no day is held out"},
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
		if got := caveat(table); strings.Contains(got, "conditional") != conditional {
			t.Errorf("%s: %q", evidence, got)
		}
	}
}
