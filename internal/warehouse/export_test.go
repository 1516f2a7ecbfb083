package warehouse

import "context"

// RowCount is the number of stored rows, superseded ones included.
func (db *DB) RowCount(ctx context.Context, table string) (rows uint64, err error) {
	err = db.conn.QueryRow(ctx, "SELECT count() FROM "+table).Scan(&rows)
	return rows, err
}
