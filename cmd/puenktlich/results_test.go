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
	if _, err := parseDays([]string{"2024-11-31"}); err == nil || !strings.Contains(err.Error(), `--held-out: day "2024-11-31"`) {
		t.Errorf("error %v", err)
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
