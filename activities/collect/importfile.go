package collect

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"puenktlich/activities/failure"
	"puenktlich/internal/history"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
)

// opened is what a reader says of its file.
type opened struct {
	name string
	rows int64 // 0 = not known
	keep bool  // the file itself is kept as an object
}

// fileImport is the import of one file, whatever its kind.
type fileImport struct {
	a    *Activities
	in   schemas.ImportArchiveInput
	name string
	rows int64
	size int64 // bytes
	at   schemas.ImportCursor
	from int64 // row at which this window begins
	// notes that no sum of the cursor tells.
	notes []string
}

// errWindow ends a window: the rest of the file is another activity's.
var errWindow = errors.New("the window is full")

// begin finds out where to go on: where an attempt of this activity that was
// lost had come to, else at the end of the window before. The file is read
// whole for its hash: it is the one the cursor speaks of, or an error.
func (a *Activities) begin(ctx context.Context, in schemas.ImportArchiveInput, file opened) (*fileImport, error) {
	f := &fileImport{a: a, in: in, name: file.name, rows: file.rows}
	if _, err := f.provenance(); err != nil {
		return f, err
	}
	info, err := os.Stat(in.Path)
	if err != nil {
		return f, fmt.Errorf("import %s: %w", f.name, err)
	}
	f.size = info.Size()
	if f.at = lostCursor(ctx, in.Until); f.at.SHA256 == "" && in.From != nil {
		f.at = *in.From
	}
	digest, err := digestOf(ctx, in.Path, func() { f.beat(ctx, "imported", f.at.Row) })
	switch {
	case err != nil:
		return f, fmt.Errorf("import %s: %w", f.name, err)
	case in.From != nil && in.From.SHA256 != digest:
		return f, failure.Integrity(nil, "import %s: the file was changed while it was imported: %d rows of what it was before are in", f.name, in.From.Row)
	case f.at.SHA256 != digest:
		f.at = schemas.ImportCursor{SHA256: digest, Until: in.Until}
	}
	if in.From != nil {
		f.from = in.From.Row
	}
	if file.keep && f.at.Object == "" {
		return f, f.keep(ctx)
	}
	return f, nil
}

// lostCursor is how far an attempt that was lost had come, of the same until.
func lostCursor(ctx context.Context, until time.Time) schemas.ImportCursor {
	var p schemas.ImportProgress
	if !activity.IsActivity(ctx) || !activity.HasHeartbeatDetails(ctx) || activity.GetHeartbeatDetails(ctx, &p) != nil || !p.Cursor.Until.Equal(until) {
		return schemas.ImportCursor{}
	}
	return p.Cursor
}

// beat reports progress, and with it where an attempt to come goes on.
func (f *fileImport) beat(ctx context.Context, what string, rows int64) {
	if !activity.IsActivity(ctx) {
		return
	}
	p := schemas.ImportProgress{File: f.name, Rows: rows, RowsTotal: f.rows, Bytes: f.at.Bytes, SizeBytes: f.size, Cursor: f.at}
	of := ""
	if f.rows > 0 {
		of = fmt.Sprintf(" of %d", f.rows)
	}
	p.Message = fmt.Sprintf("%s: %s %d%s rows, %.1f of %.1f MB", f.name, what, rows, of, float64(f.at.Bytes)/1e6, float64(f.size)/1e6)
	activity.RecordHeartbeat(ctx, p)
}

// after says that something polled then is left out.
func (f *fileImport) after(polled time.Time) bool {
	return !f.in.Until.IsZero() && !polled.Before(f.in.Until)
}

// about widens the days the file is known to be about.
func (f *fileImport) about(t time.Time) {
	day := string(rail.DayOf(t))
	if f.at.FirstDay == "" || day < f.at.FirstDay {
		f.at.FirstDay = day
	}
	f.at.LastDay = max(f.at.LastDay, day)
}

// ingest brings responses in, the same way as those of a collection.
func (f *fileImport) ingest(ctx context.Context, held []response) error {
	sortResponses(held)
	for _, r := range held {
		if r.isPlan() {
			f.about(r.Call.Hour)
		} else {
			f.about(r.PolledAt)
		}
	}
	part, err := f.a.ingest(ctx, f.in.Group, held)
	if err != nil {
		return err
	}
	f.at.Counts.Add(part.Counts)
	if kindOf(f.in.Path) == archiveExt { // else rows are counted where they are read
		f.at.Row += int64(len(held))
		f.beat(ctx, "imported", f.at.Row)
	}
	return nil
}

// advance moves the cursor of the group behind the last poll for changes.
func (f *fileImport) advance(ctx context.Context) error {
	if f.at.Through.IsZero() {
		return nil
	}
	return f.a.Cursors.Advance(ctx, f.in.Group, f.at.Through.Add(time.Second))
}

// full ends a window that has all the rows it takes.
func (f *fileImport) full(rows int64) error {
	if f.at.Row-f.from >= cmp.Or(f.in.WindowRows, rows) {
		return errWindow
	}
	return nil
}

// result is how far the file is, its end.
func (f *fileImport) result() schemas.ImportFileResult {
	return schemas.ImportFileResult{Through: f.at.Through, Counts: f.at.Counts, Rows: f.at.Row, Bytes: f.at.Bytes, Note: strings.Join(f.notes, "; ")}
}

// ended answers a window: with a place to go on where only the window was full.
func (f *fileImport) ended(ctx context.Context, err error) (schemas.ImportFileResult, error) {
	if errors.Is(err, errWindow) {
		result := f.result()
		result.Next = &f.at
		return result, f.record(ctx)
	}
	if err == nil {
		f.at.Bytes = f.size
	}
	if err == nil || errors.Is(err, history.ErrDamaged) {
		err = cmp.Or(f.record(ctx), err)
	}
	return f.result(), refused(err, f.result())
}

// refused says of a file that is not what it should be that no retry mends it,
// and how much of it is in.
func refused(err error, in schemas.ImportFileResult) error {
	var column *history.SchemaError
	var format *history.FormatError
	switch {
	case errors.As(err, &column) || errors.As(err, &format):
		return failure.After(in, failure.Validation("import: %v", err))
	case errors.Is(err, history.ErrDamaged) && in.Rows == 0:
		return failure.Integrity(err, "import")
	case errors.Is(err, history.ErrDamaged):
		return failure.After(in, failure.Integrity(err, "import: %d planned events and %d responses are in, the rest is lost", in.Counts.Planned, in.Counts.Responses))
	case err == nil:
		return nil
	}
	if _, said := err.(*temporal.ApplicationError); said { // wrapped it would be tried again
		return err
	}
	return fmt.Errorf("import: %w", err)
}

// hashChunk is how much is hashed between two heartbeats.
const hashChunk = 64 << 20

// digestOf is the SHA-256 of a file, as hex. beat is called as it is read.
func digestOf(ctx context.Context, path string, beat func()) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	for err == nil {
		beat()
		if _, err = io.CopyN(h, file, hashChunk); err == nil {
			err = ctx.Err()
		}
	}
	if !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("hash: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
