package warehouse

import (
	"context"
	"fmt"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"

	schema "puenktlich/schemas/clickhouse"
)

// stationHealth sums each station's polls for changes. A gap is a pause longer
// than the source remembers; an fchg that is answered at its end or later heals
// it. The pause that is not over yet is one too, and so is all that was polled
// while no fchg was ever answered. %s is the condition on the polls.
const stationHealth = `
SELECT eva, last_ok,
    length(arrayFilter(t -> t > last_ok, vain)) AS failures,
    asked, answered,
    multiIf({forgets:Int64} = 0, toDateTime64(0, 3, 'UTC'), healed = toDateTime64(0, 3, 'UTC'), first_asked,
        empty(gaps), toDateTime64(0, 3, 'UTC'), arrayMin(gaps)) AS gap_since,
    if(failures > 0, vain_error, '') AS last_error
FROM
(
    SELECT eva, last_ok, vain, vain_error, asked, answered, healed, first_asked,
        arrayPushBack(arrayPopFront(oks), now) AS ends,
        arrayMap(p -> p.1, arrayFilter(p -> dateDiff('millisecond', p.1, p.2) > {forgets:Int64} AND p.2 > healed, arrayZip(oks, ends))) AS gaps
    FROM
    (
        SELECT eva, ` + nowMilliseconds + ` AS now,
            min(polled_at) AS first_asked,
            maxIf(polled_at, status = 'ok') AS last_ok,
            maxIf(polled_at, status = 'ok' AND kind = 'fchg') AS healed,
            groupArrayIf(polled_at, status != 'ok') AS vain,
            argMaxIf(error, polled_at, status != 'ok') AS vain_error,
            arraySort(groupArrayIf(polled_at, status = 'ok')) AS oks,
            countIf(polled_at >= now - INTERVAL 1 HOUR) AS asked,
            countIf(status = 'ok' AND polled_at >= now - INTERVAL 1 HOUR) AS answered
        FROM poll FINAL
        WHERE kind IN ('rchg', 'fchg') AND %s
        GROUP BY eva
    )
)
ORDER BY eva`

const nowMilliseconds = "fromUnixTimestamp64Milli({now:Int64}, 'UTC')"

// StationHealth answers for every station with a poll for changes, by station.
func (db *DB) StationHealth(ctx context.Context, q schema.HealthQuery) ([]schema.StationHealth, error) {
	// A poll's time is rounded up to the second.
	w, err := pollWhere(schema.PollQuery{Source: q.Source, From: q.Now.Add(-q.Reach), Until: q.Now.Add(time.Second)})
	if err != nil {
		return nil, err
	}
	if q.Group != "" {
		w.and("station_group = {group:String}", "group", q.Group)
	}
	args := append(w.args, driver.Named("now", q.Now.UnixMilli()), driver.Named("forgets", q.Forgets.Milliseconds()))
	rows, err := db.conn.Query(ctx, fmt.Sprintf(stationHealth, w.String()), args...)
	if err != nil {
		return nil, classify("station health", err)
	}
	defer func() { _ = rows.Close() }()
	var all []schema.StationHealth
	for rows.Next() {
		h, err := scanHealth(rows.Scan)
		if err != nil {
			return nil, err
		}
		all = append(all, h)
	}
	return all, classify("station health", rows.Err())
}

func scanHealth(scan func(...any) error) (schema.StationHealth, error) {
	var h schema.StationHealth
	var failures, asked, answered uint64
	var lastOK, gap time.Time
	if err := scan(&h.EVA, &lastOK, &failures, &asked, &answered, &gap, &h.Error); err != nil {
		return h, classify("station health", err)
	}
	h.LastOK, h.GapSince = known(lastOK), known(gap)
	h.Failures, h.Asked, h.Answered = int(failures), int(asked), int(answered)
	return h, nil
}

var unknownTable = table[schema.Unknown]{name: "unknown_attribute", columns: []column[schema.Unknown]{
	field("source", func(r *schema.Unknown) *string { return &r.Source }),
	field("station_group", func(r *schema.Unknown) *string { return &r.Group }),
	field("element", func(r *schema.Unknown) *string { return &r.Element }),
	field("name", func(r *schema.Unknown) *string { return &r.Name }),
	instant("polled_at", func(r *schema.Unknown) *time.Time { return &r.PolledAt }),
	field("eva", func(r *schema.Unknown) *int64 { return &r.EVA }),
	field("count", func(r *schema.Unknown) *uint64 { return &r.Count }),
	field("example", func(r *schema.Unknown) *string { return &r.Example }),
	field("file", func(r *schema.Unknown) *string { return &r.File }),
	field("raw_key", func(r *schema.Unknown) *string { return &r.RawKey }),
}}

// InsertUnknown writes what the published schema does not have.
func (db *DB) InsertUnknown(ctx context.Context, token string, unknown []schema.Unknown) error {
	return insert(ctx, db, unknownTable, token, unknown)
}

// UnknownNames sums what the published schema does not have, the name seen first
// most lately before the others.
func (db *DB) UnknownNames(ctx context.Context, source string) ([]schema.UnknownName, error) {
	rows, err := db.conn.Query(ctx, "SELECT element, name, sum(count), min(polled_at) AS first_seen, max(polled_at),"+
		" argMin(example, polled_at), argMin(file, polled_at), argMin(raw_key, polled_at)"+
		" FROM unknown_attribute FINAL WHERE source = {source:String} GROUP BY element, name ORDER BY first_seen DESC, element, name",
		driver.Named("source", source))
	if err != nil {
		return nil, classify("unknown names", err)
	}
	defer func() { _ = rows.Close() }()
	var all []schema.UnknownName
	for rows.Next() {
		var u schema.UnknownName
		if err := rows.Scan(&u.Element, &u.Name, &u.Count, &u.FirstSeen, &u.LastSeen, &u.Example, &u.File, &u.RawKey); err != nil {
			return nil, classify("unknown names", err)
		}
		u.FirstSeen, u.LastSeen = u.FirstSeen.UTC(), u.LastSeen.UTC()
		all = append(all, u)
	}
	return all, classify("unknown names", rows.Err())
}
