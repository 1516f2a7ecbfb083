// Package localstack runs the servers puenktlich stands on without Docker: the
// Temporal dev server with its web UI, an S3 gateway over a directory and the
// ClickHouse engine, as supervised child processes that hold their data below
// one directory.
//
// Setup obtains what those servers and the train pool need, pinned and
// verified, into a cache outside the checkout. Start runs them, waits until each
// answers and hands out their addresses; servers given by address are only
// waited for. Stop ends them in reverse order. No child outlives its parent on
// Linux, whatever ends the parent.
package localstack
