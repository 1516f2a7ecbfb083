package prepare

import (
	"context"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"puenktlich/activities/collect"
	"puenktlich/internal/livestate"
	"puenktlich/internal/objstore"
	"puenktlich/internal/rail"
	"puenktlich/internal/testenv"
	"puenktlich/internal/warehouse"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

func TestMain(m *testing.M) { testenv.Main(m) }

type fixedClock time.Time

func (c fixedClock) Now() time.Time { return time.Time(c) }

// house is preparation on real servers.
type house struct {
	*Activities
	db       *warehouse.DB
	conn     clickhouse.Conn
	database string
}

func newHouse(t testing.TB) *house {
	t.Helper()
	return houseAt(t, testenv.ClickHouse(t))
}

func houseAt(t testing.TB, opts testenv.ClickHouseOptions) *house {
	t.Helper()
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
	a := &Activities{Store: db, Objects: bucket(t), Clock: fixedClock(on("12:00")), Name: "test", Histories: livestate.NewHistoryCache(db),
		Provenance: schemas.Provenance{Source: "test", Licence: "none"}}
	return &house{Activities: a, db: db, conn: conn, database: opts.Database}
}

// bucket is an empty bucket.
func bucket(t testing.TB) *objstore.Store {
	t.Helper()
	objects, err := objstore.Open(t.Context(), objstore.Options(testenv.S3(t)))
	must(t, err)
	return objects
}

// stored counts the rows of a table, superseded ones included.
func (h *house) stored(t *testing.T, table string) (rows uint64) {
	t.Helper()
	must(t, h.conn.QueryRow(t.Context(), "SELECT count() FROM "+table).Scan(&rows))
	return rows
}

func (h *house) settle(t *testing.T, day string, asOf time.Time) schemas.SettleCounts {
	t.Helper()
	counts, err := h.SettleDay(t.Context(), schemas.SettleDayInput{Day: day, AsOf: asOf})
	must(t, err)
	return counts
}

// all is the history of one day as known at a moment.
func (h *house) all(t *testing.T, day rail.Day, knownAt time.Time) schema.DailySum {
	t.Helper()
	sums, err := h.db.Daily(t.Context(), schema.DailyQuery{Source: h.Name, From: string(day), Before: string(day.Add(1)), KnownAt: knownAt})
	must(t, err)
	for _, sum := range sums {
		if sum.KeyKind == "all" {
			return sum
		}
	}
	return schema.DailySum{}
}

// plan adds an event planned at a moment, known six hours before.
func (h *house) plan(t *testing.T, hash string, planned time.Time) rail.PlannedEvent {
	t.Helper()
	stop := rail.StopID(hash + "-" + rail.FormatTime(planned) + "-1")
	ref, err := stop.Parse()
	must(t, err)
	event := rail.PlannedEvent{EVA: 8000105, Stop: stop, Kind: rail.Departure, Trip: ref.Trip(), ServiceDay: rail.DayOf(planned), Index: 1,
		Train: rail.Train{Category: "RE", Number: hash}, Planned: planned, Platform: "1", PolledAt: planned.Add(-6 * time.Hour)}
	must(t, h.db.InsertPlan(t.Context(), h.batch("plan/"+string(stop)), []rail.PlannedEvent{event}, uint64(event.PolledAt.UnixMilli())<<20))
	return event
}

// say adds what a poll said: a delay in minutes.
func (h *house) say(t *testing.T, event rail.PlannedEvent, polled time.Time, delay int) {
	t.Helper()
	c := rail.Change{EVA: event.EVA, Stop: event.Stop, Kind: event.Kind, Seq: uint64(polled.UnixMilli()) << 20, PolledAt: polled,
		Changed: event.Planned.Add(time.Duration(delay) * time.Minute)}
	must(t, h.db.InsertChanges(t.Context(), h.batch("say/"+event.Key().String()+polled.String()), []rail.Change{c}))
}

func (h *house) batch(token string) schema.Batch {
	return schema.Batch{Token: token, Source: h.Name, Group: "main"}
}

// importDay ingests one recorded archive.
func (h *house) importDay(t *testing.T, path string) schemas.CollectCounts {
	t.Helper()
	c := &collect.Activities{Raw: h.Objects.(*objstore.Store), Cursors: nowhere{}, Store: h.db, Clock: h.Clock, Name: h.Name, Past: true}
	result, err := c.ImportArchive(t.Context(), schemas.ImportArchiveInput{Group: "main", Path: path})
	must(t, err)
	return result.Counts
}

type nowhere struct{}

func (nowhere) Cursor(context.Context, string) (time.Time, error) { return time.Time{}, nil }
func (nowhere) Advance(context.Context, string, time.Time) error  { return nil }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// span is a store that knows its settled days alone.
type span struct {
	Store
	first, last string
}

func (s span) Days(context.Context, string) (schema.DaySpan, error) {
	return schema.DaySpan{FirstSettled: s.first, LastSettled: s.last}, nil
}
