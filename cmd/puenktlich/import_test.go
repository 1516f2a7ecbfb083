package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"

	"puenktlich/internal/clock"
	"puenktlich/internal/config"
	"puenktlich/internal/history"
	"puenktlich/internal/history/historytest"
	"puenktlich/internal/localstack"
	"puenktlich/schemas"
)

// importStack is servers given by address, as config.
func importStack(t *testing.T, p program) config.Config {
	t.Helper()
	components, err := p.setUp(t.Context())
	require.NoError(t, err)
	var attributes []localstack.SearchAttribute
	for _, name := range schemas.SearchAttributes() {
		attributes = append(attributes, localstack.SearchAttribute{Name: name, Type: enums.INDEXED_VALUE_TYPE_KEYWORD})
	}
	servers, err := localstack.Start(t.Context(), localstack.Options{DataDir: t.TempDir(), Components: components, EngineCommand: []string{os.Args[0], "engine"}, SearchAttributes: attributes})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, servers.Stop(t.Context())) })
	at := servers.Addresses()
	return config.Config{DataDir: t.TempDir(), TemporalAddress: at.Temporal, TemporalNamespace: "default", S3Endpoint: at.S3Endpoint, S3Region: "us-east-1",
		S3AccessKey: at.S3AccessKey, S3SecretKey: at.S3SecretKey, S3Bucket: "import", ClickHouseAddress: "http://" + at.ClickHouseAddr,
		ClickHouseUser: at.ClickHouseUser, ClickHousePassword: at.ClickHousePassword, ClickHouseDatabase: "import", Source: config.SourceSimulation,
		TimetablesURL: "http://127.0.0.1:1/timetables/v1", Seed: 1, Listen: "127.0.0.1:0", Instance: "import-1", CallsPerMinute: 60, FullEvery: time.Hour, LeaseEvery: time.Minute}
}

// Sizes of the release: row groups so small that a worker is killed between two.
const (
	killRows  = 20_000
	killGroup = 250
)

// bigRelease is a month of departures, each with a change.
func bigRelease(t *testing.T) string {
	f := historytest.File{Columns: historytest.Columns(), GroupOf: killGroup}
	start := time.Date(2024, 10, 1, 5, 0, 0, 0, time.UTC)
	for i := range killRows {
		at := start.Add(time.Duration(i%40_000) * time.Minute)
		delay := 3 * time.Minute
		if i%5 == 0 {
			delay = 10 * time.Minute
		}
		f.Rows = append(f.Rows, historytest.Row{"id": fmt.Sprintf("%d-%s-1", i, at.Format("0601021504")), "eva": "8000105", "train_type": "RE", "train_number": "1",
			"is_canceled": "false", "departure_planned_time": at.Format(time.DateTime), "departure_change_time": at.Add(delay).Format(time.DateTime)})
	}
	f.Rows[0]["departure_change_time"] = ""
	return historytest.Write(t, "data-2024-10.parquet", f)
}

// counting counts the rows of a table as they lie there: what was sent twice
// under one token is there once, before any merge.
func counting(t *testing.T, c config.Config) func(table string) uint64 {
	t.Helper()
	options, err := clickhouse.ParseDSN(c.ClickHouseAddress)
	require.NoError(t, err)
	options.Auth = clickhouse.Auth{Database: c.ClickHouseDatabase, Username: c.ClickHouseUser, Password: c.ClickHousePassword}
	conn, err := clickhouse.Open(options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	return func(table string) (rows uint64) {
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT count() FROM "+table).Scan(&rows))
		return rows
	}
}

// lines is an output that two goroutines may use.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// A worker that is killed in the middle of an import loses and doubles nothing,
// and neither does the same import once more.
func TestImportThroughAKilledWorker(t *testing.T) {
	t.Parallel()
	out := &lines{}
	p := program{environ: os.Environ(), out: out, err: os.Stderr}
	c := importStack(t, p)
	release := bigRelease(t)
	role := roles{t: t, environ: append(os.Environ(), c.Environ()...)}
	role.finish("migrate")
	role.start("worker", "--pool", "control")
	victim := role.command("worker", "--pool", "collect")
	require.NoError(t, victim.Start())
	a, err := connect(t.Context(), c, clock.Live(time.Now), p)
	require.NoError(t, err)
	defer a.close()
	count := counting(t, c)
	ended := make(chan error, 1)
	go func() {
		ended <- p.importHistory(t.Context(), a, schemas.ImportInput{File: release, Group: "main", WindowRows: 2500, Provenance: schemas.Provenance{Publisher: "a test"}})
	}()
	var killedAt uint64
	require.Eventually(t, func() bool {
		killedAt = count("stop_plan")
		return killedAt > killRows/10
	}, 2*time.Minute, 20*time.Millisecond)
	require.NoError(t, victim.Process.Kill())
	require.Error(t, victim.Wait())
	require.Less(t, killedAt, uint64(killRows), "the worker was killed in the middle")
	role.start("worker", "--pool", "collect")
	require.NoError(t, <-ended, out.String())
	nothingDoubled := func() {
		for table, want := range map[string]uint64{"stop_plan": killRows, "stop_change": killRows - 1} {
			require.Equal(t, want, count(table), table)
		}
	}
	nothingDoubled()
	require.Regexp(t, regexp.MustCompile(`data-2024-10\.parquet: imported \d+ of 20000 rows, \d+\.\d of \d+\.\d MB`), out.String())
	require.Contains(t, out.String(), "1 files, 20000 rows")
	require.Contains(t, out.String(), "20000 planned events, 19999 changes, 0 quarantined")
	t.Logf("killed at %d of %d rows\n%s", killedAt, killRows, out)
	role.finish("import", release, "--publisher", "a test")
	nothingDoubled()
	preparesThroughAKilledWorker(t, role, a)
}

// preparesThroughAKilledWorker settles what was imported and prepares it, and
// kills the worker once some days are written: the next one goes on, and the data
// set is the one that an undisturbed run gives.
func preparesThroughAKilledWorker(t *testing.T, role roles, a *adapters) {
	t.Helper()
	asOf := time.Date(2024, 12, 1, 12, 0, 0, 0, time.UTC)
	victim := role.command("worker", "--pool", "prepare")
	require.NoError(t, victim.Start())
	_, err := execute[schemas.SettleResult](t.Context(), a, "settle/killed", schemas.WorkflowSettleTruth, schemas.SettleInput{AsOf: asOf})
	require.NoError(t, err)
	written := func() int {
		objects, err := a.objects.List(t.Context(), "datasets/parts/")
		require.NoError(t, err)
		return len(objects)
	}
	type ending struct {
		ref schemas.DatasetRef
		err error
	}
	ended := make(chan ending, 1)
	go func() {
		ref, err := execute[schemas.DatasetRef](t.Context(), a, "prepare/killed", schemas.WorkflowPrepareDataset, schemas.PrepareInput{AsOf: asOf})
		ended <- ending{ref, err}
	}()
	killedAt := 0
	require.Eventually(t, func() bool { killedAt = written(); return killedAt >= 5 }, 2*time.Minute, 5*time.Millisecond)
	require.NoError(t, victim.Process.Kill())
	require.Error(t, victim.Wait())
	role.start("worker", "--pool", "prepare")
	disturbed := <-ended
	require.NoError(t, disturbed.err)
	all := written()
	require.Less(t, killedAt, all, "the worker was killed in the middle")
	calm, err := execute[schemas.DatasetRef](t.Context(), a, "prepare/calm", schemas.WorkflowPrepareDataset, schemas.PrepareInput{AsOf: asOf})
	require.NoError(t, err)
	require.Equal(t, calm, disturbed.ref)
	require.Equal(t, all, written(), "the second run writes what is there")
	t.Logf("killed at %d of %d objects: %s, %d rows", killedAt, all, calm.ID, calm.Rows)
}

func TestImportFlags(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "mapping.yaml")
	require.NoError(t, os.WriteFile(file, []byte("delimiter: \";\"\ncolumns:\n  id: a\n  eva: b\n  train_type: c\n  train_number: d\n  is_canceled: e\n  arrival_planned_time: f\n"+
		"  arrival_change_time: g\n  departure_planned_time: h\n  departure_change_time: i\n"), 0o600))
	in, err := importFlags{path: dir, mapping: file, until: "2024-11-01T00:00:00Z", retrieved: "2024-11-02T08:00"}.read()
	require.NoError(t, err)
	require.Equal(t, dir, in.Directory)
	require.Empty(t, in.File)
	require.JSONEq(t, `{"delimiter": ";", "columns": {"id": "a", "eva": "b", "train_type": "c", "train_number": "d", "is_canceled": "e", "arrival_planned_time": "f",
		"arrival_change_time": "g", "departure_planned_time": "h", "departure_change_time": "i"}}`, string(in.Mapping))
	require.Equal(t, time.Date(2024, 11, 1, 0, 0, 0, 0, time.UTC), in.Until)
	require.True(t, in.Provenance.RetrievedAt.Equal(time.Date(2024, 11, 2, 7, 0, 0, 0, time.UTC)), "German local time")
	in, err = importFlags{path: file}.read()
	require.NoError(t, err)
	require.Equal(t, file, in.File)
	require.NotEqual(t, importID(in), importID(schemas.ImportInput{File: filepath.Join(dir, "b", "mapping.yaml")}), "files of one name are different imports")
	require.NoError(t, os.WriteFile(file, []byte("delimeter: \";\"\n"), 0o600))
	_, err = importFlags{path: dir, mapping: file}.read()
	require.ErrorContains(t, err, `unknown field "delimeter"`)
	_, err = importFlags{path: dir, until: "soon"}.read()
	require.ErrorContains(t, err, `time "soon"`)
}

// The mapping in the documentation is one.
func TestDocumentedMapping(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("docs", "data-sources.md"))
	require.NoError(t, err)
	_, block, found := bytes.Cut(page, []byte("```yaml\n"))
	require.True(t, found)
	block, _, _ = bytes.Cut(block, []byte("```"))
	file := filepath.Join(t.TempDir(), "mapping.yaml")
	require.NoError(t, os.WriteFile(file, block, 0o600))
	body, err := readMapping(file)
	require.NoError(t, err)
	mapping, err := history.ParseMapping(body)
	require.NoError(t, err)
	require.Equal(t, []string{"ja"}, mapping.Cancelled)
	require.Equal(t, "Abfahrt neu", mapping.Columns["departure_change_time"])
}

// The rest is told at the pace since the file was first seen.
func TestProgressLine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	line := progressLine{out: &out}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p := schemas.ImportProgress{File: "a.parquet", Message: "a", Bytes: 100, SizeBytes: 1000}
	line.show(start, p)
	p.Bytes = 200
	line.show(start.Add(5*time.Second), p) // too early for another line
	p.Bytes = 400
	line.show(start.Add(15*time.Second), p)
	p.File, p.Message, p.Bytes = "b.parquet", "b", 0
	line.show(start.Add(16*time.Second), p)
	line.end()
	require.Equal(t, "a\na, 30s left\nb\n", out.String())
}
