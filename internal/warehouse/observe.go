package warehouse

import (
	"context"
	"fmt"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"

	schema "puenktlich/schemas/clickhouse"
)

var pollTable = table[schema.Poll]{name: "poll", columns: []column[schema.Poll]{
	field("source", func(r *schema.Poll) *string { return &r.Source }),
	field("station_group", func(r *schema.Poll) *string { return &r.Group }),
	field("eva", func(r *schema.Poll) *int64 { return &r.EVA }),
	text("kind", func(r *schema.Poll) *schema.PollKind { return &r.Kind }),
	optional("hour", func(r *schema.Poll) *time.Time { return &r.Hour }),
	instant("polled_at", func(r *schema.Poll) *time.Time { return &r.PolledAt }),
	text("status", func(r *schema.Poll) *schema.PollStatus { return &r.Status }),
	field("error", func(r *schema.Poll) *string { return &r.Error }),
	field("stops", func(r *schema.Poll) *uint32 { return &r.Stops }),
	field("changes", func(r *schema.Poll) *uint32 { return &r.Changes }),
	field("quarantined", func(r *schema.Poll) *uint32 { return &r.Quarantined }),
	field("raw_key", func(r *schema.Poll) *string { return &r.RawKey }),
	field("raw_sha256", func(r *schema.Poll) *string { return &r.RawSHA256 }),
}}

var coverageTable = table[schema.Coverage]{name: "coverage", columns: []column[schema.Coverage]{
	field("source", func(r *schema.Coverage) *string { return &r.Source }),
	field("eva", func(r *schema.Coverage) *int64 { return &r.EVA }),
	instant("hour", func(r *schema.Coverage) *time.Time { return &r.Hour }),
	flag("plan_known", func(r *schema.Coverage) *bool { return &r.PlanKnown }),
	field("polls", func(r *schema.Coverage) *uint32 { return &r.Polls }),
	field("longest_gap_seconds", func(r *schema.Coverage) *uint32 { return &r.LongestGapSeconds }),
	field("quarantined", func(r *schema.Coverage) *uint32 { return &r.Quarantined }),
	field("version", func(r *schema.Coverage) *uint64 { return &r.Version }),
}}

var quarantineTable = table[schema.Quarantine]{name: "quarantine", columns: []column[schema.Quarantine]{
	field("source", func(r *schema.Quarantine) *string { return &r.Source }),
	field("eva", func(r *schema.Quarantine) *int64 { return &r.EVA }),
	instant("polled_at", func(r *schema.Quarantine) *time.Time { return &r.PolledAt }),
	field("raw_key", func(r *schema.Quarantine) *string { return &r.RawKey }),
	field("file", func(r *schema.Quarantine) *string { return &r.File }),
	field("element", func(r *schema.Quarantine) *string { return &r.Element }),
	field("value", func(r *schema.Quarantine) *string { return &r.Value }),
	field("reason", func(r *schema.Quarantine) *string { return &r.Reason }),
}}

// InsertPolls writes polls.
func (db *DB) InsertPolls(ctx context.Context, token string, polls []schema.Poll) error {
	return insert(ctx, db, pollTable, token, polls)
}

// InsertCoverage writes station-hours; a row with a higher Version supersedes.
func (db *DB) InsertCoverage(ctx context.Context, token string, hours []schema.Coverage) error {
	return insert(ctx, db, coverageTable, token, hours)
}

// InsertQuarantine writes refused elements.
func (db *DB) InsertQuarantine(ctx context.Context, token string, refused []schema.Quarantine) error {
	return insert(ctx, db, quarantineTable, token, refused)
}

// PollTimes are the moments at which each station's changes were asked for and
// answered, ascending. A station without any is absent.
func (db *DB) PollTimes(ctx context.Context, q schema.PollQuery) (map[int64][]time.Time, error) {
	w, err := pollWhere(q)
	if err != nil {
		return nil, err
	}
	w.conditions = append(w.conditions, "kind IN ('rchg', 'fchg')", "status = 'ok'")
	rows, err := db.conn.Query(ctx, "SELECT DISTINCT eva, polled_at FROM poll WHERE "+w.String()+" ORDER BY eva, polled_at", w.args...)
	if err != nil {
		return nil, classify("read poll", err)
	}
	defer func() { _ = rows.Close() }()
	times := map[int64][]time.Time{}
	var eva int64
	var at time.Time
	for rows.Next() {
		if err := rows.Scan(&eva, &at); err != nil {
			return nil, classify("read poll", err)
		}
		times[eva] = append(times[eva], at.UTC())
	}
	return times, classify("read poll", rows.Err())
}

// Polls reads polls ordered by time and station.
func (db *DB) Polls(ctx context.Context, q schema.PollQuery) ([]schema.Poll, error) {
	w, err := pollWhere(q)
	if err != nil {
		return nil, err
	}
	return collect(ctx, db, pollTable, statement{
		sql:  "SELECT " + pollTable.selectList("") + " FROM poll FINAL WHERE " + w.String() + " ORDER BY polled_at, eva, kind, hour",
		args: w.args,
	})
}

func pollWhere(q schema.PollQuery) (where, error) {
	if q.Source == "" || q.From.IsZero() || q.Until.IsZero() {
		return where{}, fmt.Errorf("polls: source, from and until are required, got %+v", q)
	}
	var w where
	w.and("source = {source:String}", "source", q.Source)
	w.and("polled_at >= "+milliseconds("from"), "from", q.From.UnixMilli())
	w.and("polled_at < "+milliseconds("until"), "until", q.Until.UnixMilli())
	if len(q.Stations) > 0 {
		w.and("eva IN {stations:Array(Int64)}", "stations", q.Stations)
	}
	return w, nil
}

// Coverage reads station-hours in their latest version, ordered by station and
// hour. An hour that is not there was not watched.
func (db *DB) Coverage(ctx context.Context, q schema.CoverageQuery) ([]schema.Coverage, error) {
	if q.Source == "" || q.From.IsZero() || q.Until.IsZero() {
		return nil, fmt.Errorf("coverage: source, from and until are required, got %+v", q)
	}
	var w where
	w.and("source = {source:String}", "source", q.Source)
	w.and("hour >= "+seconds("from"), "from", ceilSeconds(q.From))
	w.and("hour < "+seconds("until"), "until", ceilSeconds(q.Until))
	return collect(ctx, db, coverageTable, statement{
		sql:  "SELECT " + coverageTable.selectList("") + " FROM coverage FINAL WHERE " + w.String() + " ORDER BY eva, hour",
		args: w.args,
	})
}

// Quarantined reads the newest refused elements of a source, at most limit.
func (db *DB) Quarantined(ctx context.Context, source string, limit int) ([]schema.Quarantine, error) {
	return collect(ctx, db, quarantineTable, statement{
		sql: "SELECT " + quarantineTable.selectList("") + " FROM quarantine FINAL WHERE source = {source:String}" +
			" ORDER BY polled_at DESC, eva, file, element LIMIT {limit:UInt64}",
		args: []any{driver.Named("source", source), driver.Named("limit", uint64(limit))},
	})
}
