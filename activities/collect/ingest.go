package collect

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"puenktlich/internal/rail"
	"puenktlich/internal/timetables"
	"puenktlich/internal/timetables/archive"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// rows is what responses turn into.
type rows struct {
	plan       []rail.PlannedEvent
	changes    []rail.Change
	polls      []schema.Poll
	quarantine []schema.Quarantine
	unknown    []schema.Unknown // one for each name, at most maxUnknownNames
	counts     schemas.CollectCounts
}

// ingest keeps the responses raw in one content-addressed bundle, then writes
// what was in them under a token made from the polls and the bundle's hash.
func (a *Activities) ingest(ctx context.Context, group string, responses []response) (schemas.CollectWindowResult, error) {
	if len(responses) == 0 {
		return schemas.CollectWindowResult{}, nil
	}
	body, err := bundle(responses)
	if err != nil {
		return schemas.CollectWindowResult{}, fmt.Errorf("bundle responses of %s: %w", group, err)
	}
	day := rail.DayOf(responses[0].PolledAt)
	raw, err := a.Raw.PutContent(ctx, fmt.Sprintf("raw/%s/%s/%s/", a.Name, group, day), ".tar.zst", body)
	if err != nil {
		return schemas.CollectWindowResult{}, fmt.Errorf("keep raw responses of %s: %w", group, err)
	}
	r := a.read(group, raw, responses)
	heartbeat(ctx, fmt.Sprintf("%d responses read", len(responses)))
	if err := a.write(ctx, group, r); err != nil {
		return schemas.CollectWindowResult{}, err
	}
	return schemas.CollectWindowResult{Raw: raw, Counts: r.counts, Unknown: namesOf(r.unknown)}, nil
}

// bundle is a recording archive of the answers: what was collected can be
// replayed.
func bundle(responses []response) ([]byte, error) {
	var buf bytes.Buffer
	w, err := archive.NewWriter(&buf)
	if err != nil {
		return nil, err
	}
	for _, r := range responses {
		if r.status != schema.PollOK {
			continue
		}
		if err := w.Add(archive.Entry{Call: r.Call, PolledAt: r.PolledAt, Body: r.Body}); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// seqShift leaves room for 2^20 observations of one millisecond below the poll
// time in a sequence number.
const seqShift = 20

// firstSeq orders observations by poll time; the one writer of a group counts
// on from it within one poll.
func firstSeq(t time.Time) uint64 { return uint64(t.UnixMilli()) << seqShift }

// parseAll parses what was answered, on all cores: the greater part of the
// work of a window.
func parseAll(responses []response) []timetables.Result {
	parsed := make([]timetables.Result, len(responses))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, r := range responses {
		if r.status != schema.PollOK {
			continue
		}
		group.Go(func() error {
			parsed[i] = timetables.Parse(r.Body, timetables.Origin{Call: r.Call, PolledAt: r.PolledAt, File: archive.Name(r.Call, r.PolledAt)})
			return nil
		})
	}
	_ = group.Wait() // what cannot be read is in the results
	return parsed
}

// read parses all responses; sequence numbers count within one poll time.
func (a *Activities) read(group string, raw schemas.ObjectRef, responses []response) rows {
	var out rows
	var last time.Time
	ordinal := uint64(0)
	parsed := parseAll(responses)
	for i, r := range responses {
		if !r.PolledAt.Equal(last) {
			last, ordinal = r.PolledAt, 0
		}
		poll := schema.Poll{Source: a.Name, Group: group, EVA: r.Call.EVA, Kind: schema.PollKind(r.Call.Kind), Hour: r.Call.Hour,
			PolledAt: r.PolledAt, Status: r.status, Error: r.reason}
		out.count(r)
		if r.status == schema.PollOK {
			ordinal = out.take(raw, r, parsed[i], &poll, ordinal)
		}
		out.polls = append(out.polls, poll)
	}
	return out
}

func (o *rows) count(r response) {
	switch r.status {
	case schema.PollMissing:
		o.counts.Missing++
	case schema.PollFailed:
		o.counts.Failed++
	default:
		o.counts.Responses++
		o.counts.Bytes += int64(len(r.Body))
	}
}

// take adds what one response said.
func (o *rows) take(raw schemas.ObjectRef, r response, parsed timetables.Result, poll *schema.Poll, ordinal uint64) uint64 {
	for i := range parsed.Changes {
		parsed.Changes[i].Seq = firstSeq(r.PolledAt) + ordinal
		ordinal++
	}
	o.plan = append(o.plan, parsed.Planned...)
	o.changes = append(o.changes, parsed.Changes...)
	for _, q := range parsed.Quarantined {
		o.quarantine = append(o.quarantine, schema.Quarantine{Source: poll.Source, EVA: r.Call.EVA, PolledAt: r.PolledAt,
			RawKey: raw.Key, File: q.File, Element: q.Element, Value: q.Value, Reason: q.Reason})
	}
	o.note(parsed.UnknownAttributes, schema.Unknown{Source: poll.Source, Group: poll.Group, EVA: r.Call.EVA, PolledAt: r.PolledAt, File: archive.Name(r.Call, r.PolledAt), RawKey: raw.Key})
	o.counts.Planned += len(parsed.Planned)
	o.counts.Changes += len(parsed.Changes)
	o.counts.Quarantined += len(parsed.Quarantined)
	poll.Stops, poll.Changes, poll.Quarantined = uint32(parsed.Stops), uint32(len(parsed.Changes)), uint32(len(parsed.Quarantined))
	poll.RawKey, poll.RawSHA256 = raw.Key, raw.SHA256
	if len(parsed.Quarantined) > 0 && !whole(r.Body) {
		poll.Status, poll.Error = schema.PollFailed, "the answer is no whole timetable: see the quarantine"
	}
	return ordinal
}

// whole says that a body is one timetable from beginning to end. Another one
// is no evidence that nothing else was to be told.
func whole(body []byte) bool {
	dec := xml.NewDecoder(bytes.NewReader(body))
	dec.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil } // the form alone counts
	var document struct {
		XMLName xml.Name `xml:"timetable"`
	}
	return dec.Decode(&document) == nil
}

// write stores rows; polls come last, so that a poll in the store means that
// what it said is there too.
func (a *Activities) write(ctx context.Context, group string, r rows) error {
	token := tokenOf(r.polls)
	batch := schema.Batch{Token: token, Source: a.Name, Group: group}
	if len(r.plan) > 0 {
		if err := a.Store.InsertPlan(ctx, batch, r.plan, firstSeq(r.plan[0].PolledAt)); err != nil {
			return fmt.Errorf("write plan of %s: %w", group, err)
		}
	}
	if len(r.changes) > 0 {
		if err := a.Store.InsertChanges(ctx, batch, r.changes); err != nil {
			return fmt.Errorf("write changes of %s: %w", group, err)
		}
	}
	if len(r.quarantine) > 0 {
		if err := a.Store.InsertQuarantine(ctx, token, r.quarantine); err != nil {
			return fmt.Errorf("write quarantine of %s: %w", group, err)
		}
	}
	if len(r.unknown) > 0 {
		if err := a.Store.InsertUnknown(ctx, token, r.unknown); err != nil {
			return fmt.Errorf("write unknown attributes of %s: %w", group, err)
		}
	}
	if err := a.Store.InsertPolls(ctx, token, r.polls); err != nil {
		return fmt.Errorf("write polls of %s: %w", group, err)
	}
	return a.cover(ctx, token, r.polls)
}

// tokenOf identifies what was written by its polls, the failed ones too, which
// leave nothing in the bundle.
func tokenOf(polls []schema.Poll) string {
	h := sha256.New()
	for _, p := range polls {
		fmt.Fprintln(h, p.Source, p.Group, p.EVA, p.Kind, p.Hour.Unix(), p.PolledAt.UnixMilli(), p.Status, p.RawSHA256)
	}
	return hex.EncodeToString(h.Sum(nil))
}
