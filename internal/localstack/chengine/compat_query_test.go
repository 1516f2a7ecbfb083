package chengine_test

import (
	"errors"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

var queryCases = []compatCase{
	{"query/parameters", parameters},
	{"query/settings", settingsOfOneQuery},
	{"query/ASOF JOIN", asofJoin},
	{"query/statements that are not streamed", otherStatements},
	{"query/totals and unions", totalsAndUnions},
	{"query/quantiles and statistics", statistics},
}

var errorCases = []compatCase{
	{"error/unknown table", unknownTable},
	{"error/table of codes", typedErrors},
}

func parameters(t *testing.T, conn driver.Conn) {
	at := time.Date(2024, 10, 29, 6, 7, 8, 0, time.UTC)
	equal(t, "string", one[string](t, conn, "SELECT {s:String}", clickhouse.Named("s", "O'Brien\t\\x\n")), "O'Brien\t\\x\n")
	equal(t, "number", one[int64](t, conn, "SELECT {a:Int64} + {b:Int64}", clickhouse.Named("a", -2), clickhouse.Named("b", 5)), 3)
	equal(t, "array", one[uint64](t, conn, "SELECT arraySum({a:Array(UInt32)})", clickhouse.Named("a", []uint32{1, 2, 3})), 6)
	equal(t, "time", one[time.Time](t, conn, "SELECT {at:DateTime('UTC')}", clickhouse.Named("at", at)).Unix(), at.Unix())
	equal(t, "name", one[uint64](t, conn, "SELECT count() > 0 ? toUInt64(1) : toUInt64(0) FROM {db:Identifier}.{table:Identifier}",
		clickhouse.Named("db", "system"), clickhouse.Named("table", "one")), 1)
	equal(t, "positional", one[string](t, conn, "SELECT concat(?, toString(?))", "a", 7), "a7")
}

func settingsOfOneQuery(t *testing.T, conn driver.Conn) {
	ctx := clickhouse.Context(t.Context(), clickhouse.WithQueryID("compat-settings"), clickhouse.WithSettings(clickhouse.Settings{
		"max_threads": 3, "final": true, "join_algorithm": "hash",
	}))
	equal(t, "max_threads", oneWith[string](t, ctx, conn, "SELECT toString(getSetting('max_threads'))"), "3")
	equal(t, "final", oneWith[bool](t, ctx, conn, "SELECT getSetting('final')"), true)
	equal(t, "not kept", one[bool](t, conn, "SELECT getSetting('final')"), false)
}

// asofJoin: the latest change at or before each cut-off, worked out by hand.
func asofJoin(t *testing.T, conn driver.Conn) {
	changes := table(t, conn, "CREATE TABLE %s (trip UInt32, at DateTime('UTC'), delay Int32) ENGINE = MergeTree ORDER BY (trip, at)")
	execute(t, conn, "INSERT INTO "+changes+" VALUES (1, 100, 2), (1, 200, 5), (2, 150, 1)")
	const sql = `SELECT groupArray(c.delay) FROM (
		SELECT * FROM values('trip UInt32, cutoff DateTime(\'UTC\')', (1, 199), (1, 200), (2, 149), (2, 500)) ORDER BY trip, cutoff) AS q
		ASOF LEFT JOIN `
	got := one[[]int32](t, conn, sql+changes+" AS c ON q.trip = c.trip AND q.cutoff >= c.at SETTINGS max_threads = 1")
	want := []int32{2, 5, 0, 1}
	if !sameValue(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func otherStatements(t *testing.T, conn driver.Conn) {
	name := table(t, conn, "CREATE TABLE %s (n UInt64 CODEC(ZSTD), PROJECTION p (SELECT n ORDER BY n)) ENGINE = MergeTree ORDER BY n")
	for _, sql := range []string{"EXISTS TABLE " + name, "SELECT 1 -- a comment", "/* first */ SELECT 1;", "(SELECT 1)", "WITH 1 AS x SELECT x"} {
		if got := one[uint8](t, conn, sql); got != 1 {
			t.Errorf("%s: got %d", sql, got)
		}
	}
	for _, sql := range []string{"SHOW TABLES", "DESCRIBE TABLE " + name, "EXPLAIN SELECT 1", "SHOW CREATE TABLE " + name} {
		rows, err := conn.Query(t.Context(), sql)
		if err != nil {
			t.Errorf("%s: %v", sql, err)
			continue
		}
		if !rows.Next() {
			t.Errorf("%s: no rows: %v", sql, rows.Err())
		}
		rows.Close()
	}
	execute(t, conn, "OPTIMIZE TABLE "+name+" FINAL")
	execute(t, conn, "TRUNCATE TABLE "+name)
}

func totalsAndUnions(t *testing.T, conn driver.Conn) {
	rows, err := conn.Query(t.Context(), "SELECT number % 2 AS k, count() AS c FROM numbers(10) GROUP BY k WITH TOTALS ORDER BY k")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
	}
	if rows.Err() != nil {
		t.Errorf("totals: %v", rows.Err())
	}
	equal(t, "union", one[uint64](t, conn, "SELECT sum(x) FROM (SELECT 1 AS x UNION ALL SELECT 2)"), 3)
}

func statistics(t *testing.T, conn driver.Conn) {
	equal(t, "quantileExact", one[uint64](t, conn, "SELECT quantileExact(0.9)(number) FROM numbers(1, 100)"), 91)
	// Two samples without overlap: the Kolmogorov-Smirnov distance is 1.
	equal(t, "KS distance", one[float64](t, conn,
		"SELECT tupleElement(kolmogorovSmirnovTest('two-sided', 'exact')(toFloat64(number), number >= 5), 1) FROM numbers(10)"), 1)
}

// wantCode checks for a typed exception, as every caller does.
func wantCode(t *testing.T, err error, code int32) {
	t.Helper()
	var exception *clickhouse.Exception
	if !errors.As(err, &exception) {
		t.Errorf("got %v, want exception %d", err, code)
		return
	}
	if exception.Code != code {
		t.Errorf("got exception %d (%s), want %d", exception.Code, exception.Message, code)
	}
}

func unknownTable(t *testing.T, conn driver.Conn) {
	_, err := conn.Query(t.Context(), "SELECT * FROM no_such_table")
	wantCode(t, err, 60)
	batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO no_such_table")
	if err == nil {
		err = batch.Send()
	}
	wantCode(t, err, 60)
}

// typedErrors: numbers as in ClickHouse's ErrorCodes.cpp.
func typedErrors(t *testing.T, conn driver.Conn) {
	for _, c := range []struct {
		name, sql string
		settings  clickhouse.Settings
		code      int32
	}{
		{"UNKNOWN_TABLE", "SELECT 1 FROM nowhere", nil, 60},
		{"SYNTAX_ERROR", "SELEKT 1", nil, 62},
		{"UNKNOWN_DATABASE", "SELECT 1 FROM nowhere.nothing", nil, 81},
		{"UNKNOWN_IDENTIFIER", "SELECT nobody", nil, 47},
		{"UNKNOWN_FUNCTION", "SELECT nofunction(1)", nil, 46},
		{"UNKNOWN_SETTING", "SELECT 1", clickhouse.Settings{"no_such_setting": 1}, 115},
		{"TABLE_ALREADY_EXISTS", "CREATE TABLE system.one (x UInt8) ENGINE = Memory", nil, 57},
		{"MEMORY_LIMIT_EXCEEDED", "SELECT groupArray(number) FROM numbers(10000000)", clickhouse.Settings{"max_memory_usage": 10_000_000}, 241},
		{"TIMEOUT_EXCEEDED", "SELECT sum(cityHash64(number)) FROM system.numbers", clickhouse.Settings{"max_execution_time": 1}, 159},
		{"multi-statement", "SELECT 1; SELECT 2", nil, 62},
		{"BAD_QUERY_PARAMETER", "SELECT {n:UInt8}", clickhouse.Settings{"param_n": "x"}, 457},
	} {
		err := conn.Exec(clickhouse.Context(t.Context(), clickhouse.WithSettings(c.settings)), c.sql)
		if err == nil {
			t.Errorf("%s: no error", c.name)
			continue
		}
		t.Run(c.name, func(t *testing.T) { wantCode(t, err, c.code) })
	}
}
