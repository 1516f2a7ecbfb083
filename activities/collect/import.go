package collect

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"puenktlich/activities/failure"
	"puenktlich/internal/timetables"
	"puenktlich/internal/timetables/archive"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// PlanImport lists the archives and the Parquet releases of a directory, in the
// order of their names: oldest first.
func (a *Activities) PlanImport(_ context.Context, in schemas.ImportInput) (schemas.ImportPlan, error) {
	plan := schemas.ImportPlan{Group: in.Group, Until: in.Until}
	if plan.Group == "" {
		plan.Group = schemas.DefaultGroup
	}
	dir := in.Directory
	if dir == "" {
		dir = a.Recordings
	}
	if dir == "" {
		return plan, failure.InvalidInput("import: no directory given and none configured: write {\"directory\": \"...\"}, a folder of YYYY-MM-DD.tar.zst archives or monthly *.parquet releases")
	}
	for _, pattern := range []string{"*.tar.zst", "*" + releaseExt} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return plan, failure.InvalidInput("import: directory %q: %v", dir, err)
		}
		plan.Archives = append(plan.Archives, found...)
	}
	if len(plan.Archives) == 0 {
		return plan, failure.NotFound(nil, "import: %s holds no YYYY-MM-DD.tar.zst archive and no *%s release", dir, releaseExt)
	}
	slices.Sort(plan.Archives)
	return plan, nil
}

// importBatch bounds the responses held at once.
const importBatch = 2000

// ImportArchive ingests one archive, or one Parquet release, in the order of the
// file, in bounded batches. Repeating it changes nothing. A cut archive gives
// what was before the cut and says so.
func (a *Activities) ImportArchive(ctx context.Context, in schemas.ImportArchiveInput) (schemas.ImportResult, error) {
	result := schemas.ImportResult{Group: in.Group, Archives: 1}
	if _, err := os.Stat(in.Path); err != nil {
		return result, failure.NotFound(err, "import archive")
	}
	if filepath.Ext(in.Path) == releaseExt {
		return a.importRelease(ctx, in)
	}
	var held []response
	flush := func() error {
		sortResponses(held)
		part, err := a.ingest(ctx, in.Group, held)
		result.Counts.Add(part.Counts)
		held = nil
		heartbeat(ctx, fmt.Sprintf("%s: %d responses", filepath.Base(in.Path), result.Counts.Responses))
		return err
	}
	report, err := archive.Walk(in.Path, func(entry archive.Entry) error {
		r := imported(entry)
		if !in.Until.IsZero() && !r.PolledAt.Before(in.Until) {
			return nil
		}
		if held = append(held, r); !r.isPlan() && r.PolledAt.After(result.Through) {
			result.Through = r.PolledAt
		}
		if len(held) < importBatch {
			return ctx.Err()
		}
		return flush()
	})
	if len(report.Unknown) > 0 {
		result.Note = fmt.Sprintf("%d entries with unknown names, first %v", len(report.Unknown), report.Unknown[0])
	}
	cut := (*archive.CutError)(nil)
	if err != nil && !errors.As(err, &cut) {
		return result, fmt.Errorf("import %s: %w", filepath.Base(in.Path), err)
	}
	if err := flush(); err != nil {
		return result, fmt.Errorf("import %s: %w", filepath.Base(in.Path), err)
	}
	if cut != nil {
		return result, failure.Integrity(cut, "import %s: %d responses are in, the rest is lost", filepath.Base(in.Path), result.Counts.Responses)
	}
	if result.Through.IsZero() {
		return result, nil
	}
	return result, a.Cursors.Advance(ctx, in.Group, result.Through.Add(time.Second))
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
