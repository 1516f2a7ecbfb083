// Package chengine is the local ClickHouse: the real engine, libchdb.so, loaded
// without cgo and served over ClickHouse's HTTP interface on loopback, so that
// an unmodified clickhouse-go client (Protocol: HTTP) works against it.
//
//	client ─ HTTP ─► auth ─► request ─► route ─┬► outputStream  SELECT
//	                                           ├► inputStream   INSERT with data
//	                                           └► query         everything else
//
// The library is a client as well as an engine and allows what a server does
// not, so the server refuses several statements in one request, INTO OUTFILE,
// FROM INFILE and file(...), and the engine runs as a user without rights on
// files. This guards against mistakes; it is no wall against whoever holds the
// token (an expression inside VALUES, for one, is not looked at).
//
// What differs from a stock server:
//   - async_insert is accepted and has no effect: every insert is synchronous.
//   - system.query_log and system.part_log do not exist; statements are logged
//     through Options.Logger at debug level.
//   - log_comment is taken: the server marks each statement with it so that it
//     can be killed when its client goes away.
//   - There are no sessions over several requests (session_id) and no roles.
//   - A request without a database uses "puenktlich", not "default".
//   - The client's greeting reports protocol revision 0, which makes
//     clickhouse-go read the plain Native format that the library writes.
//
// One process holds at most one engine, and one data directory belongs to at
// most one process. Serve is made to run as a process of its own.
package chengine
