package chengine_test

import (
	"fmt"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
)

func benchmarkConn(b *testing.B) clickhouse.Conn {
	b.Helper()
	p, err := sharedEngine()
	if err != nil {
		b.Fatal(err)
	}
	opts := optionsFor(p.addr)
	opts.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
	conn, err := clickhouse.Open(opts)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	return conn
}

// BenchmarkSelectOne is the cost of one statement: connection, settings, HTTP.
func BenchmarkSelectOne(b *testing.B) {
	conn := benchmarkConn(b)
	for b.Loop() {
		var one uint8
		if err := conn.QueryRow(b.Context(), "SELECT 1").Scan(&one); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInsert sends 10,000 rows of five columns, by column.
func BenchmarkInsert(b *testing.B) {
	const rows = 10_000
	conn := benchmarkConn(b)
	if err := conn.Exec(b.Context(), "CREATE OR REPLACE TABLE bench (a UInt64, b UInt64, c Float64, d String, e String) ENGINE = MergeTree ORDER BY a"); err != nil {
		b.Fatal(err)
	}
	numbers, floats, texts := make([]uint64, rows), make([]float64, rows), make([]string, rows)
	for i := range rows {
		numbers[i], floats[i], texts[i] = uint64(i), float64(i), fmt.Sprint("text ", i%1000)
	}
	for b.Loop() {
		batch, err := conn.PrepareBatch(b.Context(), "INSERT INTO bench")
		if err != nil {
			b.Fatal(err)
		}
		for i, column := range []any{numbers, numbers, floats, texts, texts} {
			if err := batch.Column(i).Append(column); err != nil {
				b.Fatal(err)
			}
		}
		if err := batch.Send(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
}
