package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/experiment"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// runsCanBeMadeAgain looks at a lifecycle's runs from the terminal, and makes
// the chosen one again, twice: from its true record, and from one that says
// something else.
func (s *system) runsCanBeMadeAgain(life schemas.LifecycleResult) {
	t, run := s.t, life.Trained.RunID
	environ := append(os.Environ(), s.config.Environ()...)
	code, out := command(t, environ, "runs", "list", "--json", "--sort", "oof_log_loss", "--model", schemas.DefaultModel)
	require.Equal(t, 0, code, out)
	var listing experiment.Listing
	require.NoError(t, json.Unmarshal([]byte(out), &listing))
	require.Len(t, listing.Runs, 3)
	require.Equal(t, run, listing.Runs[0].ID, "the lifecycle takes the run with the lowest log loss out of fold")
	require.Equal(t, "bootstrap", listing.Runs[0].Actor)
	require.Equal(t, "test", listing.Runs[0].Reason)
	require.Positive(t, listing.Runs[0].DurationSeconds)
	require.Positive(t, listing.Runs[0].PeakMemoryBytes)

	code, out = command(t, environ, "runs", "show", run[:8])
	require.Equal(t, 0, code, out)
	for _, want := range []string{run, life.Dataset.ID, life.Trained.Artefact.Key, life.Evaluate.Report.Key, "xgboost", "max_depth"} {
		require.Contains(t, out, want)
	}
	dir := t.TempDir()
	code, out = command(t, environ, "runs", "compare", run[:8], listing.Runs[1].ID, "--out", dir)
	require.Equal(t, 0, code, out)
	require.Contains(t, out, "max_depth")
	for _, name := range []string{"reliability", "roc", "skill", "importance"} {
		require.FileExists(t, filepath.Join(dir, name+".svg"))
	}

	code, out = command(t, environ, "runs", "reproduce", run[:8], "--actor", "ada")
	require.Equal(t, 0, code, out)
	require.Contains(t, out, "agrees with its record "+run)
	again, err := s.db.Runs(t.Context(), schemas.DefaultModel, 100)
	require.NoError(t, err)
	require.Len(t, again, 4, "the reproduction is a run of its own")

	s.reproduced = schemas.ReproduceID(run)
	require.NoError(t, s.db.SaveMetrics(t.Context(), "another", []schema.RunMetric{{RunID: run, Name: "oof_brier", Value: 0.01, RecordedAt: s.asOf}}))
	code, out = command(t, environ, "runs", "reproduce", run)
	require.Equal(t, 1, code, out)
	require.Contains(t, out, "run "+run+" could not be made again: 1 of ")

	code, out = command(t, environ, "runs", "show", "no-such-run")
	require.Equal(t, 1, code)
	require.Contains(t, out, `there is no run "no-such-run"`)
}

// recalibrationCanBeMadeAgain makes a recalibration again from its record, twice:
// beside the package that was built of it, and beside one whose calibration is
// another.
func (s *system) recalibrationCanBeMadeAgain(life schemas.LifecycleResult) {
	t, run := s.t, life.Trained.RunID
	environ := append(os.Environ(), s.config.Environ()...)
	code, out := command(t, environ, "runs", "show", run)
	require.Equal(t, 0, code, out)
	for _, want := range []string{"recalibrated_from", life.Trained.Recalibrated.From.Digest, life.Trained.Artefact.Key, "unauthenticated UI"} {
		require.Contains(t, out, want)
	}
	code, out = command(t, environ, "runs", "reproduce", run, "--actor", "ada")
	require.Equal(t, 0, code, out)
	for _, want := range []string{"data set", "trees of package", "calibration method", "calibration in package punctuality@4", "test_brier_h60", "agrees with its record " + run} {
		require.Contains(t, out, want)
	}
	s.recalibratedAgain = schemas.ReproduceID(run)

	file := life.Package.Prefix + "/calibration.json"
	body, _, err := s.objects.Get(t.Context(), file)
	require.NoError(t, err)
	other := bytes.Replace(body, []byte(life.Trained.Recalibrated.Method), []byte("another"), 1)
	require.NotEqual(t, string(body), string(other))
	require.NoError(t, s.objects.Put(t.Context(), file, other))
	code, out = command(t, environ, "runs", "reproduce", run)
	require.Equal(t, 1, code, out)
	require.Contains(t, out, "run "+run+" could not be made again: 1 of ")
	require.NoError(t, s.objects.Put(t.Context(), file, body))
}

func TestRunsWithoutStores(t *testing.T) {
	t.Parallel()
	away := []string{"PUENKTLICH_DATA_DIR=/nowhere", "PUENKTLICH_CLICKHOUSE_ADDRESS=http://127.0.0.1:1", "PUENKTLICH_S3_ENDPOINT=http://127.0.0.1:1",
		"PUENKTLICH_S3_ACCESS_KEY=a", "PUENKTLICH_S3_SECRET_KEY=b", "PUENKTLICH_TEMPORAL_ADDRESS=127.0.0.1:1"}
	for _, tt := range []struct {
		name, want string
		environ    []string
		args       []string
	}{
		{"no addresses", "set PUENKTLICH_CLICKHOUSE_ADDRESS", []string{"PUENKTLICH_DATA_DIR=/nowhere"}, []string{"list"}},
		{"ClickHouse away", "runs list: the record of the runs cannot be read: ClickHouse does not answer", away, []string{"list"}},
		{"ClickHouse away, one run", "the record of the runs cannot be read", away, []string{"show", "a"}},
		{"unknown status", `--status "finnished": want one of ["running" "finished" "failed" "killed"]`, away, []string{"list", "--status", "finnished"}},
		{"since when", `--since "yesterday": want a day`, away, []string{"list", "--since", "yesterday"}},
		{"how many", "--limit -1", away, []string{"list", "--limit", "-1"}},
		{"one run is no comparison", "requires at least 2 arg(s)", away, []string{"compare", "a"}},
		{"no run", "accepts 1 arg(s)", away, []string{"reproduce"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, out := command(t, tt.environ, append([]string{"runs"}, tt.args...)...)
			require.Equal(t, 1, code)
			require.Contains(t, out, tt.want)
		})
	}
}

func TestGrid(t *testing.T) {
	t.Parallel()
	g := grid{head: []string{"NAME"}}
	g.number("VALUE")
	g.rows = [][]string{{"Zürich", "1"}, {"a", "100.5"}}
	var out bytes.Buffer
	require.NoError(t, g.write(&out))
	require.Equal(t, "NAME    VALUE\nZürich      1\na       100.5\n", out.String())
}
