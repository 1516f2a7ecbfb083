package collect

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"puenktlich/activities/failure"
	"puenktlich/internal/history"
	"puenktlich/internal/timetables"
	"puenktlich/internal/timetables/archive"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// What an import reads, by the ending of the name.
const (
	archiveExt = ".tar.zst"
	releaseExt = ".parquet"
	csvExt     = ".csv"
)

// PlanImport lists the files of a directory that can be imported, in the order
// of their names: oldest first. CSV files need a mapping.
func (a *Activities) PlanImport(_ context.Context, in schemas.ImportInput) (schemas.ImportPlan, error) {
	plan := schemas.ImportPlan{Group: in.Group, Until: in.Until}
	if plan.Group == "" {
		plan.Group = schemas.DefaultGroup
	}
	if in.WindowRows < 0 {
		return plan, failure.InvalidInput("import: window_rows %d: want a number of rows, or 0 for the default", in.WindowRows)
	}
	if len(in.Mapping) > 0 {
		if _, err := history.ParseMapping(in.Mapping); err != nil {
			return plan, failure.InvalidInput("import: %v", err)
		}
	}
	if err := a.list(in, &plan); err != nil {
		return plan, err
	}
	for _, path := range plan.Archives {
		info, err := os.Stat(path)
		if err != nil {
			return plan, failure.NotFound(err, "import")
		}
		plan.SizesBytes = append(plan.SizesBytes, info.Size())
	}
	return plan, nil
}

func (a *Activities) list(in schemas.ImportInput, plan *schemas.ImportPlan) error {
	dir := in.Directory
	switch {
	case in.File != "" && dir != "":
		return failure.InvalidInput("import: directory %q and file %q given: want one of them", dir, in.File)
	case in.File != "":
		plan.Archives = []string{in.File}
		return checkFile(in)
	case dir == "":
		dir = a.Recordings
	}
	if dir == "" {
		return failure.InvalidInput("import: no directory given and none configured: write {\"directory\": \"...\"}, a folder of YYYY-MM-DD%s archives, *%s releases or, with a mapping, *%s files", archiveExt, releaseExt, csvExt)
	}
	return walk(dir, len(in.Mapping) > 0, plan)
}

// maxFiles bounds the files of one run, and with them what its plan carries.
const maxFiles = 1000

// walk lists a directory and those below it; public releases lie in folders of
// a year, a month, a day.
func walk(dir string, mapped bool, plan *schemas.ImportPlan) error {
	tables := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != dir && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case entry.IsDir() || kindOf(path) == "":
		case kindOf(path) == csvExt && !mapped:
			tables++
		default:
			plan.Archives = append(plan.Archives, path)
		}
		return nil
	})
	if err != nil {
		return failure.NotFound(err, "import: directory %q", dir)
	}
	if tables > 0 {
		plan.Note = fmt.Sprintf("%d %s files were left out: they need a mapping", tables, csvExt)
	}
	switch n := len(plan.Archives); {
	case n == 0:
		return failure.NotFound(nil, "import: %s", strings.TrimSuffix(fmt.Sprintf("%s holds no YYYY-MM-DD%s archive and no *%s release; %s", dir, archiveExt, releaseExt, plan.Note), "; "))
	case n > maxFiles:
		return failure.InvalidInput("import: %s holds %d files, want at most %d: import a folder of it at a time", dir, n, maxFiles)
	}
	slices.Sort(plan.Archives)
	return nil
}

func checkFile(in schemas.ImportInput) error {
	switch kindOf(in.File) {
	case archiveExt, releaseExt:
		return nil
	case csvExt:
		if len(in.Mapping) == 0 {
			return failure.InvalidInput("import: %s: a CSV file needs a mapping of its columns, see docs/data-sources.md", in.File)
		}
		return nil
	}
	return failure.InvalidInput("import: file %q: want a YYYY-MM-DD%s archive, a *%s release or a *%s file", in.File, archiveExt, releaseExt, csvExt)
}

// kindOf is the ending of a name, empty for what cannot be imported.
func kindOf(path string) string {
	for _, ext := range []string{archiveExt, releaseExt, csvExt} {
		if strings.HasSuffix(path, ext) {
			return ext
		}
	}
	return ""
}

// ImportArchive ingests a window of one file in the order of the file, in
// bounded batches; an archive is one window. Repeating it changes nothing. What
// stood before a damage is in, and the error carries how far that was.
func (a *Activities) ImportArchive(ctx context.Context, in schemas.ImportArchiveInput) (schemas.ImportFileResult, error) {
	if _, err := os.Stat(in.Path); err != nil {
		return schemas.ImportFileResult{}, failure.NotFound(err, "import archive")
	}
	switch kindOf(in.Path) {
	case releaseExt:
		raw, err := history.IsRaw(in.Path)
		if err != nil {
			return schemas.ImportFileResult{}, refused(err, schemas.ImportFileResult{})
		}
		if raw {
			return a.importRaw(ctx, in)
		}
		return a.importRelease(ctx, in)
	case csvExt:
		return a.importCSV(ctx, in)
	}
	return a.importRecording(ctx, in)
}

// importBatch bounds the responses held at once.
const importBatch = 2000

// recording is the import of one archive.
type recording struct {
	*fileImport
	held []response
}

func (a *Activities) importRecording(ctx context.Context, in schemas.ImportArchiveInput) (schemas.ImportFileResult, error) {
	f, err := a.begin(ctx, in, opened{name: filepath.Base(in.Path)})
	if err != nil {
		return schemas.ImportFileResult{}, err
	}
	f.at = schemas.ImportCursor{SHA256: f.at.SHA256, Until: f.at.Until} // an archive is read from its beginning
	if err := f.record(ctx); err != nil {
		return f.result(), err
	}
	r := recording{fileImport: f}
	report, err := archive.Walk(in.Path, func(entry archive.Entry) error { return r.take(ctx, entry) })
	if len(report.Unknown) > 0 {
		f.notes = append(f.notes, fmt.Sprintf("%d entries with unknown names, first %v", len(report.Unknown), report.Unknown[0]))
	}
	cut := (*archive.CutError)(nil)
	if err != nil && !errors.As(err, &cut) {
		return f.result(), fmt.Errorf("import %s: %w", f.name, err)
	}
	if err := r.finish(ctx); err != nil {
		return f.result(), fmt.Errorf("import %s: %w", f.name, err)
	}
	if cut != nil {
		return f.result(), failure.After(f.result(), failure.Integrity(cut, "import %s: %d responses are in%s, the rest is lost", f.name, f.at.Counts.Responses, through(f.at.Through)))
	}
	f.at.Bytes = f.size
	return f.result(), nil
}

// through says up to which poll something is in.
func through(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return ", through the poll of " + t.Format(time.RFC3339)
}

func (r *recording) take(ctx context.Context, entry archive.Entry) error {
	answer := imported(entry)
	if r.after(answer.PolledAt) {
		return nil
	}
	if r.held = append(r.held, answer); !answer.isPlan() && answer.PolledAt.After(r.at.Through) {
		r.at.Through = answer.PolledAt
	}
	if len(r.held) < importBatch {
		return ctx.Err()
	}
	return r.flush(ctx)
}

func (r *recording) flush(ctx context.Context) error {
	held := r.held
	r.held = nil
	return r.ingest(ctx, held)
}

// finish ingests what is held, moves the cursor of the group, and says which
// days the file is about.
func (r *recording) finish(ctx context.Context) error {
	if err := r.flush(ctx); err != nil {
		return err
	}
	if err := r.record(ctx); err != nil {
		return err
	}
	return r.advance(ctx)
}

// imported gives a plan the poll time its archive does not keep: plans are
// published well before their hour.
func imported(entry archive.Entry) response {
	r := response{Response: timetables.Response{Call: entry.Call, Body: entry.Body, PolledAt: entry.PolledAt}, status: schema.PollOK}
	if r.isPlan() {
		r.PolledAt = entry.Call.Hour.Add(-Ahead)
	}
	return r
}
