package api

import (
	"log/slog"
	"net"
	"net/http"
	"time"

	"puenktlich/internal/withhold"
)

// Times bound how long a connection may take over what.
type Times struct {
	Header time.Duration // to send a request's header
	Read   time.Duration // to send a whole request; routes with long bodies extend it
	Write  time.Duration // from the end of the header to the end of the answer
	Idle   time.Duration // between requests
}

// DefaultTimes are those of an instance.
func DefaultTimes() Times {
	return Times{Header: 5 * time.Second, Read: readWithin, Write: writeWithin, Idle: time.Minute}
}

// maxHeaderBytes of a request, its line included. The server adds 4 KiB.
const maxHeaderBytes = 16 << 10

// NewServer bounds what callers may take of an instance: whoever dribbles a
// request is hung up on.
func NewServer(h http.Handler, t Times, logger *slog.Logger) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: t.Header, ReadTimeout: t.Read, WriteTimeout: t.Write, IdleTimeout: t.Idle,
		ConnContext: withhold.InContext, MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn)}
}

// Serve answers on a listener as [http.Server.Serve] does. A single forecast is sent
// when the log on disk has it, and no goroutine waits for that.
func Serve(server *http.Server, l net.Listener) error { return server.Serve(withhold.Listener(l)) }
