package collect

import (
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

	"puenktlich/activities/failure"
	"puenktlich/internal/history"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// releaseExt is the extension of public monthly releases.
const releaseExt = ".parquet"

// releaseProgress is what a heartbeat of an import says, and where a lost one
// is taken up again: at the row group that was not done.
type releaseProgress struct {
	Message   string                `json:"message"`
	SHA256    string                `json:"sha256"` // of the file
	Until     time.Time             `json:"until,omitzero"`
	Groups    int                   `json:"groups"` // row groups done
	Counts    schemas.CollectCounts `json:"counts"` // of those
	Equal     int                   `json:"equal"`
	Unplanned int                   `json:"unplanned"`
}

// release is the import of one file.
type release struct {
	a    *Activities
	file *history.Release
	in   schemas.ImportArchiveInput
	done releaseProgress // whole row groups
	sum  releaseProgress // and the batches since
}

// importRelease writes what one Parquet release says, batch by batch. There are
// no polls in it: the cursor stays, and nothing is covered.
func (a *Activities) importRelease(ctx context.Context, in schemas.ImportArchiveInput) (schemas.ImportResult, error) {
	result := schemas.ImportResult{Group: in.Group, Archives: 1}
	file, err := history.Open(in.Path, history.Options{Ahead: Ahead})
	if err != nil {
		return result, refused(err, result.Counts)
	}
	defer file.Close()
	earlier := lost(ctx)
	digest, err := digestOf(ctx, in.Path, earlier)
	if err != nil {
		return result, fmt.Errorf("import %s: %w", file.Name(), err)
	}
	r := release{a: a, file: file, in: in, done: releaseProgress{SHA256: digest, Until: in.Until}}
	if earlier.SHA256 == digest && earlier.Until.Equal(in.Until) {
		r.done = earlier
	}
	r.sum = r.done
	err = r.run(ctx)
	result.Counts, result.Note = r.sum.Counts, r.note()
	return result, refused(err, result.Counts)
}

// refused says of a file that is not what it should be that no retry mends it.
func refused(err error, in schemas.CollectCounts) error {
	var column *history.SchemaError
	switch {
	case errors.As(err, &column):
		return failure.Validation("import: %v", err)
	case errors.Is(err, history.ErrDamaged):
		return failure.Integrity(err, "import: %d planned events are in, the rest is lost", in.Planned)
	case err != nil:
		return fmt.Errorf("import: %w", err)
	}
	return nil
}

// lost is what an attempt that was lost had done.
func lost(ctx context.Context) (earlier releaseProgress) {
	if activity.IsActivity(ctx) && activity.HasHeartbeatDetails(ctx) && activity.GetHeartbeatDetails(ctx, &earlier) != nil {
		return releaseProgress{}
	}
	return earlier
}

func (r *release) run(ctx context.Context) error {
	if err := r.file.Survey(ctx, func(rows int64) error {
		r.beat(ctx, "looked at", rows)
		return ctx.Err()
	}); err != nil {
		return err
	}
	for group := r.done.Groups; group < r.file.Groups(); group++ {
		err := r.file.Read(ctx, group, func(b history.Batch) error {
			if err := r.write(ctx, group, b); err != nil {
				return err
			}
			r.beat(ctx, "imported", b.FirstRow+int64(b.Rows))
			return nil
		})
		if err != nil {
			return err
		}
		r.sum.Groups = group + 1
		r.done = r.sum
	}
	return nil
}

// beat reports progress, and the row groups done for an attempt to come.
func (r *release) beat(ctx context.Context, what string, rows int64) {
	if !activity.IsActivity(ctx) {
		return
	}
	progress := r.done
	progress.Message = fmt.Sprintf("%s: %s %d of %d rows", r.file.Name(), what, rows, r.file.Rows())
	activity.RecordHeartbeat(ctx, progress)
}

// write stores a batch under a token made from the file and the place in it.
func (r *release) write(ctx context.Context, group int, b history.Batch) error {
	plan, changes := r.before(b)
	token := fmt.Sprintf("release/%s/%s/%s/%d/%d/%d", r.a.Name, r.in.Group, r.done.SHA256, r.in.Until.UnixMilli(), group, b.FirstRow)
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
	if len(b.Quarantined) > 0 {
		if err := r.a.Store.InsertQuarantine(ctx, token, r.quarantine(b)); err != nil {
			return fmt.Errorf("write quarantine of %s: %w", r.in.Group, err)
		}
	}
	r.sum.Counts.Add(schemas.CollectCounts{Planned: len(plan), Changes: len(changes), Quarantined: len(b.Quarantined)})
	r.sum.Equal, r.sum.Unplanned = r.sum.Equal+b.Equal, r.sum.Unplanned+b.Unplanned
	return nil
}

// before leaves out what counts as polled at Until or later, and gives the
// changes their place in the order of the group.
func (r *release) before(b history.Batch) (plan []rail.PlannedEvent, changes []rail.Change) {
	for _, p := range b.Planned {
		if r.in.Until.IsZero() || p.PolledAt.Before(r.in.Until) {
			plan = append(plan, p)
		}
	}
	for i, c := range b.Changes {
		if r.in.Until.IsZero() || c.PolledAt.Before(r.in.Until) {
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

func (r *release) quarantine(b history.Batch) []schema.Quarantine {
	rows := make([]schema.Quarantine, len(b.Quarantined))
	for i, q := range b.Quarantined {
		rows[i] = schema.Quarantine{Source: r.a.Name, EVA: q.EVA, PolledAt: q.Near, File: q.File,
			Element: fmt.Sprintf("row %d/%s", q.Row, q.Column), Value: q.Value, Reason: q.Reason}
	}
	return rows
}

// note says what a reader of the counts should know.
func (r *release) note() string {
	var notes []string
	if r.sum.Equal > 0 {
		notes = append(notes, fmt.Sprintf("%s writes the planned time where no change was seen: %d events whose times are equal stay unknown", r.file.Name(), r.sum.Equal))
	}
	if r.sum.Unplanned > 0 {
		notes = append(notes, fmt.Sprintf("%s: %d changed times without a planned one were left out", r.file.Name(), r.sum.Unplanned))
	}
	return strings.Join(notes, "; ")
}

// hashChunk is how much is hashed between two heartbeats.
const hashChunk = 64 << 20

// digestOf is the SHA-256 of a file, as hex. Its heartbeats repeat what an
// earlier attempt had done.
func digestOf(ctx context.Context, path string, earlier releaseProgress) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	for err == nil {
		if activity.IsActivity(ctx) {
			activity.RecordHeartbeat(ctx, earlier)
		}
		if _, err = io.CopyN(h, file, hashChunk); err == nil {
			err = ctx.Err()
		}
	}
	if !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("hash: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
