package chengine

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
)

// DefaultDatabase exists in every engine and is used by requests that name no
// database.
const DefaultDatabase = "puenktlich"

// Options says what Serve serves and to whom.
type Options struct {
	// LibraryPath is the file libchdb.so, as `make setup` puts it in place. Required.
	LibraryPath string
	// DataDir holds tables and the engine's configuration; it is created when
	// absent and belongs to one engine at a time. Required.
	DataDir string
	// Listen is a loopback address host:port; port 0 takes a free one.
	// Defaults to 127.0.0.1:0.
	Listen string
	// User is the only user name accepted. Defaults to "default".
	User string
	// Password is the token every request but /ping must carry. Required: every
	// program on this machine can reach a loopback port.
	Password string
	// MaxMemoryBytes bounds all statements together; one that would exceed it
	// ends with exception 241. 0 leaves the engine's own bound, 90 % of the
	// machine's memory.
	MaxMemoryBytes uint64
	// Logger receives one debug line a statement and warnings. Defaults to none.
	Logger *slog.Logger
}

// completed fills in defaults and reports everything that is wrong at once.
func (o Options) completed() (Options, error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.User == "" {
		o.User = "default"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	problems := []error{checkLoopback(o.Listen)}
	if o.Password == "" {
		problems = append(problems, errors.New("no password is set: give the engine a token that its clients send"))
	}
	if o.DataDir == "" {
		problems = append(problems, errors.New("no data directory is set"))
	} else if dir, err := filepath.Abs(o.DataDir); err != nil {
		problems = append(problems, fmt.Errorf("data directory %s: %w", o.DataDir, err))
	} else {
		o.DataDir = dir
	}
	if o.LibraryPath == "" {
		problems = append(problems, errors.New("no library path is set: run `make setup` and name the file it reports"))
	}
	if err := errors.Join(problems...); err != nil {
		return Options{}, fmt.Errorf("ClickHouse engine options: %w", err)
	}
	return o, nil
}

// checkLoopback accepts literal loopback addresses and localhost. The engine's
// token travels in clear text and must not leave the machine.
func checkLoopback(listen string) error {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("listen address %q: %w; write it as 127.0.0.1:8123", listen, err)
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("listen address %q is not on loopback: the local engine serves this machine only; use 127.0.0.1 or a ClickHouse server", listen)
}
