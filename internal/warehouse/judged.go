package warehouse

import (
	"context"
	"fmt"
	"strings"
	"time"

	schema "puenktlich/schemas/clickhouse"
)

// judgedTable is what a forecast is judged by, read from predictions.
var judgedTable = table[schema.Judged]{name: "predictions", columns: []column[schema.Judged]{
	field("prediction_id", func(r *schema.Judged) *string { return &r.PredictionID }),
	field("version", func(r *schema.Judged) *uint32 { return &r.Version }),
	field("digest", func(r *schema.Judged) *string { return &r.Digest }),
	text("role", func(r *schema.Judged) *schema.Role { return &r.Role }),
	field("eva", func(r *schema.Judged) *int64 { return &r.EVA }),
	field("stop_id", func(r *schema.Judged) *string { return &r.StopID }),
	field("kind", func(r *schema.Judged) *string { return &r.Kind }),
	day("event_day", func(r *schema.Judged) *string { return &r.EventDay }),
	instant("planned", func(r *schema.Judged) *time.Time { return &r.Planned }),
	instant("predicted_at", func(r *schema.Judged) *time.Time { return &r.PredictedAt }),
	field("horizon_minutes", func(r *schema.Judged) *int32 { return &r.HorizonMinutes }),
	numbers("cumulative", func(r *schema.Judged) *[]float64 { return &r.Cumulative }),
	field("p_on_time", func(r *schema.Judged) *float64 { return &r.POnTime }),
	field("p_cancelled", func(r *schema.Judged) *float64 { return &r.PCancelled }),
	field("p_baseline", func(r *schema.Judged) *float64 { return &r.PBaseline }),
}}

// Judged visits forecasts with what became of their events and what the plan
// says of them, ordered by event day, stop id, kind, horizon, version and role;
// each forecast, each event's newest truth and each plan row is read once. Of
// the panel it visits one forecast for each event, horizon, version and role, the
// first that was made. The visited value is overwritten by the next; its slices
// are not.
func (db *DB) Judged(ctx context.Context, q schema.JudgedQuery, visit func(*schema.Judged) error) error {
	if q.Model == "" || q.DataSource == "" || q.Source == "" || q.From == "" || q.Until == "" || q.AsOf.IsZero() {
		return fmt.Errorf("judged forecasts: model, source, data source, from, until and as of are required, got %+v", q)
	}
	var row outcomeRow
	var own float32
	var category, neighbour string
	var settled time.Time
	more := append(row.destinations(), &settled, &category, &neighbour, &own)
	return query(ctx, db, judgedTable, judgedStatement(q), func(j *schema.Judged) error {
		j.Model, j.Source, j.DataSource = q.Model, q.Source, q.DataSource
		j.Outcome, j.Category, j.Neighbour, j.OwnDelay, j.SettledAt = row.value(), category, neighbour, own, known(settled)
		return visit(j)
	}, more...)
}

func judgedStatement(q schema.JudgedQuery) statement {
	forecasts := predictionWhere(schema.PredictionQuery{Model: q.Model, Source: q.Source, DataSource: q.DataSource, From: q.From, Until: q.Until, PredictedUntil: q.AsOf})
	truth := truthWhere(schema.TruthQuery{Source: q.DataSource, From: q.From, Until: q.Until, SettledUntil: q.AsOf})
	forecasts.args = append(forecasts.args, truth.args...)
	own := "toFloat32(nan)"
	if q.OwnDelayAt > 0 {
		forecasts.args = append(forecasts.args, named("own_delay_at", int64(q.OwnDelayAt)))
		own = "if(length(features) >= {own_delay_at:Int64}, features[{own_delay_at:Int64}], toFloat32(nan))"
	}
	once := "prediction_id"
	if q.Source == schema.FromPanel {
		once = "event_day, stop_id, kind, horizon_minutes, version, role"
	}
	const order = "event_day, stop_id, kind, horizon_minutes, version, role, predicted_at, prediction_id"
	sql := "SELECT " + judgedTable.selectList("p.") + ", t.v, t.a, t.d, t.c, t.e, t.s, e.n, e.b, p.own" +
		" FROM (SELECT " + judgedTable.names() + ", " + own + " AS own FROM predictions FINAL WHERE " + forecasts.String() +
		" ORDER BY " + order + " LIMIT 1 BY " + once + ") AS p" +
		" LEFT JOIN (SELECT stop_id, kind, max(version) AS v, argMax(actual, version) AS a, argMax(delay_minutes, version) AS d," +
		" argMax(cancelled, version) AS c, argMax(toString(evidence), version) AS e, min(settled_at) AS s" +
		" FROM ground_truth WHERE " + truth.String() + " GROUP BY stop_id, kind) AS t" +
		" ON p.stop_id = t.stop_id AND p.kind = t.kind" +
		" LEFT JOIN (SELECT stop_id, kind, toString(any(category)) AS n," +
		" any(splitByChar('|', path)[if(kind = 'arrival', -1, 1)]) AS b FROM stop_plan WHERE source = {source:String}" +
		" AND event_day >= {from_day:Date} AND event_day < {until_day:Date} GROUP BY stop_id, kind) AS e" +
		" ON p.stop_id = e.stop_id AND p.kind = e.kind" +
		" ORDER BY p." + strings.ReplaceAll(order, ", ", ", p.") + " SETTINGS join_use_nulls = 0"
	return statement{sql: sql, args: forecasts.args}
}

var estimateTable = table[schema.Estimate]{name: "estimates", columns: []column[schema.Estimate]{
	field("model", func(r *schema.Estimate) *string { return &r.Model }),
	field("version", func(r *schema.Estimate) *uint32 { return &r.Version }),
	field("digest", func(r *schema.Estimate) *string { return &r.Digest }),
	text("role", func(r *schema.Estimate) *schema.Role { return &r.Role }),
	text("source", func(r *schema.Estimate) *schema.PredictionSource { return &r.Source }),
	field("data_source", func(r *schema.Estimate) *string { return &r.DataSource }),
	day("day", func(r *schema.Estimate) *string { return &r.Day }),
	field("horizon_minutes", func(r *schema.Estimate) *int32 { return &r.HorizonMinutes }),
	field("metric", func(r *schema.Estimate) *string { return &r.Metric }),
	field("estimate", func(r *schema.Estimate) *float64 { return &r.Estimate }),
	field("forecasts", func(r *schema.Estimate) *uint64 { return &r.Forecasts }),
	instant("made_at", func(r *schema.Estimate) *time.Time { return &r.MadeAt }),
	field("expected", func(r *schema.Estimate) *float64 { return &r.Expected }),
	field("realized", func(r *schema.Estimate) *float64 { return &r.Realized }),
	field("graded", func(r *schema.Estimate) *uint64 { return &r.Graded }),
	optional("graded_at", func(r *schema.Estimate) *time.Time { return &r.GradedAt }),
}}

// SaveEstimates writes estimates; one that is graded supersedes itself.
func (db *DB) SaveEstimates(ctx context.Context, token string, estimates []schema.Estimate) error {
	return insert(ctx, db, estimateTable, token, estimates)
}

// Estimates reads the estimates of a model made up to AsOf for the query's days,
// ordered by day, horizon, metric, version and the moment they were made. Grades
// given after AsOf are read with them.
func (db *DB) Estimates(ctx context.Context, q schema.MonitorQuery) ([]schema.Estimate, error) {
	w, err := monitorWhere(q, "made_at")
	if err != nil {
		return nil, err
	}
	w.and("day >= {from_day:Date}", "from_day", q.From)
	w.and("day < {until_day:Date}", "until_day", q.Until)
	return collect(ctx, db, estimateTable, statement{
		sql: "SELECT " + estimateTable.selectList("") + " FROM estimates FINAL WHERE " + w.String() +
			" ORDER BY day, horizon_minutes, metric, version, role, source, data_source, digest, made_at",
		args: w.args,
	})
}

// TruthMarks answers for each day with truth settled by asOf when its newest
// revision was settled, days ascending.
func (db *DB) TruthMarks(ctx context.Context, q schema.TruthQuery) ([]schema.TruthMark, error) {
	w := truthWhere(q)
	rows, err := db.conn.Query(ctx, "SELECT toString(event_day) AS day, max(settled_at), uniqExact(stop_id, kind) FROM ground_truth WHERE "+w.String()+" GROUP BY event_day ORDER BY event_day", w.args...)
	if err != nil {
		return nil, classify("truth marks", err)
	}
	defer func() { _ = rows.Close() }()
	var all []schema.TruthMark
	for rows.Next() {
		var m schema.TruthMark
		if err := rows.Scan(&m.Day, &m.Settled, &m.Events); err != nil {
			return nil, classify("truth marks", err)
		}
		m.Settled = m.Settled.UTC()
		all = append(all, m)
	}
	return all, classify("truth marks", rows.Err())
}
