package chengine_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

var streamCases = []compatCase{
	{"stream/three million rows", bigRead},
	{"stream/exception within output", midStreamException},
	{"stream/cancel an aggregation", cancelAggregation},
	{"stream/cancel a read half way", cancelRead},
	{"stream/Parquet out and in", parquet},
	{"stream/text formats out and in", textFormats},
}

func bigRead(t *testing.T, conn driver.Conn) {
	const n = 3_000_000
	rows, err := conn.Query(t.Context(), "SELECT number, number % 7 FROM system.numbers LIMIT 3000000")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var number, sum, count uint64
	var rest uint8
	for rows.Next() {
		if err := rows.Scan(&number, &rest); err != nil {
			t.Fatal(err)
		}
		sum += number
		count++
	}
	if rows.Err() != nil || count != n || sum != n*(n-1)/2 {
		t.Errorf("%d rows with sum %d: %v", count, sum, rows.Err())
	}
}

func midStreamException(t *testing.T, conn driver.Conn) {
	rows, err := conn.Query(t.Context(), "SELECT throwIf(number = 2000000, 'planned') FROM system.numbers SETTINGS max_block_size = 65409")
	if err != nil {
		t.Fatalf("the exception came before any output: %v", err)
	}
	defer rows.Close()
	count := 0
	for rows.Next() {
		count++
	}
	wantCode(t, rows.Err(), 395)
	if count == 0 {
		t.Error("no row came before the exception")
	}
}

// running counts statements that carry the mark.
func running(t *testing.T, conn driver.Conn, mark string) uint64 {
	t.Helper()
	return one[uint64](t, conn, "SELECT count() FROM system.processes WHERE query LIKE concat('%', ?, '%') AND query NOT LIKE '%system.processes%'", mark)
}

// eventually waits for condition without a fixed pause being right or wrong.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-deadline:
			t.Fatalf("%s: not within 20 s", what)
		case <-tick.C:
		}
	}
}

func cancelAggregation(t *testing.T, conn driver.Conn) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- conn.Exec(ctx, "SELECT 'cancelled aggregate', sum(cityHash64(number)) FROM numbers(2000000000000)")
	}()
	eventually(t, "the query runs", func() bool { return running(t, conn, "cancelled aggregate") > 0 })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	eventually(t, "the query ends on the server", func() bool { return running(t, conn, "cancelled aggregate") == 0 })
}

func cancelRead(t *testing.T, conn driver.Conn) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rows, err := conn.Query(ctx, "SELECT 'cancelled read', number FROM system.numbers")
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		rows.Next()
	}
	cancel()
	for rows.Next() {
	}
	rows.Close()
	eventually(t, "the query ends on the server", func() bool { return running(t, conn, "cancelled read") == 0 })
}

// readFormat returns a result in one of ClickHouse's formats.
func readFormat(t *testing.T, conn driver.Conn, format, sql string) []byte {
	t.Helper()
	out, err := conn.QueryFormat(t.Context(), format, sql)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	data, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parquet(t *testing.T, conn driver.Conn) {
	// More rows than one piece of a stream: it must still be one file.
	data := readFormat(t, conn, "Parquet", "SELECT number AS n, toString(number) AS s FROM numbers(200000)")
	if !bytes.HasPrefix(data, []byte("PAR1")) || bytes.Count(data, []byte("PAR1")) != 2 || !bytes.HasSuffix(data, []byte("PAR1")) {
		t.Fatalf("%d bytes are not one Parquet file", len(data))
	}
	name := table(t, conn, "CREATE TABLE %s (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
	if err := conn.InsertFormat(t.Context(), "Parquet", "INSERT INTO "+name, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	equal(t, "sum after the round trip", one[uint64](t, conn, "SELECT sum(n + toUInt64(s)) FROM "+name), 2*uint64(199999*100000))
}

func textFormats(t *testing.T, conn driver.Conn) {
	for format, want := range map[string]string{
		"CSVWithNames": "\"n\",\"s\"\n0,\"x\"\n1,\"x\"\n",
		"JSONEachRow":  "{\"n\":0,\"s\":\"x\"}\n{\"n\":1,\"s\":\"x\"}\n",
		"TSV":          "0\tx\n1\tx\n",
	} {
		const sql = "SELECT toUInt32(number) AS n, 'x' AS s FROM numbers(2)"
		equal(t, format, string(readFormat(t, conn, format, sql)), want)
		name := table(t, conn, "CREATE TABLE %s (n UInt32, s String) ENGINE = MergeTree ORDER BY n")
		ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"input_format_parallel_parsing": 0}))
		if err := conn.InsertFormat(ctx, format, "INSERT INTO "+name, strings.NewReader(want)); err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		equal(t, format+" rows", one[uint64](t, conn, "SELECT count() FROM "+name), 2)
	}
}
