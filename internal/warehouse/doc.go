// Package warehouse is the ClickHouse adapter: it writes what was planned,
// observed, settled, forecast and judged, and reads it back as it was known at
// a moment. The layout of the database is in schemas/clickhouse.
//
// Writes go by column in batches of BatchRows with a deduplication token given
// by the caller: sending a batch again under its token changes nothing. Reads
// take everything that could be known from the rows themselves (polled_at,
// settled_at, known_at), never from the server's clock.
package warehouse
