package chengine_test

import (
	"fmt"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

var insertCases = []compatCase{
	{"insert/columns and rows", columnsAndRows},
	{"insert/deduplication token", deduplicationToken},
	{"insert/values with parameters", insertValues},
	{"insert/select", insertSelect},
	{"insert/refused batch leaves no rows", refusedBatch},
	{"insert/replacing table read with FINAL and argMax", replacing},
	{"insert/materialized view", materializedView},
	{"insert/mutation and lightweight delete", mutations},
	{"insert/external table", externalTables},
}

// transportCases run once for every compression method.
var transportCases = []compatCase{
	{"columns and rows", columnsAndRows},
	{"a hundred thousand rows there and back", manyRows},
	{"exception before output", unknownTable},
	{"exception within output", midStreamException},
}

const countSum = "SELECT (count(), sum(n)) FROM "

func columnsAndRows(t *testing.T, conn driver.Conn) {
	name := table(t, conn, "CREATE TABLE %s (n UInt64, s LowCardinality(String)) ENGINE = MergeTree ORDER BY n")
	columns, err := conn.PrepareBatch(t.Context(), "INSERT INTO "+name+" (n, s)")
	if err != nil {
		t.Fatal(err)
	}
	if err := columns.Column(0).Append([]uint64{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	if err := columns.Column(1).Append([]string{"a", "b", "a"}); err != nil {
		t.Fatal(err)
	}
	if err := columns.Send(); err != nil {
		t.Fatal(err)
	}
	rows, err := conn.PrepareBatch(t.Context(), "INSERT INTO "+name+" (s, n) VALUES")
	if err != nil {
		t.Fatal(err)
	}
	if err := rows.Append("c", uint64(4)); err != nil {
		t.Fatal(err)
	}
	if err := rows.Send(); err != nil {
		t.Fatal(err)
	}
	equal(t, "sum", one[uint64](t, conn, "SELECT sum(n) FROM "+name), 10)
	equal(t, "texts", one[string](t, conn, "SELECT arrayStringConcat(groupArray(s)) FROM (SELECT s FROM "+name+" ORDER BY n)"), "abac")
}

func manyRows(t *testing.T, conn driver.Conn) {
	const n = 100_000
	name := table(t, conn, "CREATE TABLE %s (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
	fill(t, conn, name, n)
	rows, err := conn.Query(t.Context(), "SELECT n, s FROM "+name+" ORDER BY n")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var number, next uint64
	var text string
	for ; rows.Next(); next++ {
		if err := rows.Scan(&number, &text); err != nil {
			t.Fatal(err)
		}
		if number != next || text != fmt.Sprint("row ", next) {
			t.Fatalf("row %d: got %d %q", next, number, text)
		}
	}
	if rows.Err() != nil || next != n {
		t.Errorf("read %d of %d rows: %v", next, n, rows.Err())
	}
}

// fill inserts rows (0, "row 0") to (n-1, "row n-1") as one batch.
func fill(t *testing.T, conn driver.Conn, name string, n int) {
	t.Helper()
	batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO "+name+" (n, s)")
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := batch.Append(uint64(i), fmt.Sprint("row ", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
}

func deduplicationToken(t *testing.T, conn driver.Conn) {
	name := table(t, conn, "CREATE TABLE %s (n UInt64, s String) ENGINE = MergeTree ORDER BY n SETTINGS non_replicated_deduplication_window = 100")
	for _, key := range []string{"first", "first", "first", "second"} {
		ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"insert_deduplication_token": key}))
		batch, err := conn.PrepareBatch(ctx, "INSERT INTO "+name)
		if err != nil {
			t.Fatal(err)
		}
		if err := batch.Append(uint64(7), "same"); err != nil {
			t.Fatal(err)
		}
		if err := batch.Send(); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "rows after three sends of one token and one of another", one[uint64](t, conn, "SELECT count() FROM "+name), 2)
}

func insertValues(t *testing.T, conn driver.Conn) {
	name := table(t, conn, "CREATE TABLE %s (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
	execute(t, conn, "INSERT INTO "+name+" VALUES (1, 'semi;colon'), (2, 'INTO OUTFILE')")
	execute(t, conn, "INSERT INTO "+name+" (n, s) VALUES ({n:UInt64}, {s:String})", clickhouse.Named("n", 3), clickhouse.Named("s", "it's\ta tab"))
	execute(t, conn, "INSERT INTO "+name+" VALUES (?, ?)", 4, "posi'tional")
	equal(t, "texts", one[string](t, conn, "SELECT arrayStringConcat(groupArray(s), '|') FROM (SELECT s FROM "+name+" ORDER BY n)"),
		"semi;colon|INTO OUTFILE|it's\ta tab|posi'tional")
}

func insertSelect(t *testing.T, conn driver.Conn) {
	name := table(t, conn, "CREATE TABLE %s (n UInt64) ENGINE = MergeTree ORDER BY n")
	execute(t, conn, "INSERT INTO "+name+" SELECT number FROM numbers(10)")
	execute(t, conn, "INSERT INTO "+name+" WITH 5 AS x SELECT x")
	equal(t, "sum", one[uint64](t, conn, "SELECT sum(n) FROM "+name), 50)
}

func refusedBatch(t *testing.T, conn driver.Conn) {
	name := table(t, conn, "CREATE TABLE %s (n UInt64, CONSTRAINT small CHECK n < 10) ENGINE = MergeTree ORDER BY n")
	batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO "+name)
	if err != nil {
		t.Fatal(err)
	}
	for n := range uint64(20) {
		if err := batch.Append(n); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, batch.Send(), 469) // VIOLATED_CONSTRAINT
	equal(t, "rows", one[uint64](t, conn, "SELECT count() FROM "+name), 0)
}

func replacing(t *testing.T, conn driver.Conn) {
	name := table(t, conn, "CREATE TABLE %s (id UInt32, version UInt64, delay Int32) ENGINE = ReplacingMergeTree(version) ORDER BY id")
	for _, row := range []string{"(1, 1, 3)", "(2, 1, 0)", "(1, 3, 9)", "(1, 2, 5)"} {
		execute(t, conn, "INSERT INTO "+name+" VALUES "+row)
	}
	for _, sql := range []string{
		"SELECT delay FROM %s FINAL WHERE id = 1",
		"SELECT argMax(delay, version) FROM %s WHERE id = 1",
	} {
		equal(t, sql, one[int32](t, conn, fmt.Sprintf(sql, name)), 9)
	}
	equal(t, "rows with FINAL", one[uint64](t, conn, "SELECT count() FROM "+name+" FINAL"), 2)
}

func materializedView(t *testing.T, conn driver.Conn) {
	source := table(t, conn, "CREATE TABLE %s (k String, n UInt64, at DateTime DEFAULT now()) ENGINE = MergeTree ORDER BY k PARTITION BY k TTL at + INTERVAL 1 YEAR")
	view := table(t, conn, "CREATE MATERIALIZED VIEW %s ENGINE = AggregatingMergeTree ORDER BY k AS SELECT k, sumState(n) AS total FROM "+source+" GROUP BY k")
	execute(t, conn, "INSERT INTO "+source+" (k, n) VALUES ('a', 1), ('b', 2)")
	execute(t, conn, "INSERT INTO "+source+" (k, n) VALUES ('a', 10)")
	equal(t, "total of a", one[uint64](t, conn, "SELECT sumMerge(total) FROM "+view+" WHERE k = 'a'"), 11)
	execute(t, conn, "ALTER TABLE "+source+" DROP PARTITION 'a'")
	equal(t, "rows", one[uint64](t, conn, "SELECT count() FROM "+source), 1)
}

func mutations(t *testing.T, conn driver.Conn) {
	name := table(t, conn, "CREATE TABLE %s (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
	execute(t, conn, "INSERT INTO "+name+" SELECT number, '' FROM numbers(10)")
	execute(t, conn, "ALTER TABLE "+name+" UPDATE s = 'x' WHERE n < 5 SETTINGS mutations_sync = 1")
	execute(t, conn, "DELETE FROM "+name+" WHERE n = 0")
	execute(t, conn, "ALTER TABLE "+name+" ADD COLUMN late UInt8 DEFAULT 1")
	equal(t, "rows", one[uint64](t, conn, "SELECT count() FROM "+name+" WHERE s = 'x' AND late = 1"), 4)
}

func externalTables(t *testing.T, conn driver.Conn) {
	wanted, err := ext.NewTable("wanted", ext.Column("n", "UInt64"), ext.Column("s", "String"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []uint64{3, 5} {
		if err := wanted.Append(n, fmt.Sprint(n)); err != nil {
			t.Fatal(err)
		}
	}
	ctx := clickhouse.Context(t.Context(), clickhouse.WithExternalTable(wanted))
	equal(t, "sum", oneWith[uint64](t, ctx, conn, "SELECT sum(number) FROM numbers(10) WHERE number IN (SELECT n FROM wanted)"), 8)
}
