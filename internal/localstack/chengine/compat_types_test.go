package chengine_test

import (
	"math"
	"net"
	"reflect"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

var typeCases = []compatCase{
	{"types/ping and version", pingAndVersion},
	{"types/every column type there and back", everyType},
	{"types/null and extremes", nullAndExtremes},
	{"types/select into structs", selectStructs},
	{"types/empty result", emptyResult},
}

func pingAndVersion(t *testing.T, conn driver.Conn) {
	if err := conn.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	version, err := conn.ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if version.Version.Major < 24 {
		t.Errorf("version %v is older than anything this project supports", version)
	}
}

// typed is one column: its type, and a value with what comes back for it.
type typed struct {
	column string
	value  any
}

func typedColumns() []typed {
	return []typed{
		{"UUID", uuid.MustParse("6ba7b810-9dad-11d1-80b4-00c04fd430c8")},
		{"DateTime64(3, 'UTC')", time.Date(2024, 10, 29, 6, 7, 8, 123e6, time.UTC)},
		{"DateTime('UTC')", time.Date(2024, 10, 29, 6, 7, 8, 0, time.UTC)},
		{"Date", time.Date(2024, 10, 29, 0, 0, 0, 0, time.UTC)},
		{"Date32", time.Date(1905, 5, 5, 0, 0, 0, 0, time.UTC)},
		{"LowCardinality(String)", "ICE"},
		{"Enum8('arrival' = 1, 'departure' = 2)", "departure"},
		{"UInt8", uint8(255)}, {"UInt16", uint16(65535)}, {"UInt32", uint32(math.MaxUint32)}, {"UInt64", uint64(math.MaxUint64)},
		{"Int8", int8(-128)}, {"Int16", int16(-32768)}, {"Int32", int32(math.MinInt32)}, {"Int64", int64(math.MinInt64)},
		{"Float32", float32(0.1)}, {"Float64", 0.1}, {"Bool", true},
		{"String", "Fürth (Bay) Hbf\t\n'\"\\\x00"},
		{"FixedString(4)", "abcd"},
		{"Decimal(18, 4)", decimal.RequireFromString("-12345.6789")},
		{"IPv4", net.IPv4(192, 0, 2, 1).To4()},
		{"Array(Int32)", []int32{1, -2, 3}},
		{"Array(Array(String))", [][]string{{"a"}, {}, {"b", "c"}}},
		{"Map(String, Float64)", map[string]float64{"p": 0.5, "q": 0.25}},
		{"Map(LowCardinality(String), UInt32)", map[string]uint32{"S1": 1}},
		{"Tuple(String, Int32)", []any{"x", int32(7)}},
		{"Array(Tuple(UInt8, String))", [][]any{{uint8(1), "a"}, {uint8(2), "b"}}},
	}
}

func everyType(t *testing.T, conn driver.Conn) {
	for _, c := range typedColumns() {
		name := table(t, conn, "CREATE TABLE %s (n UInt32, v "+c.column+") ENGINE = MergeTree ORDER BY n")
		batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO "+name)
		if err != nil {
			t.Fatalf("%s: %v", c.column, err)
		}
		for n := range uint32(3) {
			if err := batch.Append(n, c.value); err != nil {
				t.Fatalf("%s: append: %v", c.column, err)
			}
		}
		if err := batch.Send(); err != nil {
			t.Fatalf("%s: send: %v", c.column, err)
		}
		got := reflect.New(reflect.TypeOf(c.value))
		if err := conn.QueryRow(t.Context(), "SELECT v FROM "+name+" WHERE n = 2").Scan(got.Interface()); err != nil {
			t.Errorf("%s: read: %v", c.column, err)
			continue
		}
		if !sameValue(got.Elem().Interface(), c.value) {
			t.Errorf("%s: got %v, want %v", c.column, got.Elem().Interface(), c.value)
		}
	}
}

func sameValue(got, want any) bool {
	switch want := want.(type) {
	case time.Time:
		return got.(time.Time).Equal(want)
	case decimal.Decimal:
		return got.(decimal.Decimal).Equal(want)
	case net.IP:
		return got.(net.IP).Equal(want)
	}
	return reflect.DeepEqual(got, want)
}

func nullAndExtremes(t *testing.T, conn driver.Conn) {
	name := table(t, conn, "CREATE TABLE %s (n UInt8, s Nullable(String), f Nullable(Float64)) ENGINE = MergeTree ORDER BY n")
	batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO "+name+" (n, s, f)")
	if err != nil {
		t.Fatal(err)
	}
	text, nan := "da", math.NaN()
	for n, row := range [][]any{{nil, nil}, {&text, &nan}} {
		if err := batch.Append(append([]any{uint8(n)}, row...)...); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
	var s *string
	var f *float64
	if err := conn.QueryRow(t.Context(), "SELECT s, f FROM "+name+" WHERE n = 0").Scan(&s, &f); err != nil || s != nil || f != nil {
		t.Errorf("nulls: %v %v %v", s, f, err)
	}
	if err := conn.QueryRow(t.Context(), "SELECT s, f FROM "+name+" WHERE n = 1").Scan(&s, &f); err != nil || *s != "da" || !math.IsNaN(*f) {
		t.Errorf("values: %v %v %v", s, f, err)
	}
}

func selectStructs(t *testing.T, conn driver.Conn) {
	var rows []struct {
		Station string    `ch:"station"`
		Delay   int32     `ch:"delay"`
		Planned time.Time `ch:"planned"`
	}
	const sql = `SELECT 'Aachen' AS station, toInt32(number) AS delay, toDateTime(1730181600, 'UTC') + number * 60 AS planned FROM numbers(3)`
	if err := conn.Select(t.Context(), &rows, sql); err != nil {
		t.Fatal(err)
	}
	if len(rows) != 3 || rows[2].Delay != 2 || rows[2].Planned.Unix() != 1730181720 || rows[0].Station != "Aachen" {
		t.Errorf("got %+v", rows)
	}
}

func emptyResult(t *testing.T, conn driver.Conn) {
	rows, err := conn.Query(t.Context(), "SELECT number FROM numbers(10) WHERE number > 10")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if rows.Next() || rows.Err() != nil {
		t.Errorf("an empty result has a row or an error: %v", rows.Err())
	}
}
