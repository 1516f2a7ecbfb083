package collect_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"puenktlich/internal/history/historytest"
	"puenktlich/schemas"
)

// updateCorpus writes what is told of wrong inputs into testdata/import: go test
// ./activities/collect -run TestWrongInputs -update-corpus, then read it.
var updateCorpus = flag.Bool("update-corpus", false, "write what is told of wrong inputs")

// plainMapping maps every field to the column of its name.
func plainMapping(t *testing.T) json.RawMessage {
	t.Helper()
	columns := map[string]string{}
	for _, name := range strings.Split(strings.TrimSpace(historytest.Header), ",") {
		columns[name] = name
	}
	body, err := json.Marshal(map[string]any{"columns": columns})
	must(t, err)
	return body
}

// wrongInputs are the files of the corpus, those that are no text made by
// historytest.
func wrongInputs(t *testing.T) map[string]string {
	t.Helper()
	paths := map[string]string{}
	texts, err := filepath.Glob("testdata/import/*.csv")
	must(t, err)
	for _, path := range texts {
		paths[filepath.Base(path)] = path
	}
	for name, write := range historytest.Broken() {
		paths[name] = write(t)
	}
	return paths
}

// Of every wrong input is told what is wrong, where, and which value; what
// stands beside it is in.
func TestWrongInputs(t *testing.T) {
	t.Parallel()
	wrong := wrongInputs(t)
	expected, err := filepath.Glob("testdata/import/*.want")
	must(t, err)
	if len(wrong) < 26 || len(expected) != len(wrong) && !*updateCorpus {
		t.Errorf("%d wrong inputs, what is to be told of %d", len(wrong), len(expected))
	}
	for name, path := range wrong {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := toldOf(t, path)
			file := filepath.Join("testdata", "import", name+".want")
			if *updateCorpus {
				must(t, os.WriteFile(file, []byte(got), 0o644))
			}
			want, err := os.ReadFile(file)
			must(t, err)
			if got != string(want) {
				t.Errorf("told\n%swant\n%s", got, want)
			}
		})
	}
}

// toldOf imports a file and writes what came of it: counts, the error, the
// quarantine.
func toldOf(t *testing.T, path string) string {
	t.Helper()
	h := newHouse(t, morning())
	result, err := h.ImportArchive(t.Context(), schemas.ImportArchiveInput{Group: group, Path: path, Mapping: plainMapping(t),
		Provenance: schemas.Provenance{Source: "a test", Licence: "none"}})
	lines := []string{fmt.Sprintf("%d planned events, %d quarantined", result.Counts.Planned, result.Counts.Quarantined)}
	if err != nil {
		if kind := failureType(err); kind != schemas.FailureValidation && kind != schemas.FailureIntegrity {
			t.Errorf("%v would be tried again", err)
		}
		lines = append(lines, fmt.Sprintf("%s: %s", failureType(err), strings.SplitN(err.Error(), " (type:", 2)[0]))
	}
	refused, err := h.db.Quarantined(context.WithoutCancel(t.Context()), "test", 100)
	must(t, err)
	var kept []string
	for _, q := range refused {
		kept = append(kept, fmt.Sprintf("%s %s: %q: %s", q.File, q.Element, q.Value, q.Reason))
	}
	slices.Sort(kept)
	return strings.Join(append(lines, kept...), "\n") + "\n"
}
