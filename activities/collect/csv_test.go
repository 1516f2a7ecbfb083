package collect_test

import (
	"encoding/csv"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"puenktlich/activities/collect"
	"puenktlich/internal/history/historytest"
	"puenktlich/schemas"
)

// asCSV writes the rows of a release as a CSV file.
func asCSV(t *testing.T, f historytest.File) schemas.ImportArchiveInput {
	t.Helper()
	path := filepath.Join(t.TempDir(), "october.csv")
	out, err := os.Create(path)
	must(t, err)
	defer out.Close()
	names := strings.Split(strings.TrimSpace(historytest.Header), ",")
	w := csv.NewWriter(out)
	must(t, w.Write(names))
	for _, row := range f.Rows {
		var values []string
		for _, name := range names {
			values = append(values, row[name])
		}
		must(t, w.Write(values))
	}
	w.Flush()
	must(t, w.Error())
	return schemas.ImportArchiveInput{Group: group, Path: path, Mapping: plainMapping(t), Provenance: schemas.Provenance{Source: "a school", Licence: "CC0"}}
}

// A CSV file says what a release of the same rows says.
func TestCSV(t *testing.T) {
	t.Parallel()
	table, release := newHouse(t, morning()), newHouse(t, morning())
	want, err := release.ImportArchive(t.Context(), importing(t, october()))
	must(t, err)
	in := asCSV(t, october())
	got, err := table.ImportArchive(t.Context(), in)
	must(t, err)
	info, err := os.Stat(in.Path)
	must(t, err)
	if got.Counts != want.Counts || got.Rows != want.Rows || got.Bytes != info.Size() || !maps.Equal(table.rows(t), release.rows(t)) || !maps.Equal(table.delays(t), release.delays(t)) {
		t.Errorf("%+v, want %+v", got, want)
	}
	sources, err := table.db.Sources(t.Context(), "test", "2030-01-01")
	must(t, err)
	if len(sources) != 1 || sources[0].Name != "a school" || sources[0].Licence != "CC0" || sources[0].ObjectKey != "sources/"+digest(t, in.Path)+".csv" {
		t.Errorf("sources %+v", sources)
	}
	in.Provenance.Licence = ""
	if _, err := table.ImportArchive(t.Context(), in); failureType(err) != schemas.FailureInvalidInput || !strings.Contains(err.Error(), "say where a CSV file comes from and under which licence it may be used") {
		t.Errorf("without a licence: %v", err)
	}
}

// In windows a release says the same as at once, and notes it once.
func TestReleaseInWindows(t *testing.T) {
	t.Parallel()
	whole, parts := newHouse(t, morning()), newHouse(t, morning())
	f := october()
	for _, row := range f.Rows { // filled in: only the whole file tells that
		for _, kind := range []string{"arrival", "departure"} {
			if row[kind+"_change_time"] == "" {
				row[kind+"_change_time"] = row[kind+"_planned_time"]
			}
		}
	}
	in := importing(t, f)
	want, err := whole.ImportArchive(t.Context(), in)
	must(t, err)
	in.WindowRows = 32 // of row groups of 31
	var got schemas.ImportFileResult
	windows := 0
	for from := (*schemas.ImportCursor)(nil); windows == 0 || from != nil; from = got.Next {
		in.From = from
		got, err = parts.ImportArchive(t.Context(), in)
		must(t, err)
		windows++
	}
	if got != want || windows != 2 || want.Note == "" || !maps.Equal(parts.rows(t), whole.rows(t)) {
		t.Errorf("%d windows\n%+v\nwant\n%+v", windows, got, want)
	}
}

func TestPlanOfFilesAndMappings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"stops.csv", "data.parquet", "notes.txt"} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600))
	}
	file := func(name string) string { return filepath.Join(dir, name) }
	for name, test := range map[string]struct {
		in   schemas.ImportInput
		kind schemas.FailureType
		want string // of the error, or the names of the files
	}{
		"a directory with a mapping": {schemas.ImportInput{Directory: dir, Mapping: plainMapping(t)}, "", "data.parquet stops.csv"},
		"a file":                     {schemas.ImportInput{File: file("data.parquet")}, "", "data.parquet"},
		"a file with a mapping":      {schemas.ImportInput{File: file("stops.csv"), Mapping: plainMapping(t)}, "", "stops.csv"},
		"without one":                {schemas.ImportInput{File: file("stops.csv")}, schemas.FailureInvalidInput, "a CSV file needs a mapping of its columns"},
		"a wrong one":                {schemas.ImportInput{Directory: dir, Mapping: []byte(`{"column": {}}`)}, schemas.FailureInvalidInput, `import: mapping: json: unknown field "column"`},
		"another kind":               {schemas.ImportInput{File: file("notes.txt")}, schemas.FailureInvalidInput, "want a YYYY-MM-DD.tar.zst archive, a *.parquet release or a *.csv file"},
		"both":                       {schemas.ImportInput{File: file("data.parquet"), Directory: dir}, schemas.FailureInvalidInput, "want one of them"},
		"no such file":               {schemas.ImportInput{File: file("gone.parquet")}, schemas.FailureNotFound, "gone.parquet: no such file"},
		"no such directory":          {schemas.ImportInput{Directory: file("gone")}, schemas.FailureNotFound, "gone: no such file or directory"},
		"no window":                  {schemas.ImportInput{Directory: dir, WindowRows: -1}, schemas.FailureInvalidInput, "window_rows -1: want a number of rows"},
	} {
		plan, err := new(collect.Activities).PlanImport(t.Context(), test.in)
		var names []string
		for _, path := range plan.Archives {
			names = append(names, filepath.Base(path))
		}
		switch {
		case test.kind == "" && (err != nil || strings.Join(names, " ") != test.want):
			t.Errorf("%s: %v, %v, want %s", name, names, err, test.want)
		case test.kind != "" && (failureType(err) != test.kind || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	must(t, os.MkdirAll(file("year=2024/month=10"), 0o755))
	must(t, os.Rename(file("data.parquet"), file("year=2024/month=10/data.parquet")))
	if plan, err := new(collect.Activities).PlanImport(t.Context(), schemas.ImportInput{Directory: dir}); err != nil || len(plan.Archives) != 1 || plan.Archives[0] != file("year=2024/month=10/data.parquet") {
		t.Errorf("in folders: %+v, %v", plan, err)
	}
	must(t, os.Remove(file("year=2024/month=10/data.parquet")))
	if _, err := new(collect.Activities).PlanImport(t.Context(), schemas.ImportInput{Directory: dir}); failureType(err) != schemas.FailureNotFound || !strings.Contains(err.Error(), "no *.parquet release; 1 .csv files were left out: they need a mapping") {
		t.Errorf("CSV files alone: %v", err)
	}
}
