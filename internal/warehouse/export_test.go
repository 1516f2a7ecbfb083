package warehouse

import (
	"context"

	schema "puenktlich/schemas/clickhouse"
)

// RowCount is the number of stored rows, superseded ones included.
func (db *DB) RowCount(ctx context.Context, table string) (rows uint64, err error) {
	err = db.conn.QueryRow(ctx, "SELECT count() FROM "+table).Scan(&rows)
	return rows, err
}

// ScanTable has the server read every column of every row of a table, and
// answers nothing of it.
func (db *DB) ScanTable(ctx context.Context, table string) error {
	var sum uint64
	row := db.conn.QueryRow(ctx, "SELECT sum(cityHash64(*)) FROM "+table)
	return classify("scan "+table, row.Scan(&sum))
}

// SaveRuns is SaveRun of many at once.
func (db *DB) SaveRuns(ctx context.Context, runs []schema.Run) error {
	return insert(ctx, db, runTable, "runs", runs)
}

// ReadTogether bounds how many events timelines are read of in one go.
func (db *DB) ReadTogether(events uint64) { db.together = events }
