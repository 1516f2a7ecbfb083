package warehouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	driver "github.com/ClickHouse/clickhouse-go/v2"
)

// What an operation can fail with. The driver's error is wrapped beside it.
var (
	// ErrUnavailable: no answer, or one that says the server cannot serve now.
	// Whether a write took place is unknown; repeat it with its token.
	ErrUnavailable = errors.New("clickhouse is unavailable")
	// ErrOverloaded: memory, time or another limit was exceeded; repeat later
	// or ask for less.
	ErrOverloaded = errors.New("clickhouse is overloaded")
	// ErrNoSpace: its disk is full.
	ErrNoSpace = errors.New("clickhouse has no disk space left")
	// ErrNotMigrated: the database, a table or a column does not exist; run the
	// migrations.
	ErrNotMigrated = errors.New("clickhouse lacks a table or column")
	// ErrDenied: the user may not do this.
	ErrDenied = errors.New("clickhouse denies access")
	// ErrRejected: the server refused the statement or the rows; repeating it
	// will not help.
	ErrRejected = errors.New("clickhouse rejected the statement")
	// ErrNotFound: there is no such row.
	ErrNotFound = errors.New("not found in clickhouse")
)

// sentinels by ClickHouse's error code (src/Common/ErrorCodes.cpp). Any other
// code is ErrRejected.
var sentinels = map[int32]error{
	198: ErrUnavailable, // DNS_ERROR
	209: ErrUnavailable, // SOCKET_TIMEOUT
	210: ErrUnavailable, // NETWORK_ERROR
	236: ErrUnavailable, // ABORTED, on shutdown
	242: ErrUnavailable, // TABLE_IS_READ_ONLY, of a replica without its keeper
	279: ErrUnavailable, // ALL_CONNECTION_TRIES_FAILED
	999: ErrUnavailable, // KEEPER_EXCEPTION

	159: ErrOverloaded, // TIMEOUT_EXCEEDED
	202: ErrOverloaded, // TOO_MANY_SIMULTANEOUS_QUERIES
	241: ErrOverloaded, // MEMORY_LIMIT_EXCEEDED
	252: ErrOverloaded, // TOO_MANY_PARTS
	439: ErrOverloaded, // CANNOT_SCHEDULE_TASK
	745: ErrOverloaded, // SERVER_OVERLOADED

	243: ErrNoSpace, // NOT_ENOUGH_SPACE

	16: ErrNotMigrated, // NO_SUCH_COLUMN_IN_TABLE
	47: ErrNotMigrated, // UNKNOWN_IDENTIFIER
	60: ErrNotMigrated, // UNKNOWN_TABLE
	81: ErrNotMigrated, // UNKNOWN_DATABASE

	164: ErrDenied, // READONLY
	192: ErrDenied, // UNKNOWN_USER
	193: ErrDenied, // WRONG_PASSWORD
	194: ErrDenied, // REQUIRED_PASSWORD
	497: ErrDenied, // ACCESS_DENIED
	516: ErrDenied, // AUTHENTICATION_FAILED
}

// classify gives err the operation's name and a sentinel. The end of the
// caller's own context is neither the server's fault nor hidden.
func classify(operation string, err error) error {
	if err == nil {
		return nil
	}
	if kind := sentinel(err); kind != nil {
		return fmt.Errorf("%s: %w: %w", operation, kind, err)
	}
	return fmt.Errorf("%s: %w", operation, err)
}

func sentinel(err error) error {
	var exception *driver.Exception
	if errors.As(err, &exception) {
		if kind, known := sentinels[exception.Code]; known {
			return kind
		}
		return ErrRejected
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	var status *driver.HTTPError
	if errors.As(err, &status) {
		return statusSentinel(status.StatusCode)
	}
	var network net.Error
	if errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, driver.ErrAcquireConnTimeout) || errors.Is(err, net.ErrClosed) {
		return ErrUnavailable
	}
	return nil
}

// statusSentinel is for an answer without an exception, from a proxy perhaps.
func statusSentinel(status int) error {
	switch {
	case status == 401 || status == 403:
		return ErrDenied
	case status == 429:
		return ErrOverloaded
	case status >= 500:
		return ErrUnavailable
	}
	return ErrRejected
}
