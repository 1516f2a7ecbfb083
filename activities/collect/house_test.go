package collect_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/klauspost/compress/zstd"

	"puenktlich/activities/collect"
	"puenktlich/internal/objstore"
	"puenktlich/internal/rail"
	"puenktlich/internal/testenv"
	"puenktlich/internal/timetables"
	"puenktlich/internal/timetables/archive"
	"puenktlich/internal/warehouse"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

func TestMain(m *testing.M) { testenv.Main(m) }

const (
	hanau = 8000150
	group = "main"
)

// at is a moment of 29 October 2024, UTC; German clocks show an hour more.
func at(clock string) time.Time {
	moment, err := time.Parse("2006-01-02 15:04:05", "2024-10-29 "+clock)
	if err != nil {
		panic(err)
	}
	return moment
}

// book is a railway of one station, written by hand. It is safe for concurrent
// use once it is served.
type book struct {
	plans map[string]planned // by hour, such as 10:00:00
	full  string             // answer to fchg; empty: status 500
	polls []poll             // ascending
	mu    sync.Mutex
	asked []timetables.CallKind
}

type planned struct {
	from time.Time // published; zero: always
	body string
}

type poll struct {
	at    string
	body  string
	fails bool // answered with status 500
}

func (b *book) Get(_ context.Context, call timetables.Call) (timetables.Response, error) {
	b.mu.Lock()
	b.asked = append(b.asked, call.Kind)
	b.mu.Unlock()
	response := timetables.Response{Call: call, PolledAt: call.AsOf}
	switch call.Kind {
	case timetables.CallPlan:
		plan, found := b.plans[call.Hour.Format("15:04:05")]
		if !found || call.AsOf.Before(plan.from) {
			return response, timetables.ErrNotFound
		}
		response.Body = []byte(plan.body)
		return response, nil
	case timetables.CallFull:
		response.Body = []byte(b.full)
		if b.full == "" {
			return response, errors.New("the disk is on fire")
		}
		return response, nil
	}
	return b.recent(response, call.AsOf)
}

func (b *book) recent(response timetables.Response, asOf time.Time) (timetables.Response, error) {
	last := -1
	for i, p := range b.polls {
		if at(p.at).After(asOf) {
			response.Next = at(p.at)
			break
		}
		last = i
	}
	if last < 0 {
		return response, timetables.ErrNotFound
	}
	response.PolledAt, response.Body = at(b.polls[last].at), []byte(b.polls[last].body)
	if b.polls[last].fails {
		return response, errors.New("the disk is on fire")
	}
	return response, nil
}

// count is how often a kind of call was asked.
func (b *book) count(kind timetables.CallKind) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, k := range b.asked {
		if k == kind {
			n++
		}
	}
	return n
}

type fixedClock time.Time

func (c fixedClock) Now() time.Time { return time.Time(c) }

// cursors are kept for one test.
type cursors struct {
	mu sync.Mutex
	at map[string]time.Time
}

func (c *cursors) Cursor(_ context.Context, group string) (time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at[group], nil
}

func (c *cursors) Advance(_ context.Context, group string, through time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if through.After(c.at[group]) {
		c.at[group] = through
	}
	return nil
}

// house is the collection on real servers.
type house struct {
	*collect.Activities
	db      *warehouse.DB
	objects *objstore.Store
	conn    clickhouse.Conn
	cursors *cursors
	baseURL string // of a live source
}

func newHouse(t testing.TB, source timetables.Source) *house {
	t.Helper()
	opts := testenv.ClickHouse(t)
	db, err := warehouse.Open(warehouse.Options(opts))
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	_, err = db.Migrate(t.Context())
	must(t, err)
	config, err := clickhouse.ParseDSN(opts.Addr)
	must(t, err)
	config.Auth = clickhouse.Auth{Database: opts.Database, Username: opts.User, Password: opts.Password}
	conn, err := clickhouse.Open(config)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	objects, err := objstore.Open(t.Context(), objstore.Options(testenv.S3(t)))
	must(t, err)
	h := &house{db: db, objects: objects, conn: conn, cursors: &cursors{at: map[string]time.Time{}}}
	h.Activities = &collect.Activities{
		Source: overHTTP(t, source), Raw: objects, Cursors: h.cursors, Store: db, Clock: fixedClock(at("12:00:00")),
		Stations: func(context.Context, string) ([]rail.Station, error) {
			return []rail.Station{{EVA: hanau, Name: "Hanau Hbf"}}, nil
		},
		Name: "test", Past: true, Every: time.Minute, Provenance: schemas.Provenance{Source: "test", Licence: "none"},
	}
	return h
}

// overHTTP serves a source in the wire format and answers its client.
func overHTTP(t testing.TB, source timetables.Source) timetables.Source {
	t.Helper()
	server := httptest.NewServer(timetables.NewServer(source, func() time.Time { return at("12:00:00") }, timetables.ServerOptions{}))
	t.Cleanup(server.Close)
	client, err := timetables.NewClient(timetables.ClientOptions{BaseURL: server.URL + timetables.BasePath, SendAsOf: true, RetryWait: time.Millisecond})
	must(t, err)
	return client
}

func (h *house) window(t *testing.T, from, to string) schemas.CollectWindowResult {
	t.Helper()
	result, err := h.CollectWindow(t.Context(), schemas.CollectWindowInput{Group: group, Window: schemas.Window{From: at(from), To: at(to)}})
	must(t, err)
	return result
}

// rows counts the rows of every table collection writes, superseded ones left out.
func (h *house) rows(t testing.TB) map[string]uint64 {
	t.Helper()
	counts := map[string]uint64{}
	for _, table := range []string{"stop_plan", "stop_change", "poll", "coverage", "quarantine"} {
		var n uint64
		must(t, h.conn.QueryRow(t.Context(), "SELECT count() FROM "+table+" FINAL").Scan(&n))
		counts[table] = n
	}
	return counts
}

// raw reads a bundle back: bodies by entry name.
func (h *house) raw(t *testing.T, ref schemas.ObjectRef) map[string]string {
	t.Helper()
	body, err := h.objects.GetContent(t.Context(), ref)
	must(t, err)
	reader, err := archive.NewReader(bytes.NewReader(body), ref.Key)
	must(t, err)
	defer reader.Close()
	bodies := map[string]string{}
	for {
		entry, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return bodies
		}
		must(t, err)
		bodies[entry.Name] = string(entry.Body)
	}
}

// polls reads what was asked on 29 October, as kind, time, hour of a plan, status.
func (h *house) polls(t *testing.T) []string {
	t.Helper()
	polls, err := h.db.Polls(t.Context(), schema.PollQuery{Source: "test", From: at("00:00:00"), Until: at("23:59:59")})
	must(t, err)
	var all []string
	for _, p := range polls {
		line := fmt.Sprintf("%s %s", p.PolledAt.Format("15:04:05"), p.Kind)
		if p.Kind == schema.PollPlan {
			line += p.Hour.Format(" of 15")
		}
		all = append(all, line+" "+string(p.Status))
	}
	return all
}

// delays reads every planned event with its last changed time, as "stop/kind
// delay", the delay "-" without a changed time.
func (h *house) delays(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	query := schema.TimelineQuery{Source: "test", From: at("00:00:00"), Until: at("23:59:59")}
	must(t, h.db.Timelines(t.Context(), query, func(p rail.PlannedEvent, changes []rail.Change) error {
		delay := "-"
		for _, c := range changes {
			if !c.Changed.IsZero() {
				delay = fmt.Sprint(rail.DelayMinutes(p.Planned, c.Changed))
			}
		}
		found[p.Key().String()] = delay
		return nil
	}))
	return found
}

func (h *house) coverage(t *testing.T) []schema.Coverage {
	t.Helper()
	hours, err := h.db.Coverage(t.Context(), schema.CoverageQuery{Source: "test", From: at("00:00:00"), Until: at("23:59:59")})
	must(t, err)
	return hours
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// foreign is an archive with an entry that is no answer of the API.
func foreign(t *testing.T) []byte {
	t.Helper()
	var file bytes.Buffer
	zst, err := zstd.NewWriter(&file)
	must(t, err)
	w := tar.NewWriter(zst)
	for name, body := range map[string]string{"notes.txt": "hello", "rchg/8000150/2024-10-29T110800.xml": reOne} {
		must(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(body)), Typeflag: tar.TypeReg}))
		_, err := w.Write([]byte(body))
		must(t, err)
	}
	must(t, w.Close())
	must(t, zst.Close())
	return file.Bytes()
}
