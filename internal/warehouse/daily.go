package warehouse

import (
	"context"
	"fmt"
	"time"

	schema "puenktlich/schemas/clickhouse"
)

var dailyTable = table[schema.Daily]{name: "feature_daily", columns: []column[schema.Daily]{
	field("source", func(r *schema.Daily) *string { return &r.Source }),
	day("day", func(r *schema.Daily) *string { return &r.Day }),
	field("key_kind", func(r *schema.Daily) *string { return &r.KeyKind }),
	field("key", func(r *schema.Daily) *string { return &r.Key }),
	field("events", func(r *schema.Daily) *uint32 { return &r.Events }),
	field("late", func(r *schema.Daily) *uint32 { return &r.Late }),
	field("cancelled", func(r *schema.Daily) *uint32 { return &r.Cancelled }),
	field("delay_sum", func(r *schema.Daily) *int64 { return &r.DelaySum }),
	instant("known_at", func(r *schema.Daily) *time.Time { return &r.KnownAt }),
	field("version", func(r *schema.Daily) *uint64 { return &r.Version }),
}}

// dailySumTable reads the sums; it is no table of its own.
var dailySumTable = table[schema.DailySum]{name: "feature_daily", columns: []column[schema.DailySum]{
	field("key_kind", func(r *schema.DailySum) *string { return &r.KeyKind }),
	field("key", func(r *schema.DailySum) *string { return &r.Key }),
	field("days", func(r *schema.DailySum) *uint64 { return &r.Days }),
	field("events", func(r *schema.DailySum) *uint64 { return &r.Events }),
	field("late", func(r *schema.DailySum) *uint64 { return &r.Late }),
	field("cancelled", func(r *schema.DailySum) *uint64 { return &r.Cancelled }),
	field("delay_sum", func(r *schema.DailySum) *int64 { return &r.DelaySum }),
}}

// InsertDaily appends daily counts. A revision is a row with a higher Version
// and a later KnownAt; it hides the earlier one from later readers alone.
func (db *DB) InsertDaily(ctx context.Context, token string, counts []schema.Daily) error {
	return insert(ctx, db, dailyTable, token, counts)
}

// Daily adds up the days of the query by key, each day in the latest version
// known at KnownAt, ordered by kind and key. A key without events is absent,
// unless the query wants the cancelled ones too.
func (db *DB) Daily(ctx context.Context, q schema.DailyQuery) ([]schema.DailySum, error) {
	w, err := dailyWhere(q)
	if err != nil {
		return nil, err
	}
	having := "events > 0"
	if q.CancelledAlone {
		having = "events + cancelled > 0"
	}
	return collect(ctx, db, dailySumTable, statement{
		sql: `SELECT key_kind, key, countIf(n > 0) AS days, sum(n) AS events, sum(l) AS late, sum(c) AS cancelled, sum(d) AS delay_sum
FROM
(
    SELECT key_kind, key, day, argMax(f.events, version) AS n, argMax(f.late, version) AS l,
        argMax(f.cancelled, version) AS c, argMax(f.delay_sum, version) AS d
    FROM feature_daily AS f
    WHERE ` + w.String() + `
    GROUP BY key_kind, key, day
)
GROUP BY key_kind, key
HAVING ` + having + `
ORDER BY key_kind, key`,
		args: w.args,
	})
}

// DailyMark tells whether the counts a query reads are still the same: every
// row that is added changes it. It costs a thirtieth of reading them.
func (db *DB) DailyMark(ctx context.Context, q schema.DailyQuery) (schema.DailyMark, error) {
	w, err := dailyWhere(q)
	if err != nil {
		return schema.DailyMark{}, err
	}
	var mark schema.DailyMark
	sql := "SELECT count(), sum(cityHash64(day, known_at, version)) FROM feature_daily WHERE " + w.String()
	err = db.conn.QueryRow(ctx, sql, w.args...).Scan(&mark.Rows, &mark.Sum)
	return mark, classify("mark of the daily counts", err)
}

func dailyWhere(q schema.DailyQuery) (where, error) {
	if q.Source == "" || q.Before == "" || q.KnownAt.IsZero() {
		return where{}, fmt.Errorf("daily counts: source, before and known at are required, got %+v", q)
	}
	var w where
	w.and("source = {source:String}", "source", q.Source)
	w.and("day < {before:Date}", "before", q.Before)
	if q.From != "" {
		w.and("day >= {from_day:Date}", "from_day", q.From)
	}
	w.until("known_at", "known", q.KnownAt)
	return w, nil
}
