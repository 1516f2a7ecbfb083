package timetables_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"puenktlich/internal/timetables"
)

var update = flag.Bool("update", false, "write the expected messages of testdata/bad anew")

// TestBadDocuments holds what is kept of each wrong document and what is said
// of the rest. The documents are of the night of 2025-03-30, when 02:00 to
// 03:00 did not exist.
func TestBadDocuments(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/bad/*.xml")
	if err != nil || len(files) < 30 {
		t.Fatalf("testdata/bad has %d documents (%v), want at least 30", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			got := describe(t, file)
			golden := strings.TrimSuffix(file, ".xml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func describe(t *testing.T, file string) string {
	t.Helper()
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	kind, _, _ := strings.Cut(filepath.Base(file), "-")
	polled := time.Date(2025, 3, 30, 1, 30, 0, 0, time.UTC) // 03:30 in Germany
	call := timetables.Call{Kind: timetables.CallKind(kind), EVA: 8000150, Hour: polled.Truncate(time.Hour)}
	result := timetables.Parse(body, timetables.Origin{Call: call, PolledAt: polled, File: "f"})
	var out strings.Builder
	fmt.Fprintf(&out, "station %q, %d stops\n", result.Station, result.Stops)
	for _, event := range result.Planned {
		fmt.Fprintf(&out, "keeps %s at %s\n", event.Key(), event.Planned.Format(time.RFC3339))
	}
	for _, c := range result.Changes {
		fmt.Fprintf(&out, "keeps %s of %d: changed %s platform %q status %q messages %d\n",
			c.Key(), c.EVA, c.Changed.Format(time.RFC3339), c.Platform, c.Status, len(c.Messages))
	}
	var unknown []string
	for name, n := range result.UnknownAttributes {
		unknown = append(unknown, fmt.Sprintf("unknown %s, %d, first %q\n", name, n.Count, n.Example))
	}
	slices.Sort(unknown)
	out.WriteString(strings.Join(unknown, ""))
	for _, q := range result.Quarantined {
		var bad *timetables.Error
		if !errors.As(q.Err(), &bad) {
			t.Fatalf("%v is no *Error", q.Err())
		}
		fmt.Fprintln(&out, "quarantines", bad)
	}
	return out.String()
}
