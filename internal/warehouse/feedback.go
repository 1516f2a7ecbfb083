package warehouse

import (
	"context"
	"fmt"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"

	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

var feedbackTable = table[schema.Feedback]{name: "feedback", columns: []column[schema.Feedback]{
	field("feedback_id", func(r *schema.Feedback) *string { return &r.FeedbackID }),
	field("prediction_id", func(r *schema.Feedback) *string { return &r.PredictionID }),
	text("kind", func(r *schema.Feedback) *schema.FeedbackKind { return &r.Kind }),
	field("delay_minutes", func(r *schema.Feedback) *int32 { return &r.DelayMinutes }),
	flag("cancelled", func(r *schema.Feedback) *bool { return &r.Cancelled }),
	field("comment", func(r *schema.Feedback) *string { return &r.Comment }),
	field("instance", func(r *schema.Feedback) *string { return &r.Instance }),
	instant("given_at", func(r *schema.Feedback) *time.Time { return &r.GivenAt }),
}}

// SaveFeedback writes what was said once under its id.
func (db *DB) SaveFeedback(ctx context.Context, f schema.Feedback) error {
	return insert(ctx, db, feedbackTable, "feedback/"+f.PredictionID+"/"+f.FeedbackID, []schema.Feedback{f})
}

// maxFeedback bounds what is read of one prediction.
const maxFeedback = 100

// FeedbackOn reads what was said of a prediction, newest first, at most 100.
func (db *DB) FeedbackOn(ctx context.Context, predictionID string) ([]schema.Feedback, error) {
	return collect(ctx, db, feedbackTable, statement{
		sql: "SELECT " + feedbackTable.selectList("") + " FROM feedback FINAL WHERE prediction_id = {id:String}" +
			fmt.Sprintf(" ORDER BY given_at DESC, feedback_id LIMIT %d", maxFeedback),
		args: []any{driver.Named("id", predictionID)},
	})
}

// TruthOf is what became of the event of a forecast, in its latest revision. An
// event that did not settle is an Outcome that says so.
func (db *DB) TruthOf(ctx context.Context, p schema.Prediction) (schema.Outcome, error) {
	w := truthWhere(schema.TruthQuery{Source: p.DataSource, From: p.EventDay, Until: string(rail.Day(p.EventDay).Add(1))})
	w.and("stop_id = {stop:String}", "stop", p.StopID)
	w.and("kind = {kind:String}", "kind", p.Kind)
	found, err := collect(ctx, db, truthTable, statement{sql: latestTruth(truthTable.selectList(""), w), args: w.args})
	if err != nil || len(found) == 0 {
		return schema.Outcome{}, err
	}
	t := found[0].truth
	return schema.Outcome{Settled: true, Actual: t.Actual, DelayMinutes: int32(t.DelayMinutes()), Cancelled: t.Cancelled, Evidence: string(t.Evidence)}, nil
}

// Reliability counts, by the tenth that the champion of the moment called, how
// many events were on time. Of an event forecast twice the first counts.
func (db *DB) Reliability(ctx context.Context, q schema.ReliabilityQuery) ([]schema.ReliabilityBin, error) {
	forecasts := predictionWhere(schema.PredictionQuery{Model: q.Model, Source: schema.FromPanel, DataSource: q.DataSource, From: q.From, Until: q.Until})
	forecasts.and("horizon_minutes = {horizon:Int32}", "horizon", q.HorizonMinutes)
	forecasts.and("role != {shadow:String}", "shadow", string(schema.RoleShadow))
	truth := truthWhere(schema.TruthQuery{Source: q.DataSource, From: q.From, Until: q.Until})
	sql := "SELECT toUInt8(floor(p_on_time * 10 + 0.5)) AS tenth, count(), toUInt32(uniqExact(event_day)), toString(min(event_day)), toString(max(event_day)), avg(p_on_time), countIf(t.delay_minutes < {late:Int32})" +
		" FROM (SELECT stop_id, kind, event_day, p_on_time FROM predictions FINAL WHERE " + forecasts.String() +
		" ORDER BY predicted_at, prediction_id LIMIT 1 BY stop_id, kind) AS p" +
		" INNER JOIN (" + latestTruth("stop_id, kind, delay_minutes, cancelled, toString(evidence) AS evidence", truth) + ") AS t" +
		" ON p.stop_id = t.stop_id AND p.kind = t.kind" +
		" WHERE t.cancelled = 0 AND t.evidence = {observed:String} GROUP BY tenth ORDER BY tenth"
	args := append(append(forecasts.args, truth.args...), driver.Named("late", int32(rail.LateMinutes)), driver.Named("observed", string(rail.ChangeObserved)))
	rows, err := db.conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, classify("reliability", err)
	}
	defer func() { _ = rows.Close() }()
	var bins []schema.ReliabilityBin
	for rows.Next() {
		var b schema.ReliabilityBin
		if err := rows.Scan(&b.Tenth, &b.Events, &b.Days, &b.First, &b.Last, &b.MeanForecast, &b.OnTime); err != nil {
			return nil, classify("reliability", err)
		}
		bins = append(bins, b)
	}
	return bins, classify("reliability", rows.Err())
}
