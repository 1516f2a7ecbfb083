package warehouse

import (
	"context"
	"fmt"
	"strings"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"

	schema "puenktlich/schemas/clickhouse"
)

var predictionTable = table[schema.Prediction]{name: "predictions", columns: []column[schema.Prediction]{
	field("request_id", func(r *schema.Prediction) *string { return &r.RequestID }),
	field("prediction_id", func(r *schema.Prediction) *string { return &r.PredictionID }),
	text("source", func(r *schema.Prediction) *schema.PredictionSource { return &r.Source }),
	field("data_source", func(r *schema.Prediction) *string { return &r.DataSource }),
	field("station_group", func(r *schema.Prediction) *string { return &r.Group }),
	field("model", func(r *schema.Prediction) *string { return &r.Model }),
	field("version", func(r *schema.Prediction) *uint32 { return &r.Version }),
	field("digest", func(r *schema.Prediction) *string { return &r.Digest }),
	text("role", func(r *schema.Prediction) *schema.Role { return &r.Role }),
	field("instance", func(r *schema.Prediction) *string { return &r.Instance }),
	field("eva", func(r *schema.Prediction) *int64 { return &r.EVA }),
	field("stop_id", func(r *schema.Prediction) *string { return &r.StopID }),
	field("kind", func(r *schema.Prediction) *string { return &r.Kind }),
	day("event_day", func(r *schema.Prediction) *string { return &r.EventDay }),
	instant("planned", func(r *schema.Prediction) *time.Time { return &r.Planned }),
	instant("predicted_at", func(r *schema.Prediction) *time.Time { return &r.PredictedAt }),
	field("horizon_minutes", func(r *schema.Prediction) *int32 { return &r.HorizonMinutes }),
	field("last_seq", func(r *schema.Prediction) *uint64 { return &r.LastSeq }),
	numbers(featuresColumn, func(r *schema.Prediction) *[]float32 { return &r.Features }),
	numbers("cumulative", func(r *schema.Prediction) *[]float64 { return &r.Cumulative }),
	field("p_on_time", func(r *schema.Prediction) *float64 { return &r.POnTime }),
	field("p_cancelled", func(r *schema.Prediction) *float64 { return &r.PCancelled }),
	field("p_baseline", func(r *schema.Prediction) *float64 { return &r.PBaseline }),
	field("latency_us", func(r *schema.Prediction) *uint32 { return &r.LatencyMicros }),
}}

const featuresColumn = "features"

// leanPredictions is predictionTable without the feature values.
var leanPredictions = func() table[schema.Prediction] {
	lean := table[schema.Prediction]{name: predictionTable.name}
	for _, c := range predictionTable.columns {
		if c.name != featuresColumn {
			lean.columns = append(lean.columns, c)
		}
	}
	return lean
}()

// InsertPredictions writes forecasts. One sent twice, even under two tokens,
// counts once.
func (db *DB) InsertPredictions(ctx context.Context, token string, predictions []schema.Prediction) error {
	return insert(ctx, db, predictionTable, token, predictions)
}

// InsertPredictionRows writes n forecasts, each a schema.PredictionRow in bytes, one
// after the other. Over HTTP they are sent as they are, for a fifth of the processor
// time; the native protocol takes columns alone, so there they are read and written
// anew. Sent twice, even under two tokens, they count once.
func (db *DB) InsertPredictionRows(ctx context.Context, token string, rows []byte, n int) error {
	operation := fmt.Sprintf("insert %d rows into predictions (token %q)", n, token)
	if token == "" {
		return fmt.Errorf("%s: a deduplication token is required: an insert may be sent twice", operation)
	}
	if n == 0 {
		return nil
	}
	if db.config.Protocol != driver.HTTP {
		predictions, err := schema.ReadPredictions(rows, n)
		if err != nil {
			return fmt.Errorf("%s: %w", operation, err)
		}
		return db.InsertPredictions(ctx, token, predictions)
	}
	insert := "INSERT INTO predictions (" + strings.Join(schema.PredictionColumns, ", ") + ") FORMAT RowBinary\n"
	var statement strings.Builder // some ten megabytes, copied once
	statement.Grow(len(insert) + len(rows))
	_, _ = statement.WriteString(insert)
	_, _ = statement.Write(rows)
	return classify(operation, db.conn.Exec(once(ctx, token), statement.String()))
}

// PredictionByID finds one forecast, ErrNotFound where there is none.
func (db *DB) PredictionByID(ctx context.Context, id string) (schema.Prediction, error) {
	found, err := db.predictionsBy(ctx, "prediction_id", id)
	if err != nil {
		return schema.Prediction{}, err
	}
	if len(found) == 0 {
		return schema.Prediction{}, fmt.Errorf("prediction %q: %w", id, ErrNotFound)
	}
	return found[0], nil
}

// PredictionsByRequest are the forecasts of one request, ordered by planned
// time; none is no error.
func (db *DB) PredictionsByRequest(ctx context.Context, requestID string) ([]schema.Prediction, error) {
	return db.predictionsBy(ctx, "request_id", requestID)
}

func (db *DB) predictionsBy(ctx context.Context, column, id string) ([]schema.Prediction, error) {
	return collect(ctx, db, predictionTable, statement{
		sql: "SELECT " + predictionTable.selectList("") + " FROM predictions WHERE " + column + " = {id:String}" +
			" ORDER BY planned, prediction_id LIMIT 1 BY prediction_id",
		args: []any{driver.Named("id", id)},
	})
}

// outcomeRow is what truth adds to a forecast. found is 0 without truth.
type outcomeRow struct {
	found     uint64
	cancelled uint8
	outcome   schema.Outcome
}

func (o *outcomeRow) destinations() []any {
	return []any{&o.found, &o.outcome.Actual, &o.outcome.DelayMinutes, &o.cancelled, &o.outcome.Evidence}
}

func (o *outcomeRow) value() schema.Outcome {
	if o.found == 0 {
		return schema.Outcome{}
	}
	out := o.outcome
	out.Settled, out.Cancelled, out.Actual = true, o.cancelled != 0, out.Actual.UTC()
	return out
}

// PredictionsWithTruth visits forecasts with what became of their events,
// ordered by event day, stop id, kind, horizon, version. Of the panel it
// visits one forecast for each event, horizon, version and role, the first
// that was made.
func (db *DB) PredictionsWithTruth(ctx context.Context, q schema.PredictionQuery, visit func(schema.Prediction, schema.Outcome) error) error {
	if q.Model == "" || q.DataSource == "" || q.Source == "" || q.From == "" || q.Until == "" {
		return fmt.Errorf("predictions with truth: model, source, data source, from and until are required, got %+v", q)
	}
	table := leanPredictions
	if q.WithFeatures {
		table = predictionTable
	}
	var found outcomeRow
	return query(ctx, db, table, joinTruth(table, q), func(r *schema.Prediction) error {
		return visit(*r, found.value())
	}, found.destinations()...)
}

func joinTruth(t table[schema.Prediction], q schema.PredictionQuery) statement {
	forecasts, truth := predictionWhere(q), truthWhere(schema.TruthQuery{
		Source: q.DataSource, From: q.From, Until: q.Until, SettledUntil: q.SettledUntil,
	})
	once := "prediction_id"
	if q.Source == schema.FromPanel {
		once = "event_day, stop_id, kind, horizon_minutes, version, role"
	}
	const order = "event_day, stop_id, kind, horizon_minutes, version, role, predicted_at, prediction_id"
	columns := t.names()
	sql := "SELECT " + t.selectList("p.") + ", t.version, t.actual, t.delay_minutes, t.cancelled, t.evidence" +
		" FROM (SELECT " + columns + " FROM predictions FINAL WHERE " + forecasts.String() +
		" ORDER BY " + order + " LIMIT 1 BY " + once + ") AS p" +
		" LEFT JOIN (" + latestTruth("stop_id, kind, version, actual, delay_minutes, cancelled, toString(evidence) AS evidence", truth) + ") AS t" +
		" ON p.stop_id = t.stop_id AND p.kind = t.kind" +
		" ORDER BY p." + strings.ReplaceAll(order, ", ", ", p.") +
		" SETTINGS join_use_nulls = 0"
	return statement{sql: sql, args: append(forecasts.args, truth.args...)}
}

func predictionWhere(q schema.PredictionQuery) where {
	var w where
	w.and("stop_id != {none:String}", "none", "") // a vector that someone brought has no event, hence no truth
	w.and("model = {model:String}", "model", q.Model)
	w.and("source = {wanted_by:String}", "wanted_by", string(q.Source))
	w.and("data_source = {source:String}", "source", q.DataSource)
	w.and("event_day >= {from_day:Date}", "from_day", q.From)
	w.and("event_day < {until_day:Date}", "until_day", q.Until)
	w.until("predicted_at", "predicted_until", q.PredictedUntil)
	return w
}
