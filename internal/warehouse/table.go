package warehouse

import (
	"context"
	"fmt"
	"io"
	"strings"

	driver "github.com/ClickHouse/clickhouse-go/v2"
)

// BatchRows is the number of rows sent in one block, which becomes a part: the
// more there are, the less the server merges. A block of the widest table is
// held in some 30 MB.
const BatchRows = 50_000

// table binds a table to rows of type R. All statements are made from its
// column list.
type table[R any] struct {
	name    string
	columns []column[R]
}

func (t table[R]) insertText() string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	return "INSERT INTO " + t.name + " (" + strings.Join(names, ", ") + ")"
}

// selectList names the columns that read back, each after the prefix.
func (t table[R]) selectList(prefix string) string {
	var names []string
	for _, c := range t.columns {
		switch {
		case c.scan == nil:
		case c.read != "":
			names = append(names, c.read)
		case c.readAs != "":
			names = append(names, c.readAs+"("+prefix+c.name+")")
		default:
			names = append(names, prefix+c.name)
		}
	}
	return strings.Join(names, ", ")
}

// names are the columns that read back, as they are stored: what an inner query
// hands to an outer one.
func (t table[R]) names() string {
	var names []string
	for _, c := range t.columns {
		if c.scan != nil {
			names = append(names, c.name)
		}
	}
	return strings.Join(names, ", ")
}

// destinations answers where the driver stores a row, in the order of
// selectList. They stay bound to r: one set serves all rows of a result.
func (t table[R]) destinations(r *R) []any {
	var dest []any
	for _, c := range t.columns {
		if c.scan != nil {
			dest = append(dest, c.scan(r))
		}
	}
	return dest
}

// insert writes rows in batches, the i-th under token/i: repeated with the
// same token and rows it changes nothing, also when it had stopped half-way.
func insert[R any](ctx context.Context, db *DB, t table[R], token string, rows []R) error {
	operation := fmt.Sprintf("insert into %s (token %q)", t.name, token)
	if token == "" {
		return fmt.Errorf("%s: a deduplication token is required: an insert may be sent twice", operation)
	}
	for i := 0; i*BatchRows < len(rows); i++ {
		batch := rows[i*BatchRows : min((i+1)*BatchRows, len(rows))]
		if err := insertBatch(ctx, db, t, fmt.Sprintf("%s/%d", token, i), batch); err != nil {
			return classify(fmt.Sprintf("%s, rows %d to %d of %d", operation, i*BatchRows, i*BatchRows+len(batch), len(rows)), err)
		}
	}
	return nil
}

func insertBatch[R any](ctx context.Context, db *DB, t table[R], token string, rows []R) error {
	batch, err := db.conn.PrepareBatch(once(ctx, token), t.insertText())
	if err != nil {
		return err
	}
	defer func() { _ = batch.Close() }()
	for i, c := range t.columns {
		if err := c.add(batch.Column(i), rows); err != nil {
			return fmt.Errorf("column %s: %w", c.name, err)
		}
	}
	return batch.Send()
}

// once lets an insert that is sent again under its token change nothing.
func once(ctx context.Context, token string) context.Context {
	return driver.Context(ctx, driver.WithSettings(driver.Settings{
		"insert_deduplicate":         1,
		"insert_deduplication_token": token,
		"async_insert":               0,
	}))
}

// query runs a SELECT whose list starts with t.selectList and visits its rows.
// The row is overwritten by the next; slices in it are not. more are
// destinations of further columns.
func query[R any](ctx context.Context, db *DB, t table[R], q statement, visit func(*R) error, more ...any) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rows, err := db.conn.Query(ctx, q.sql, q.args...)
	if err != nil {
		return classify("read "+t.name, err)
	}
	defer closeEarly(cancel, rows)
	var row R
	dest := append(t.destinations(&row), more...)
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return classify("read "+t.name, err)
		}
		if err := visit(&row); err != nil {
			return err
		}
	}
	return classify("read "+t.name, rows.Err())
}

// closeEarly ends a result that may have been left unread: closing alone would
// read it to its end.
func closeEarly(cancel context.CancelFunc, rows io.Closer) {
	cancel()
	_ = rows.Close()
}

// collect is query into a slice.
func collect[R any](ctx context.Context, db *DB, t table[R], q statement) ([]R, error) {
	var all []R
	err := query(ctx, db, t, q, func(r *R) error {
		all = append(all, *r)
		return nil
	})
	return all, err
}
