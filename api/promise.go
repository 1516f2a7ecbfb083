package api

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/trace"

	"puenktlich/internal/withhold"
)

// promise is an answer that is written and not sent before its forecasts are on disk.
type promise struct {
	s         *server
	conn      *withhold.Conn
	requestID string
	trace     trace.TraceID
	path      string // of the request
	route     string
	begun     time.Time
}

// promise holds the answer back that the handler is about to write; nil where the
// connection cannot, and the handler has to wait for the log.
func (s *server) promise(c *gin.Context) *promise {
	conn := withhold.From(c.Request.Context())
	if conn == nil || !conn.Hold() {
		return nil
	}
	held := callOf(c)
	held.promise = &promise{s: s, conn: conn, requestID: held.requestID, trace: held.span.TraceID(), path: c.Request.URL.Path, route: c.FullPath(), begun: held.begun}
	return held.promise
}

// drop lets the handler answer without it.
func (p *promise) drop() {
	if p != nil {
		p.conn.Release()
	}
}

// logged is nil without a promise.
func (p *promise) logged() func(error) {
	if p == nil {
		return nil
	}
	return p.keep
}

// keep sends the answer, or the reason why there is none in its place: a forecast that
// could not be logged is not given out.
func (p *promise) keep(err error) {
	if err != nil {
		go p.refuse(err) // it logs, and the log of predictions must not wait for that
		return
	}
	p.measure(http.StatusOK)
	p.conn.Release()
}

func (p *promise) refuse(err error) {
	e := describe(err)
	p.s.o.Logger.Error("request failed", "request_id", p.requestID, "trace_id", p.trace.String(), "method", http.MethodGet, "path", p.path, "error", err)
	p.measure(kinds[e.Kind].status)
	p.conn.Replace(refusal(p.requestID, e))
}

// measure comes before the answer: whoever has it finds it counted.
func (p *promise) measure(status int) {
	p.s.timesOf(outcome{p.route, status}).Observe(time.Since(p.begun).Seconds())
}

// refusal is a problem as it goes over the wire; the connection ends with it.
func refusal(requestID string, e *Error) []byte {
	w := unsent{header: http.Header{"X-Request-Id": {requestID}, "X-Content-Type-Options": {"nosniff"}}}
	for name, values := range e.Header {
		w.header[name] = values
	}
	send(&w, requestID, e)
	response := http.Response{ProtoMajor: 1, ProtoMinor: 1, StatusCode: w.status, Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Close: true}
	var b bytes.Buffer
	if err := response.Write(&b); err != nil {
		panic(fmt.Sprintf("api: write a response to memory: %v", err)) // it reads from memory too
	}
	return b.Bytes()
}

// unsent takes an answer.
type unsent struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (u *unsent) Header() http.Header         { return u.header }
func (u *unsent) WriteHeader(status int)      { u.status = status }
func (u *unsent) Write(b []byte) (int, error) { return u.body.Write(b) }
