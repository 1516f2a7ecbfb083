package warehouse

import (
	"context"
	"fmt"
	"time"

	schema "puenktlich/schemas/clickhouse"
)

var countsTable = table[schema.DriftCounts]{name: "drift_counts", columns: []column[schema.DriftCounts]{
	field("model", func(r *schema.DriftCounts) *string { return &r.Model }),
	field("version", func(r *schema.DriftCounts) *uint32 { return &r.Version }),
	field("digest", func(r *schema.DriftCounts) *string { return &r.Digest }),
	field("data_source", func(r *schema.DriftCounts) *string { return &r.DataSource }),
	text("source", func(r *schema.DriftCounts) *schema.PredictionSource { return &r.Source }),
	day("day", func(r *schema.DriftCounts) *string { return &r.Day }),
	instant("hour", func(r *schema.DriftCounts) *time.Time { return &r.Hour }),
	field("subject", func(r *schema.DriftCounts) *string { return &r.Subject }),
	field("name", func(r *schema.DriftCounts) *string { return &r.Name }),
	field("labels", func(r *schema.DriftCounts) *[]string { return &r.Labels }),
	numbers("bins", func(r *schema.DriftCounts) *[]uint64 { return &r.Bins }),
	field("missing", func(r *schema.DriftCounts) *uint64 { return &r.Missing }),
	field("total", func(r *schema.DriftCounts) *uint64 { return &r.Total }),
	instant("counted_at", func(r *schema.DriftCounts) *time.Time { return &r.CountedAt }),
}}

// SaveDriftCounts writes counts; those of an hour counted again supersede.
func (db *DB) SaveDriftCounts(ctx context.Context, token string, counts []schema.DriftCounts) error {
	return insert(ctx, db, countsTable, token, counts)
}

// DriftCounts reads counts in their last counting, ordered by day, hour, subject
// and name.
func (db *DB) DriftCounts(ctx context.Context, q schema.CountsQuery) ([]schema.DriftCounts, error) {
	if q.DataSource == "" || q.Source == "" || q.From == "" || q.Until == "" {
		return nil, fmt.Errorf("drift counts: source, data source, from and until are required, got %+v", q)
	}
	var w where
	w.and("data_source = {source:String}", "source", q.DataSource)
	w.and("model = {model:String}", "model", q.Model)
	w.and("source = {wanted_by:String}", "wanted_by", string(q.Source))
	w.and("digest = {digest:String}", "digest", q.Digest)
	w.and("day >= {from_day:Date}", "from_day", q.From)
	w.and("day < {until_day:Date}", "until_day", q.Until)
	return collect(ctx, db, countsTable, statement{
		sql:  "SELECT " + countsTable.selectList("") + " FROM drift_counts FINAL WHERE " + w.String() + " ORDER BY day, hour, subject, name",
		args: w.args,
	})
}

func vectorWhere(q schema.VectorQuery) (where, error) {
	if q.Model == "" || q.Digest == "" || q.DataSource == "" || q.Source == "" || q.Day == "" {
		return where{}, fmt.Errorf("vectors: model, digest, source, data source and day are required, got %+v", q)
	}
	var w where
	w.and("model = {model:String}", "model", q.Model)
	w.and("source = {wanted_by:String}", "wanted_by", string(q.Source))
	w.and("data_source = {source:String}", "source", q.DataSource)
	w.and("event_day = {day:Date}", "day", q.Day)
	w.and("digest = {digest:String}", "digest", q.Digest)
	w.conditions = append(w.conditions, "stop_id != ''") // else a consumer gave the features
	w.until("predicted_at", "predicted_until", q.AsOf)
	if len(q.Hours) > 0 {
		hours := make([]int64, len(q.Hours))
		for i, h := range q.Hours {
			hours[i] = h.Unix()
		}
		w.and("toUnixTimestamp(toStartOfHour(planned)) IN {hours:Array(Int64)}", "hours", hours)
	}
	return w, nil
}

// VectorHours counts the forecasts of a day by hour of the planned time.
func (db *DB) VectorHours(ctx context.Context, q schema.VectorQuery) (map[time.Time]uint64, error) {
	w, err := vectorWhere(q)
	if err != nil {
		return nil, err
	}
	rows, err := db.conn.Query(ctx, "SELECT toStartOfHour(planned) AS hour, count() FROM predictions FINAL WHERE "+w.String()+" GROUP BY hour", w.args...)
	if err != nil {
		return nil, classify("hours of forecasts", err)
	}
	defer func() { _ = rows.Close() }()
	hours := map[time.Time]uint64{}
	for rows.Next() {
		var hour time.Time
		var n uint64
		if err := rows.Scan(&hour, &n); err != nil {
			return nil, classify("hours of forecasts", err)
		}
		hours[hour.UTC()] = n
	}
	return hours, classify("hours of forecasts", rows.Err())
}

var vectorTable = table[schema.Vector]{name: "predictions", columns: []column[schema.Vector]{
	field("stop_id", func(r *schema.Vector) *string { return &r.StopID }),
	field("kind", func(r *schema.Vector) *string { return &r.Kind }),
	day("event_day", func(r *schema.Vector) *string { return &r.EventDay }),
	instant("planned", func(r *schema.Vector) *time.Time { return &r.Planned }),
	numbers("features", func(r *schema.Vector) *[]float32 { return &r.Features }),
	field("p_on_time", func(r *schema.Vector) *float64 { return &r.POnTime }),
}}

// Vectors visits the inputs of a day's forecasts, unordered, or a sample of them
// in the order of a hash. The visited value is overwritten by the next.
func (db *DB) Vectors(ctx context.Context, q schema.VectorQuery, visit func(*schema.Vector) error) error {
	w, err := vectorWhere(q)
	if err != nil {
		return err
	}
	sql := "SELECT " + vectorTable.selectList("") + " FROM predictions FINAL WHERE " + w.String()
	if q.Sample > 0 {
		w.and("1", "sample", uint64(q.Sample))
		sql += " ORDER BY cityHash64(stop_id, kind, horizon_minutes), prediction_id LIMIT {sample:UInt64}"
	}
	return query(ctx, db, vectorTable, statement{sql: sql, args: w.args}, visit)
}

// CategoryCounts counts the planned events of a range of days by hour and by
// each value of category, operator, line, station and kind, every row of the plan
// once.
func (db *DB) CategoryCounts(ctx context.Context, q schema.TruthQuery) ([]schema.CategoryCount, error) {
	if q.Source == "" || q.From == "" || q.Until == "" {
		return nil, fmt.Errorf("category counts: source, from and until are required, got %+v", q)
	}
	const sql = `
SELECT toString(d), h, multiIf(grouping(c) = 0, 'category', grouping(o) = 0, 'operator', grouping(l) = 0, 'line', grouping(s) = 0, 'station', 'kind') AS name,
    multiIf(grouping(c) = 0, c, grouping(o) = 0, o, grouping(l) = 0, l, grouping(s) = 0, s, k) AS text, count()
FROM
(
    SELECT any(event_day) AS d, toStartOfHour(any(planned)) AS h, toString(any(category)) AS c, toString(any(operator)) AS o,
        toString(any(line)) AS l, toString(any(eva)) AS s, toString(kind) AS k
    FROM stop_plan
    WHERE source = {source:String} AND event_day >= {from_day:Date} AND event_day < {until_day:Date}
    GROUP BY stop_id, kind
)
GROUP BY GROUPING SETS ((d, h, c), (d, h, o), (d, h, l), (d, h, s), (d, h, k))
ORDER BY d, h, name, text`
	rows, err := db.conn.Query(ctx, sql, named("source", q.Source), named("from_day", q.From), named("until_day", q.Until))
	if err != nil {
		return nil, classify("category counts", err)
	}
	defer func() { _ = rows.Close() }()
	var all []schema.CategoryCount
	for rows.Next() {
		var c schema.CategoryCount
		if err := rows.Scan(&c.Day, &c.Hour, &c.Column, &c.Value, &c.Events); err != nil {
			return nil, classify("category counts", err)
		}
		c.Hour = c.Hour.UTC()
		all = append(all, c)
	}
	return all, classify("category counts", rows.Err())
}

// DelayCounts counts, by event day and delay, the events that ran with a change
// observed, each in its newest revision.
func (db *DB) DelayCounts(ctx context.Context, q schema.TruthQuery) ([]schema.DelayCount, error) {
	if q.Source == "" || q.From == "" || q.Until == "" {
		return nil, fmt.Errorf("delay counts: source, from and until are required, got %+v", q)
	}
	w := truthWhere(q)
	rows, err := db.conn.Query(ctx, "SELECT toString(event_day) AS day, delay, count() FROM (SELECT event_day,"+
		" toInt32(greatest(-60, least(360, argMax(delay_minutes, version)))) AS delay, argMax(cancelled, version) AS gone, argMax(toString(evidence), version) AS why"+
		" FROM ground_truth WHERE "+w.String()+" GROUP BY event_day, stop_id, kind)"+
		" WHERE gone = 0 AND why = 'change_observed' GROUP BY day, delay ORDER BY day, delay", w.args...)
	if err != nil {
		return nil, classify("delay counts", err)
	}
	defer func() { _ = rows.Close() }()
	var all []schema.DelayCount
	for rows.Next() {
		var c schema.DelayCount
		if err := rows.Scan(&c.Day, &c.Minutes, &c.Events); err != nil {
			return nil, classify("delay counts", err)
		}
		all = append(all, c)
	}
	return all, classify("delay counts", rows.Err())
}

// ServedVectors visits whole forecasts of a day as VectorQuery selects them.
func (db *DB) ServedVectors(ctx context.Context, q schema.VectorQuery, visit func(*schema.Prediction) error) error {
	w, err := vectorWhere(q)
	if err != nil {
		return err
	}
	w.and("1", "sample", uint64(max(q.Sample, 1)))
	sql := "SELECT " + predictionTable.selectList("") + " FROM predictions FINAL WHERE " + w.String() +
		" ORDER BY cityHash64(stop_id, kind, horizon_minutes), prediction_id LIMIT {sample:UInt64}"
	return query(ctx, db, predictionTable, statement{sql: sql, args: w.args}, visit)
}
