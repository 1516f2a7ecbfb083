package api

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"puenktlich/internal/testenv"
)

// operationsTested is how many operations of the document an outside program has
// to have asked; fewer would mean that it read another document.
const operationsTested = 31

// TestTheDocumentHoldsForAnOutsideProgram lets schemathesis make requests from
// the OpenAPI document, good and bad ones, of an API whose parts are real. Every
// answer has to have a status, a media type and a body that the document names, and
// none may be a fault of the server. Its seed is fixed, and each operation gets a
// bounded number of requests. Arrow streams, which it cannot make up, it gets from
// testdata/streams.py.
func TestTheDocumentHoldsForAnOutsideProgram(t *testing.T) {
	t.Parallel()
	python, path, err := testenv.Python(t.Context(), "python-schemathesis-1", "schemathesis==4.32.5")
	if err != nil {
		t.Skipf("the OpenAPI document was NOT checked with schemathesis: %v; a Python with pip that can obtain it is needed", err)
	}
	h := ServeWithOutcomes(t)
	h.(*house).recordRuns(t)
	stream := filepath.Join(t.TempDir(), "good.arrow")
	if err := os.WriteFile(stream, twoTrains(t, h.(*house)).arrow(t, 2), 0o600); err != nil {
		t.Fatal(err)
	}
	hooks, err := filepath.Abs("testdata/streams.py")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	defer server.Close()
	command := exec.CommandContext(t.Context(), python, filepath.Join(path, "bin", "schemathesis"), "run", server.URL+"/openapi.json", "--url", server.URL,
		"--phases", "examples,coverage,fuzzing", "--max-examples", "3", "--seed", "20241029", "--workers", "1", "--no-color",
		"--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance")
	command.Dir = t.TempDir() // it keeps examples there
	command.Env = append(os.Environ(), "PYTHONPATH="+path, "PYTHONDONTWRITEBYTECODE=1", "NO_PROXY=*", "COLUMNS=160", "SCHEMATHESIS_HOOKS="+hooks, "ARROW_STREAM="+stream)
	out, err := command.CombinedOutput()
	_, failures, _ := strings.Cut(string(out), "= FAILURES =")
	if err != nil {
		t.Fatalf("schemathesis: %v\n%s", err, failures+tail(string(out), 40))
	}
	tested := regexp.MustCompile(`Tested: (\d+)`).FindStringSubmatch(string(out))
	if tested == nil {
		t.Fatalf("schemathesis does not say what it tested:\n%s", tail(string(out), 40))
	}
	if n, err := strconv.Atoi(tested[1]); err != nil || n < operationsTested {
		t.Errorf("%s operations tested, want %d at least", tested[1], operationsTested)
	}
}

// tail is the last lines of a text.
func tail(text string, lines int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
