package warehouse

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"

	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

const (
	// timelineEvents is how many events are read in one go. It bounds the set of stop
	// ids held by the server.
	timelineEvents = 110_000
	// timelineWindow is the range of planned time that is read in one go where there
	// are more: a day of 133 stations has so many.
	timelineWindow = 24 * time.Hour
)

// Timelines visits every planned event of the query with all that was observed
// of it, in the order of seq. An event planned twice is visited once, as it was
// first known. Events come ordered by service day, stop id and kind; where there are
// more than 110,000, by window of 24 hours of planned time first. Observations of
// events without a plan are left out. The visitor may keep both arguments; its error
// ends the read and is returned as it is. Memory holds one event at a time.
func (db *DB) Timelines(ctx context.Context, q schema.TimelineQuery, visit func(rail.PlannedEvent, []rail.Change) error) error {
	if q.Source == "" || q.From.IsZero() || q.Until.IsZero() {
		return fmt.Errorf("timelines: source, from and until are required, got %+v", q)
	}
	all, err := db.planned(ctx, q)
	if err != nil {
		return err
	}
	if all.events <= db.together {
		return db.window(ctx, q, all, visit)
	}
	for from := q.From; from.Before(q.Until); from = from.Add(timelineWindow) {
		window := q
		window.From, window.Until = from, from.Add(timelineWindow)
		if window.Until.After(q.Until) {
			window.Until = q.Until
		}
		within, err := db.planned(ctx, window)
		if err == nil {
			err = db.window(ctx, window, within, visit)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Planned counts the planned events of the query, one planned twice once.
func (db *DB) Planned(ctx context.Context, q schema.TimelineQuery) (int, error) {
	within, err := db.planned(ctx, q)
	return int(within.events), err
}

// window joins the two ordered streams of one window.
func (db *DB) window(ctx context.Context, q schema.TimelineQuery, within planned, visit func(rail.PlannedEvent, []rail.Change) error) error {
	if within.events == 0 {
		return nil
	}
	first, last := within.first, within.last
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	changes, err := db.openChanges(ctx, timelineChanges(q, first, last))
	if err != nil {
		return err
	}
	defer closeEarly(cancel, changes.rows)
	return query(ctx, db, planTable, timelinePlan(q, first, last), func(r *planRow) error {
		event := r.planned()
		observed, err := changes.of(event)
		if err != nil {
			return err
		}
		return visit(event, observed)
	})
}

// planned is what is planned within a query. The first and the last service day of
// the events bound both streams by their primary key.
type planned struct {
	events      uint64
	first, last string // service days
}

func (db *DB) planned(ctx context.Context, q schema.TimelineQuery) (p planned, err error) {
	w := plannedWhere(q)
	sql := "SELECT uniqExact(service_day, stop_id, kind), toString(min(service_day)), toString(max(service_day)) FROM stop_plan WHERE " + w.String()
	err = db.conn.QueryRow(ctx, sql, w.args...).Scan(&p.events, &p.first, &p.last)
	return p, classify("planned events of timelines", err)
}

// plannedWhere selects rows of stop_plan whose planned time is in the window.
func plannedWhere(q schema.TimelineQuery) where {
	var w where
	w.and("source = {source:String}", "source", q.Source)
	w.and("planned >= "+seconds("from"), "from", ceilSeconds(q.From))
	w.and("planned < "+seconds("until"), "until", ceilSeconds(q.Until))
	w.until("polled_at", "known", q.PolledUntil)
	if len(q.Stations) > 0 {
		w.and("eva IN {stations:Array(Int64)}", "stations", q.Stations)
	}
	return w
}

// ceilSeconds makes a bound within a second right for columns of whole seconds.
func ceilSeconds(t time.Time) int64 {
	return t.Add(time.Second - time.Nanosecond).Unix()
}

// timelinePlan takes the first row of each event before it looks at the window,
// so that no event is in two windows.
func timelinePlan(q schema.TimelineQuery, first, last string) statement {
	inner := plannedWhere(q)
	var window []string
	var rest []string
	for _, condition := range inner.conditions {
		if strings.HasPrefix(condition, "planned ") {
			window = append(window, condition)
		} else {
			rest = append(rest, condition)
		}
	}
	columns := planTable.selectList("")
	const key = "service_day, stop_id, kind"
	return statement{
		sql: "SELECT " + columns + " FROM (SELECT " + columns + " FROM stop_plan FINAL WHERE " + strings.Join(rest, " AND ") +
			" AND service_day BETWEEN {first:Date} AND {last:Date}" +
			" ORDER BY " + key + ", polled_at, seq LIMIT 1 BY " + key + ")" +
			" WHERE " + strings.Join(window, " AND ") + " ORDER BY " + key,
		args: append(inner.args, driver.Named("first", first), driver.Named("last", last)),
	}
}

func timelineChanges(q schema.TimelineQuery, first, last string) statement {
	w := plannedWhere(q)
	known := ""
	if !q.PolledUntil.IsZero() {
		known = " AND polled_at <= " + milliseconds("known")
	}
	return statement{
		sql: "SELECT " + changeTable.selectList("") + " FROM stop_change FINAL WHERE source = {source:String}" +
			" AND service_day BETWEEN {first:Date} AND {last:Date}" + known +
			" AND (stop_id, kind) IN (SELECT stop_id, kind FROM stop_plan WHERE " + w.String() + ")" +
			" ORDER BY service_day, stop_id, kind, seq, station_group, eva",
		args: append(w.args, driver.Named("first", first), driver.Named("last", last)),
	}
}

// changeStream is an ordered stream of stop_change, read on as far as the
// event asked for.
type changeStream struct {
	rows interface {
		Next() bool
		Scan(...any) error
		Err() error
		Close() error
	}
	row  changeRow
	dest []any
	more bool // row holds the next change
	// gathered is room for the changes of one event: they are handed over as a
	// copy of their exact number.
	gathered []rail.Change
}

func (db *DB) openChanges(ctx context.Context, q statement) (*changeStream, error) {
	rows, err := db.conn.Query(ctx, q.sql, q.args...)
	if err != nil {
		return nil, classify("read stop_change", err)
	}
	s := &changeStream{rows: rows}
	s.dest = changeTable.destinations(&s.row)
	if err := s.next(); err != nil {
		_ = rows.Close()
		return nil, err
	}
	return s, nil
}

func (s *changeStream) next() error {
	if s.more = s.rows.Next(); !s.more {
		return classify("read stop_change", s.rows.Err())
	}
	return classify("read stop_change", s.rows.Scan(s.dest...))
}

// of answers the changes of an event, nil without any. Events must be asked
// for in the order of the stream.
func (s *changeStream) of(event rail.PlannedEvent) ([]rail.Change, error) {
	s.gathered = s.gathered[:0]
	for s.more {
		order := s.compare(event)
		if order > 0 {
			break
		}
		if order == 0 {
			change, err := s.row.observed()
			if err != nil {
				return nil, err
			}
			s.gathered = append(s.gathered, change)
		}
		if err := s.next(); err != nil {
			return nil, err
		}
	}
	if len(s.gathered) == 0 {
		return nil, nil
	}
	return append(make([]rail.Change, 0, len(s.gathered)), s.gathered...), nil
}

func (s *changeStream) compare(event rail.PlannedEvent) int {
	return cmp.Or(
		cmp.Compare(s.row.serviceDay, event.ServiceDay),
		cmp.Compare(s.row.change.Stop, event.Stop),
		cmp.Compare(s.row.change.Kind, event.Kind),
	)
}
