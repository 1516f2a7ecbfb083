package chengine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"
)

// The time that requests get to end once their statements have been killed:
// first by themselves, then with their connections closed.
const (
	stopGently = 5 * time.Second
	stopHard   = 10 * time.Second
)

// Serve runs the engine and blocks until ctx ends; ready is called once, with
// the address (host:port) that answers requests. When ctx ends it stops
// accepting, kills running statements, closes the engine and returns nil.
//
// Errors before ready say what to do: the library is missing or not loadable,
// the data directory is in use by another engine, the disk is full, the port
// is taken. The library cannot be loaded twice, so Serve runs once a process.
func Serve(ctx context.Context, opts Options, ready func(addr string)) error {
	opts, err := opts.completed()
	if err != nil {
		return err
	}
	if err := checkLibrary(opts.LibraryPath); err != nil {
		return err
	}
	listener, err := listen(ctx, opts.Listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	eng, err := openEngine(opts)
	if err != nil {
		return err
	}
	return serve(ctx, opts, eng, listener, ready)
}

func listen(ctx context.Context, addr string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("port taken: another program listens on %s; stop it or configure another port for the ClickHouse engine", addr)
	}
	if err != nil {
		return nil, fmt.Errorf("ClickHouse engine: %w", err)
	}
	return listener, nil
}

func serve(ctx context.Context, opts Options, eng *engine, listener net.Listener, ready func(addr string)) error {
	running, killAll := context.WithCancel(context.WithoutCancel(ctx))
	defer killAll()
	requests := newHandler(opts, eng)
	server := &http.Server{
		Handler:           requests,
		BaseContext:       func(net.Listener) context.Context { return running },
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	opts.Logger.Info("ClickHouse engine ready", "addr", listener.Addr().String(), "version", eng.version, "data", opts.DataDir)
	ready(listener.Addr().String())
	var cause error
	select {
	case <-ctx.Done():
	case err := <-failed:
		cause = fmt.Errorf("ClickHouse engine: %w", err)
	}
	killAll()
	if err := stop(server, requests); err != nil {
		return errors.Join(cause, err)
	}
	eng.close()
	return cause
}

// stop ends the server and waits for the requests inside the engine. An engine
// with a statement inside cannot be closed; it then ends with the process,
// which loses nothing that was acknowledged.
func stop(server *http.Server, requests *handler) error {
	gently, cancel := context.WithTimeout(context.Background(), stopGently)
	defer cancel()
	if server.Shutdown(gently) == nil {
		return nil
	}
	_ = server.Close()
	select {
	case <-requests.idle():
		return nil
	case <-time.After(stopHard):
		return fmt.Errorf("stop ClickHouse engine: statements still run %s after they were killed", stopGently+stopHard)
	}
}
