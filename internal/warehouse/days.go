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
	planned, err := db.daysOf(ctx, "stop_plan", source)
	if err != nil {
		return schema.DaySpan{}, err
	}
	settled, err := db.daysOf(ctx, "ground_truth", source)
	span := schema.DaySpan{Settled: settled}
	span.FirstPlanned, span.LastPlanned = ends(planned)
	span.FirstSettled, span.LastSettled = ends(settled)
	return span, err
}

func ends(days []string) (first, last string) {
	if len(days) == 0 {
		return "", ""
	}
	return days[0], days[len(days)-1]
}

func (db *DB) daysOf(ctx context.Context, table, source string) ([]string, error) {
	query := fmt.Sprintf("SELECT DISTINCT event_day FROM %s WHERE source = {source:String} ORDER BY event_day", table)
	rows, err := db.conn.Query(ctx, query, driver.Named("source", source))
	if err != nil {
		return nil, classify("read days of "+table, err)
	}
	defer rows.Close()
	var days []string
	for rows.Next() {
		var day time.Time
		if err := rows.Scan(&day); err != nil {
			return nil, classify("read days of "+table, err)
		}
		days = append(days, day.Format(time.DateOnly))
	}
	return days, classify("read days of "+table, rows.Err())
}
