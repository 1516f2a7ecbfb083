package collect

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"puenktlich/internal/history"
	"puenktlich/internal/timetables"
	"puenktlich/internal/timetables/archive"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Bounds of a raw import: the calls of one window, the bytes of the answers held
// at once.
const (
	rawWindow    = 20_000
	rawHeldBytes = 64 << 20
)

// raw is the import of one raw release.
type raw struct {
	*fileImport
	held  held
	batch history.RawBatch // sums of what is held
}

// held are answers that are not ingested yet, in layers: a bundle has one entry
// for each call and second.
type held struct {
	layers   []map[string]response
	calls    int
	bytes    int
	repeated int
}

// importRaw ingests a window of the calls a raw release tells of, as those of an
// archive are ingested. A call was polled when it was made; one that failed is a
// failed poll.
func (a *Activities) importRaw(ctx context.Context, in schemas.ImportArchiveInput) (schemas.ImportFileResult, error) {
	file, err := history.OpenRaw(in.Path)
	if err != nil {
		return schemas.ImportFileResult{}, refused(err, schemas.ImportFileResult{})
	}
	defer file.Close()
	f, err := a.begin(ctx, in, opened{name: file.Name(), rows: file.Rows(), keep: true})
	if err != nil {
		return f.result(), err
	}
	r := raw{fileImport: f}
	if f.at.Row == 0 {
		if err := f.record(ctx); err != nil {
			return f.result(), err
		}
	}
	place := history.Place{Group: f.at.RowGroup, Row: f.at.Row}
	err = file.Read(ctx, place, f.at.LastPoll, func(b history.RawBatch) error { return r.take(ctx, b) })
	return r.end(ctx, err)
}

// end brings in what is held, of a damaged file too, and moves the cursor of
// the group once the file is done.
func (r *raw) end(ctx context.Context, err error) (schemas.ImportFileResult, error) {
	if err == nil || errors.Is(err, history.ErrDamaged) {
		if failed := r.flush(ctx); failed != nil {
			err = failed
		} else if failed := r.advance(ctx); failed != nil {
			err = failed
		}
	}
	result, err := r.ended(ctx, err)
	if err == nil && result.Next == nil {
		result.Note = r.note()
	}
	return result, err
}

// take holds the calls of some rows until there are enough for a bundle.
func (r *raw) take(ctx context.Context, b history.RawBatch) error {
	for _, call := range b.Calls {
		if !r.after(wholeSecond(call.PolledAt)) {
			r.held.add(recorded(call))
		}
	}
	r.batch.Quarantined = append(r.batch.Quarantined, b.Quarantined...)
	r.batch.Foreign, r.batch.Zoneless = r.batch.Foreign+b.Foreign, r.batch.Zoneless+b.Zoneless
	r.batch.Next, r.batch.Bytes, r.batch.Last = b.Next, b.Bytes, b.Last
	if r.held.calls+len(r.batch.Quarantined) < importBatch && r.held.bytes < rawHeldBytes && b.Next.Row-r.from < cmp.Or(r.in.WindowRows, rawWindow) {
		return nil
	}
	if err := r.flush(ctx); err != nil {
		return err
	}
	return r.full(rawWindow)
}

// add puts an answer into the first layer that does not have its call yet. The
// same answer once more is left out.
func (h *held) add(r response) {
	name := archive.Name(r.Call, r.PolledAt)
	for _, layer := range h.layers {
		there, taken := layer[name]
		switch {
		case !taken:
			layer[name] = r
			h.calls, h.bytes = h.calls+1, h.bytes+len(r.Body)
			return
		case there.PolledAt.Equal(r.PolledAt) && there.status == r.status && bytes.Equal(there.Body, r.Body):
			h.repeated++
			return
		}
	}
	h.layers = append(h.layers, map[string]response{})
	h.add(r)
}

// flush ingests what is held and moves the cursor behind it.
func (r *raw) flush(ctx context.Context) error {
	if r.batch.Next == (history.Place{}) {
		return nil
	}
	for _, layer := range r.held.layers {
		var answers []response
		for _, answer := range layer {
			if answers = append(answers, answer); !answer.isPlan() && answer.PolledAt.After(r.at.Through) {
				r.at.Through = answer.PolledAt
			}
		}
		if err := r.ingest(ctx, answers); err != nil {
			return err
		}
	}
	token := fmt.Sprintf("raw/%s/%s/%s/%d/%d", r.a.Name, r.in.Group, r.at.SHA256, r.in.Until.UnixMilli(), r.at.Row)
	if err := r.quarantine(ctx, token, r.batch.Quarantined); err != nil {
		return err
	}
	r.at.RowGroup, r.at.Row, r.at.LastPoll, r.at.Bytes = r.batch.Next.Group, r.batch.Next.Row, r.batch.Last, r.batch.Bytes
	r.at.Foreign, r.at.Zoneless, r.at.Repeated = r.at.Foreign+r.batch.Foreign, r.at.Zoneless+r.batch.Zoneless, r.at.Repeated+r.held.repeated
	r.held, r.batch = held{}, history.RawBatch{}
	r.beat(ctx, "imported", r.at.Row)
	return nil
}

// recorded is a call as a poll of a collection: answered, without a document of
// that name, or failed.
func recorded(c history.Recorded) response {
	r := response{Response: timetables.Response{Call: c.Call, Body: c.Body, PolledAt: wholeSecond(c.PolledAt)}, status: schema.PollOK}
	r.Call.AsOf = r.PolledAt
	switch {
	case c.Status == http.StatusOK && c.Error == "":
		return r
	case c.Status == http.StatusNotFound:
		r.status = schema.PollMissing
	default:
		r.status = schema.PollFailed
	}
	r.reason, r.Body = reason(c), nil
	return r
}

// maxReasonBytes bounds what a poll keeps of an error.
const maxReasonBytes = 300

func reason(c history.Recorded) string {
	parts := []string{"no answer"}
	if c.Status != 0 {
		parts[0] = fmt.Sprintf("status %d", c.Status)
	}
	if c.Error != "" {
		parts = append(parts, strings.ToValidUTF8(c.Error[:min(len(c.Error), maxReasonBytes)], ""))
	}
	return strings.Join(parts, ": ")
}

// note says what was assumed and what was left out.
func (r *raw) note() string {
	for _, n := range []struct {
		count int
		what  string
	}{
		{r.at.Zoneless, "times without an offset from UTC were taken as German local time"},
		{r.at.Foreign, "calls of other APIs were left out"},
		{r.at.Repeated, "calls that the file tells twice were left out"},
	} {
		if n.count > 0 {
			r.notes = append(r.notes, fmt.Sprintf("%s: %d %s", r.name, n.count, n.what))
		}
	}
	return strings.Join(r.notes, "; ")
}
