// Package clickhouse is the layout of the ClickHouse database: numbered
// migrations, one statement a file, and the plain rows that cross from the
// steps of the system to the warehouse. It imports nothing of ours.
//
// A migration is never changed once released: a change of the layout is the
// next number. Every statement bears being run twice (IF NOT EXISTS).
//
// Rows expire by inserted_at, the server's time of writing, and never by
// domain time: a recording two years old is imported today.
package clickhouse

import "embed"

// FS holds the migrations, 0001_name.sql and on.
//
//go:embed *.sql
var FS embed.FS
