package warehouse

import (
	"context"
	"fmt"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"

	schema "puenktlich/schemas/clickhouse"
)

// Days answers which days of a source have planned and which have settled
// events.
func (db *DB) Days(ctx context.Context, source string) (schema.DaySpan, error) {
	var span schema.DaySpan
	var err error
	if span.FirstPlanned, span.LastPlanned, err = db.daysOf(ctx, "stop_plan", source); err != nil {
		return span, err
	}
	span.FirstSettled, span.LastSettled, err = db.daysOf(ctx, "ground_truth", source)
	return span, err
}

func (db *DB) daysOf(ctx context.Context, table, source string) (first, last string, err error) {
	var rows uint64
	var from, to time.Time
	query := fmt.Sprintf("SELECT count(), min(event_day), max(event_day) FROM %s WHERE source = {source:String}", table)
	if err := db.conn.QueryRow(ctx, query, driver.Named("source", source)).Scan(&rows, &from, &to); err != nil {
		return "", "", classify("read days of "+table, err)
	}
	if rows == 0 {
		return "", "", nil
	}
	return from.Format(time.DateOnly), to.Format(time.DateOnly), nil
}
