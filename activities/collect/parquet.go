package collect

import (
	"context"
	"fmt"
	"strings"

	"puenktlich/activities/failure"
	"puenktlich/internal/history"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// releaseWindow is how many rows of a release one activity imports: some
// seconds of work, so that a run is seen to advance.
const releaseWindow = 500_000

// tableFile is a release as Parquet or CSV.
type tableFile interface {
	Name() string
	Rows() int64
	Survey(ctx context.Context, step func(rows int64) error) error
	Surveyed(fills bool)
	Fills() bool
	Read(ctx context.Context, from history.Place, visit func(history.Batch) error) error
	Close() error
}

// release is the import of one file of rows.
type release struct {
	*fileImport
	file tableFile
}

// importRelease writes what one Parquet release says.
func (a *Activities) importRelease(ctx context.Context, in schemas.ImportArchiveInput) (schemas.ImportFileResult, error) {
	file, err := history.Open(in.Path, history.Options{Ahead: Ahead})
	if err != nil {
		return schemas.ImportFileResult{}, refused(err, schemas.ImportFileResult{})
	}
	return a.importTable(ctx, in, file)
}

// importCSV writes what one CSV file says.
func (a *Activities) importCSV(ctx context.Context, in schemas.ImportArchiveInput) (schemas.ImportFileResult, error) {
	mapping, err := history.ParseMapping(in.Mapping)
	if err != nil {
		return schemas.ImportFileResult{}, failure.InvalidInput("import %s: %v", in.Path, err)
	}
	file, err := history.OpenCSV(in.Path, mapping, history.Options{Ahead: Ahead})
	if err != nil {
		return schemas.ImportFileResult{}, refused(err, schemas.ImportFileResult{})
	}
	return a.importTable(ctx, in, file)
}

// importTable imports a window of a file of rows, batch by batch. There are no
// polls in it: the cursor of the group stays, and nothing is covered.
func (a *Activities) importTable(ctx context.Context, in schemas.ImportArchiveInput, file tableFile) (schemas.ImportFileResult, error) {
	defer file.Close()
	f, err := a.begin(ctx, in, opened{name: file.Name(), rows: file.Rows(), keep: true})
	if err != nil {
		return f.result(), err
	}
	r := release{f, file}
	if err := r.survey(ctx); err != nil {
		return r.ended(ctx, err)
	}
	place := history.Place{Group: f.at.RowGroup, Row: f.at.Row, Offset: f.at.OffsetBytes, Line: f.at.Line}
	err = file.Read(ctx, place, func(b history.Batch) error { return r.take(ctx, b) })
	result, err := r.ended(ctx, err)
	if err == nil && result.Next == nil {
		result.Note = r.note()
	}
	return result, err
}

// survey looks through the file once, whatever the number of its windows.
func (r *release) survey(ctx context.Context) error {
	if r.at.Surveyed {
		r.file.Surveyed(r.at.Fills)
		return nil
	}
	if err := r.record(ctx); err != nil {
		return err
	}
	if err := r.file.Survey(ctx, func(rows int64) error {
		r.beat(ctx, "looked at", rows)
		return ctx.Err()
	}); err != nil {
		return err
	}
	r.at.Surveyed, r.at.Fills = true, r.file.Fills()
	return nil
}

// take brings a batch in and moves the cursor behind it.
func (r *release) take(ctx context.Context, b history.Batch) error {
	if err := r.usable(b); err != nil {
		return err
	}
	if err := r.write(ctx, b); err != nil {
		return err
	}
	r.at.RowGroup, r.at.Row, r.at.OffsetBytes, r.at.Line, r.at.Bytes = b.Next.Group, b.Next.Row, b.Next.Offset, b.Next.Line, b.Bytes
	r.beat(ctx, "imported", r.at.Row)
	return r.full(releaseWindow)
}

// usable refuses a file of which nothing can be used, before anything is
// written: the mapping or the file is another one than was meant. The first
// history.BatchRows rows speak for all.
func (r *release) usable(b history.Batch) error {
	all := b.Rows >= history.BatchRows || b.Next.Row == r.rows || b.Bytes >= r.size
	if b.FirstRow > 0 || !all || len(b.Planned) > 0 || b.Unplanned > 0 || len(b.Quarantined) == 0 {
		return nil
	}
	q := b.Quarantined[0]
	return failure.Validation("import %s: none of its first %d rows can be used, beginning with %s: %q: %s", r.name, b.Rows, element(q), q.Value, q.Reason)
}

// write stores a batch under a token made from the file and the place in it.
func (r *release) write(ctx context.Context, b history.Batch) error {
	plan, changes := r.before(b)
	token := fmt.Sprintf("release/%s/%s/%s/%d/%d/%d", r.a.Name, r.in.Group, r.at.SHA256, r.in.Until.UnixMilli(), b.Group, b.FirstRow)
	batch := schema.Batch{Token: token, Source: r.a.Name, Group: r.in.Group}
	if len(plan) > 0 {
		if err := r.a.Store.InsertPlan(ctx, batch, plan, firstSeq(plan[0].PolledAt)+ordinal(b, 0)); err != nil {
			return fmt.Errorf("write plan of %s: %w", r.in.Group, err)
		}
	}
	if len(changes) > 0 {
		if err := r.a.Store.InsertChanges(ctx, batch, changes); err != nil {
			return fmt.Errorf("write changes of %s: %w", r.in.Group, err)
		}
	}
	if err := r.quarantine(ctx, token, b.Quarantined); err != nil {
		return err
	}
	r.at.Counts.Add(schemas.CollectCounts{Planned: len(plan), Changes: len(changes)})
	r.at.Equal, r.at.Unplanned = r.at.Equal+b.Equal, r.at.Unplanned+b.Unplanned
	return nil
}

// before leaves out what counts as polled at Until or later, and gives the
// changes their place in the order of the group.
func (r *release) before(b history.Batch) (plan []rail.PlannedEvent, changes []rail.Change) {
	for _, p := range b.Planned {
		if !r.after(p.PolledAt) {
			plan = append(plan, p)
			r.about(p.Planned)
		}
	}
	for i, c := range b.Changes {
		if !r.after(c.PolledAt) {
			c.Seq = firstSeq(c.PolledAt) + ordinal(b, i)
			changes = append(changes, c)
		}
	}
	return plan, changes
}

// ordinal tells apart what counts as polled in one millisecond: the place in the
// file, two events a row, as far as a sequence number has room for it.
func ordinal(b history.Batch, i int) uint64 {
	return uint64(2*b.FirstRow+int64(i)) % (1 << seqShift)
}

// quarantine keeps and counts what could not be read.
func (f *fileImport) quarantine(ctx context.Context, token string, refused []history.Quarantined) error {
	if len(refused) == 0 {
		return nil
	}
	rows := make([]schema.Quarantine, len(refused))
	for i, q := range refused {
		rows[i] = schema.Quarantine{Source: f.a.Name, EVA: q.EVA, PolledAt: q.Near, RawKey: f.at.Object, File: q.File,
			Element: element(q), Value: q.Value, Reason: q.Reason}
	}
	if err := f.a.Store.InsertQuarantine(ctx, token, rows); err != nil {
		return fmt.Errorf("write quarantine of %s: %w", f.in.Group, err)
	}
	f.at.Counts.Quarantined += len(refused)
	return nil
}

// element is the place of a value in its file.
func element(q history.Quarantined) string {
	where := fmt.Sprintf("row %d", q.Row)
	if q.Line > 0 {
		where = fmt.Sprintf("line %d", q.Line)
	}
	if q.Column != "" {
		where += "/" + q.Column
	}
	return where
}

// note says what a reader of the counts should know.
func (r *release) note() string {
	if r.at.Equal > 0 {
		r.notes = append(r.notes, fmt.Sprintf("%s writes the planned time where no change was seen: %d events whose times are equal stay unknown", r.name, r.at.Equal))
	}
	if r.at.Unplanned > 0 {
		r.notes = append(r.notes, fmt.Sprintf("%s: %d changed times without a planned one were left out", r.name, r.at.Unplanned))
	}
	return strings.Join(r.notes, "; ")
}
