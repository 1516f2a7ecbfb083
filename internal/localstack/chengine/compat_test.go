package chengine_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// compatEnv holds the address (http://user:password@host:8123/database) of a
// stock ClickHouse server that must pass the same cases.
const compatEnv = "PUENKTLICH_COMPAT_CLICKHOUSE"

// compatCase is one thing the project relies on, seen through the unmodified
// driver. It makes its own tables and holds on any ClickHouse server.
type compatCase struct {
	name string
	run  func(t *testing.T, conn driver.Conn)
}

// compatCases is the whole suite; the parts stand in the files of their topic.
func compatCases() []compatCase {
	var all []compatCase
	for _, part := range [][]compatCase{typeCases, insertCases, queryCases, errorCases, streamCases} {
		all = append(all, part...)
	}
	return all
}

// methods are the ways clickhouse-go can compress; every one carries the
// cases that move data.
var methods = []clickhouse.CompressionMethod{
	clickhouse.CompressionNone, clickhouse.CompressionLZ4, clickhouse.CompressionZSTD,
	clickhouse.CompressionGZIP, clickhouse.CompressionDeflate, clickhouse.CompressionBrotli,
}

func TestCompatibility(t *testing.T) {
	t.Parallel()
	addr := engine(t).addr
	runCompat(t, func() *clickhouse.Options { return optionsFor(addr) })
}

func TestCompatibilityStockServer(t *testing.T) {
	t.Parallel()
	dsn := os.Getenv(compatEnv)
	if dsn == "" {
		t.Skipf("NOT RUN: the compatibility suite needs a stock ClickHouse server's address in %s, such as http://user:password@127.0.0.1:8123/default", compatEnv)
	}
	runCompat(t, func() *clickhouse.Options {
		opts, err := clickhouse.ParseDSN(dsn)
		if err != nil {
			t.Fatal(err)
		}
		return opts
	})
}

func runCompat(t *testing.T, options func() *clickhouse.Options) {
	for _, c := range compatCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, open(t, options(), clickhouse.CompressionLZ4))
		})
	}
	for _, method := range methods {
		t.Run("compression/"+method.String(), func(t *testing.T) {
			t.Parallel()
			conn := open(t, options(), method)
			for _, c := range transportCases {
				t.Run(c.name, func(t *testing.T) { c.run(t, conn) })
			}
		})
	}
}

// optionsFor addresses one of our engines.
func optionsFor(addr string) *clickhouse.Options {
	return &clickhouse.Options{
		Addr:     []string{addr},
		Protocol: clickhouse.HTTP,
		Auth:     clickhouse.Auth{Database: "puenktlich", Username: user, Password: token},
	}
}

func open(t *testing.T, opts *clickhouse.Options, method clickhouse.CompressionMethod) driver.Conn {
	t.Helper()
	opts.Protocol = clickhouse.HTTP
	opts.Compression = &clickhouse.Compression{Method: method, Level: 3}
	conn, err := clickhouse.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// table creates a table for one test; ddl has %s where the name goes.
func table(t *testing.T, conn driver.Conn, ddl string) string {
	t.Helper()
	name := "compat_" + strings.ToLower(rand.Text()[:12])
	execute(t, conn, fmt.Sprintf(ddl, name))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := conn.Exec(ctx, "DROP TABLE IF EXISTS "+name); err != nil {
			t.Errorf("drop %s: %v", name, err)
		}
	})
	return name
}

func execute(t *testing.T, conn driver.Conn, sql string, args ...any) {
	t.Helper()
	if err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// one reads a single value.
func one[T any](t *testing.T, conn driver.Conn, sql string, args ...any) T {
	t.Helper()
	return oneWith[T](t, t.Context(), conn, sql, args...)
}

func oneWith[T any](t *testing.T, ctx context.Context, conn driver.Conn, sql string, args ...any) T {
	t.Helper()
	var value T
	if err := conn.QueryRow(ctx, sql, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
