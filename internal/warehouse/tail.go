package warehouse

import (
	"context"
	"fmt"

	driver "github.com/ClickHouse/clickhouse-go/v2"

	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

// ChangesSince reads the next observations of a station group in the order of
// seq. A row written twice is read once.
func (db *DB) ChangesSince(ctx context.Context, q schema.TailQuery) ([]rail.Change, error) {
	stmt, err := tail(changeTable.name, changeTable.selectList(""), q)
	if err != nil {
		return nil, err
	}
	var changes []rail.Change
	err = query(ctx, db, changeTable, stmt, func(r *changeRow) error {
		change, err := r.observed()
		changes = append(changes, change)
		return err
	})
	return changes, err
}

// PlanSince reads the next planned events of a station group in the order of
// seq, and the seq of each. A stop in two plan files is read twice.
func (db *DB) PlanSince(ctx context.Context, q schema.TailQuery) ([]rail.PlannedEvent, []uint64, error) {
	stmt, err := tail(planTable.name, planTable.selectList(""), q)
	if err != nil {
		return nil, nil, err
	}
	var events []rail.PlannedEvent
	var seqs []uint64
	err = query(ctx, db, planTable, stmt, func(r *planRow) error {
		events, seqs = append(events, r.planned()), append(seqs, r.seq)
		return nil
	})
	return events, seqs, err
}

// tail leaves FINAL out: the index on seq then leaves all older rows unread.
func tail(table, columns string, q schema.TailQuery) (statement, error) {
	if q.Source == "" || q.Group == "" || q.Limit <= 0 {
		return statement{}, fmt.Errorf("read %s: source, group and a limit above 0 are required, got %+v", table, q)
	}
	var w where
	w.and("source = {source:String}", "source", q.Source)
	w.and("station_group = {group:String}", "group", q.Group)
	w.and("seq > {after:UInt64}", "after", q.AfterSeq)
	if q.FromServiceDay != "" {
		w.and("service_day >= {from_day:Date}", "from_day", q.FromServiceDay)
	}
	w.args = append(w.args, driver.Named("limit", uint64(q.Limit)))
	return statement{
		sql: "SELECT " + columns + " FROM " + table + " WHERE " + w.String() +
			" ORDER BY seq, eva, stop_id, kind LIMIT 1 BY seq, eva, stop_id, kind LIMIT {limit:UInt64}",
		args: w.args,
	}, nil
}

// LastSeq is the highest seq a station group was given, over plan and changes;
// 0 = none yet.
func (db *DB) LastSeq(ctx context.Context, source, group string) (uint64, error) {
	var w where
	w.and("source = {source:String}", "source", source)
	w.and("station_group = {group:String}", "group", group)
	sql := "SELECT max(seq) FROM (SELECT max(seq) AS seq FROM stop_plan WHERE " + w.String() +
		" UNION ALL SELECT max(seq) AS seq FROM stop_change WHERE " + w.String() + ")"
	var last uint64
	err := db.conn.QueryRow(ctx, sql, w.args...).Scan(&last)
	return last, classify("last seq of "+source+"/"+group, err)
}
