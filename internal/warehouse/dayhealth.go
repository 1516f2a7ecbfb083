package warehouse

import (
	"context"
	"fmt"
	"time"

	schema "puenktlich/schemas/clickhouse"
)

// usualGap is the median of the hours' longest gaps in a week, doubled: a source
// polled every 15 minutes is not broken all day.
const usualGap = `
WITH (SELECT toUInt32(greatest(300, 2 * quantileExact(0.5)(longest_gap_seconds))) FROM coverage FINAL
    WHERE source = {source:String} AND hour >= ` + weekBefore + ` AND hour < ` + dayEnd + ` AND polls > 0) AS usual
SELECT uniqExact(eva), countIf(hour >= ` + dayStart + ` AND polls > 0), countIf(hour >= ` + dayStart + ` AND polls > 0 AND longest_gap_seconds <= usual), ifNull(any(usual), 0)
FROM coverage FINAL
WHERE source = {source:String} AND hour >= ` + weekBefore + ` AND hour < ` + dayEnd

const (
	dayStart   = "toDateTime({from:Int64}, 'UTC')"
	dayEnd     = "toDateTime({until:Int64}, 'UTC')"
	weekBefore = "toDateTime({week:Int64}, 'UTC')"
)

const pollHealth = `
SELECT countIf(status = 'ok'), countIf(status = 'failed'), sum(quarantined)
FROM poll FINAL
WHERE source = {source:String} AND polled_at >= ` + dayStart + ` AND polled_at < ` + dayEnd

const namesHealth = `
SELECT uniqExact(element, name)
FROM unknown_attribute FINAL
WHERE source = {source:String} AND polled_at >= ` + dayStart + ` AND polled_at < ` + dayEnd

const observedHealth = `
SELECT max(polled_at)
FROM stop_change
WHERE source = {source:String} AND polled_at <= fromUnixTimestamp64Milli({as_of:Int64}, 'UTC') AND polled_at >= fromUnixTimestamp64Milli({as_of:Int64}, 'UTC') - INTERVAL 2 DAY`

const plannedHealth = `
SELECT uniqExact(stop_id, kind) FROM stop_plan WHERE source = {source:String} AND event_day = {day:Date}`

const settledHealth = `
SELECT count(), countIf(why = 'change_observed')
FROM (SELECT argMax(toString(evidence), version) AS why FROM ground_truth
    WHERE source = {source:String} AND event_day = {day:Date} AND settled_at <= fromUnixTimestamp64Milli({as_of:Int64}, 'UTC') GROUP BY stop_id, kind)`

// DayHealth answers how the collection of a day went.
func (db *DB) DayHealth(ctx context.Context, q schema.DayHealthQuery) (schema.DayHealth, error) {
	var h schema.DayHealth
	if q.Source == "" || q.Day == "" || q.Start.IsZero() || q.End.IsZero() || q.AsOf.IsZero() {
		return h, fmt.Errorf("day health: all fields are required, got %+v", q)
	}
	args := []any{named("source", q.Source), named("day", q.Day), named("from", q.Start.Unix()), named("until", q.End.Unix()),
		named("week", q.End.Add(-7*24*time.Hour).Unix()), named("as_of", q.AsOf.UnixMilli())}
	var last time.Time
	for _, part := range []struct {
		sql  string
		into []any
	}{
		{usualGap, []any{&h.Stations, &h.StationHours, &h.Unbroken, &h.UsualSeconds}},
		{pollHealth, []any{&h.Responses, &h.Failures, &h.Quarantined}},
		{namesHealth, []any{&h.UnknownNames}},
		{observedHealth, []any{&last}},
		{plannedHealth, []any{&h.Planned}},
		{settledHealth, []any{&h.Settled, &h.Observed}},
	} {
		if err := db.conn.QueryRow(ctx, part.sql, args...).Scan(part.into...); err != nil {
			return h, classify("day health", err)
		}
	}
	h.LastObserved = known(last)
	return h, nil
}
