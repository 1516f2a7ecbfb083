package warehouse

import (
	"context"
	"fmt"

	driver "github.com/ClickHouse/clickhouse-go/v2"

	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

// DayPlan reads the planned events of a station on a German day, by planned time,
// each as it was first known.
func (db *DB) DayPlan(ctx context.Context, source string, eva int64, day rail.Day) ([]rail.PlannedEvent, error) {
	var w where
	w.and("source = {source:String}", "source", source)
	w.and("eva = {eva:Int64}", "eva", eva)
	w.and("event_day = {day:Date}", "day", string(day))
	rows, err := collect(ctx, db, planTable, statement{
		sql: "SELECT * FROM (SELECT " + planTable.selectList("") + " FROM stop_plan WHERE " + w.String() +
			" ORDER BY polled_at, seq LIMIT 1 BY stop_id, kind) ORDER BY planned, stop_id, kind",
		args: w.args,
	})
	if err != nil {
		return nil, fmt.Errorf("plan of station %d on %s: %w", eva, day, err)
	}
	events := make([]rail.PlannedEvent, len(rows))
	for i := range rows {
		events[i] = rows[i].planned()
	}
	return events, nil
}

// ForecastsOf reads every forecast of an event, whoever wanted it, as they were made.
func (db *DB) ForecastsOf(ctx context.Context, source string, event rail.PlannedEvent) ([]schema.Prediction, error) {
	return collect(ctx, db, predictionTable, statement{
		sql: "SELECT " + predictionTable.selectList("") + " FROM predictions FINAL WHERE data_source = {source:String} AND event_day = {day:Date}" +
			" AND stop_id = {stop:String} AND kind = {kind:String} ORDER BY predicted_at, version, prediction_id LIMIT 1 BY prediction_id",
		args: []any{driver.Named("source", source), driver.Named("day", string(rail.DayOf(event.Planned))),
			driver.Named("stop", string(event.Stop)), driver.Named("kind", string(event.Kind))},
	})
}
