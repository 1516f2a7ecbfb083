package warehouse

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"puenktlich/internal/testenv"
)

func files(pairs ...string) fstest.MapFS {
	all := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		all[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return all
}

func TestWrongMigrationFiles(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		files fstest.MapFS
		want  string
	}{
		"none":           {files(), "there are no .sql files"},
		"name":           {files("1_a.sql", "SELECT 1"), "want a name like 0001_stop_plan.sql"},
		"gap":            {files("0001_a.sql", "SELECT 1", "0003_b.sql", "SELECT 1"), "expected number 0002"},
		"twice a number": {files("0001_a.sql", "SELECT 1", "0001_b.sql", "SELECT 1"), "expected number 0002"},
		"two statements": {files("0001_a.sql", "SELECT 1; SELECT 2"), "has 2 statements"},
		"no statement":   {files("0001_a.sql", "-- later;\n;"), "has 0 statements"},
		"open text":      {files("0001_a.sql", "SELECT 'a"), "is not closed"},
		"open comment":   {files("0001_a.sql", "SELECT 1 /* a"), "is not closed"},
	}
	for name, c := range cases {
		if _, err := parseMigrations(c.files); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func TestSplitStatements(t *testing.T) {
	t.Parallel()
	cases := map[string][]string{
		"SELECT 1;":                         {"SELECT 1"},
		"SELECT 1;\nSELECT 2\n":             {"SELECT 1", "SELECT 2"},
		"-- a; b\nSELECT /* ; */ 1 -- c;":   {"SELECT   1"},
		`SELECT ';', "a;b", ` + "`c;d`":     {`SELECT ';', "a;b", ` + "`c;d`"},
		`SELECT 'it''s; \'x\';', '\\'; ; x`: {`SELECT 'it''s; \'x\';', '\\'`, "x"},
		"SELECT '--', '/*'; SELECT 5 - -3":  {"SELECT '--', '/*'", "SELECT 5 - -3"},
	}
	for sql, want := range cases {
		got, err := splitStatements(sql)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: got %q, %v, want %q", sql, got, err, want)
		}
	}
}

const table1 = "CREATE TABLE IF NOT EXISTS a (x UInt8) ENGINE = MergeTree ORDER BY x"

func emptyDB(t *testing.T) *DB {
	t.Helper()
	db, err := Open(Options(testenv.ClickHouse(t)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestNoMigrationRunsBeforeAllAreParsed(t *testing.T) {
	t.Parallel()
	db := emptyDB(t)
	_, err := db.migrate(t.Context(), files("0001_a.sql", table1, "0002_b.sql", "CREATE TABLE IF NOT b"))
	if !errors.Is(err, ErrRejected) || !strings.Contains(err.Error(), "0002_b.sql") {
		t.Fatalf("got %v, want ErrRejected for 0002_b.sql", err)
	}
	if _, err := db.RowCount(t.Context(), "a"); !errors.Is(sentinel(err), ErrNotMigrated) {
		t.Errorf("table a: %v, want it not to exist", err)
	}
}

func TestMigrationsGoOnAndNeverChange(t *testing.T) {
	t.Parallel()
	db := emptyDB(t)
	ctx := t.Context()
	second := strings.Replace(table1, " a ", " b ", 1)
	steps := []struct {
		files fstest.MapFS
		ran   int
		want  string
	}{
		{files("0001_a.sql", table1), 1, ""},
		{files("0001_a.sql", table1, "0002_b.sql", second), 1, ""},
		{files("0001_a.sql", table1+" ", "0002_b.sql", second), 0, "0001_a.sql was run and has changed"},
		{files("0001_a.sql", table1), 0, "migration 2, which this program does not know"},
	}
	for i, step := range steps {
		ran, err := db.migrate(ctx, step.files)
		if ran != step.ran || (err == nil) != (step.want == "") || err != nil && !strings.Contains(err.Error(), step.want) {
			t.Errorf("step %d: ran %d, %v, want %d, %q", i, ran, err, step.ran, step.want)
		}
	}
}
