package api

import (
	"context"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"puenktlich/internal/access"
	"puenktlich/internal/serving"
)

// call is what the middlewares know of one request. It goes with the request as its
// writer, which is found without a search.
type call struct {
	gin.ResponseWriter
	requestID string
	span      trace.SpanContext
	caller    access.Caller
	// Where the time went before a handler asked for forecasts.
	begun    time.Time // of the request
	admitted time.Time // zero until the caller was let in
	asked    time.Time // zero until the forecasts are asked for
	promise  *promise  // nil: the answer goes out as it is written
	promised bool      // the answer is sent when its forecasts are on disk
	// trace and timing are values of headers.
	trace     string
	timing    []byte // used again
	lines     []byte // used again
	announced bool
	// query is set by strict; room spares most requests an allocation.
	query []queried
	room  [6]queried
}

// announce gives the answer the headers that every one has, before somebody else writes
// any: as lines where a connection takes them, for a header that net/http sorts, copies
// and checks costs a forecast more than its features.
func (held *call) announce() {
	if held.announced {
		return
	}
	held.announced = true
	policy, rate := limits(held.caller)
	own := [...]struct{ name, value string }{{"X-Request-Id", held.requestID}, {"Traceparent", held.trace}, {"X-Content-Type-Options", "nosniff"},
		{"Server-Timing", string(held.timing)}, {"Ratelimit-Policy", policy}, {"Ratelimit", rate}}
	if held.promised {
		b := held.lines[:0]
		for _, h := range own { // none of their values is a caller's, but for an id that is sane
			if h.value != "" {
				b = append(append(append(append(b, h.name...), ": "...), h.value...), "\r\n"...)
			}
		}
		held.lines = b
		held.promise.conn.Lead(b)
		return
	}
	header := held.ResponseWriter.Header()
	for _, h := range own {
		if h.value != "" {
			header[h.name] = []string{h.value}
		}
	}
}

// Whoever writes, or looks at the headers, comes after announce.

func (held *call) Header() http.Header {
	held.announce()
	return held.ResponseWriter.Header()
}

func (held *call) Write(b []byte) (int, error) {
	held.announce()
	return held.ResponseWriter.Write(b)
}

func (held *call) WriteString(s string) (int, error) {
	held.announce()
	return held.ResponseWriter.WriteString(s)
}

func (held *call) WriteHeaderNow() {
	held.announce()
	held.ResponseWriter.WriteHeaderNow()
}

func (held *call) Flush() {
	held.announce()
	held.ResponseWriter.Flush()
}

// calls are used again: they would be half of the memory that a request asks for.
var calls = sync.Pool{New: func() any { return new(call) }}

// asks ends the part of a request that read it.
func (held *call) asks() { held.asked = time.Now() }

// Unwrap lets http.ResponseController find what it controls.
func (held *call) Unwrap() http.ResponseWriter { return held.ResponseWriter }

// callOf never answers nil: what runs without the middlewares has an empty call.
func callOf(c *gin.Context) *call {
	if held, found := c.Writer.(*call); found {
		return held
	}
	return &call{ResponseWriter: c.Writer}
}

func requestID(c *gin.Context) string { return callOf(c).requestID }

// callerOf is who asks, for handlers that store in someone's name.
func callerOf(c *gin.Context) access.Caller { return callOf(c).caller }

// sane is an id that a caller may give: it stands in logs and tables.
var sane = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// identify gives a request its trace and its id. The trace is the caller's, by
// W3C Trace Context, or a new one; the id is the caller's, or names trace and span,
// so that logs, logged forecasts and workflows lead back to the trace.
func (s *server) identify(c *gin.Context) {
	held := calls.Get().(*call)
	*held = call{ResponseWriter: c.Writer, begun: time.Now(), span: spanOf(c.Request.Header), timing: held.timing[:0], lines: held.lines[:0]}
	held.trace = traceparent(held.span)
	if held.requestID = c.GetHeader("X-Request-Id"); held.requestID == "" || !sane.MatchString(held.requestID) {
		held.requestID = held.trace[len("00-") : len(held.trace)-len("-00")]
	}
	c.Writer = held
	defer func() {
		c.Writer = held.ResponseWriter
		calls.Put(held)
	}()
	c.Next()
	held.announce() // an answer without a body is written after this
}

// spanOf is a span of ours in the caller's trace. A header that is not valid is
// no header.
func spanOf(h http.Header) trace.SpanContext {
	config := trace.SpanContextConfig{SpanID: newSpanID(), Remote: false}
	if given := h["Traceparent"]; len(given) == 1 {
		parent := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), propagation.HeaderCarrier(h)))
		if parent.IsValid() {
			config.TraceID, config.TraceFlags, config.TraceState = parent.TraceID(), parent.TraceFlags(), parent.TraceState()
		}
	}
	if !config.TraceID.IsValid() {
		config.TraceID = newTraceID()
	}
	return trace.NewSpanContext(config)
}

// Trace and span ids are random, not secret.
func newTraceID() (id trace.TraceID) {
	for !id.IsValid() {
		putUint64(id[:8], rand.Uint64())
		putUint64(id[8:], rand.Uint64())
	}
	return id
}

func newSpanID() (id trace.SpanID) {
	for !id.IsValid() {
		putUint64(id[:], rand.Uint64())
	}
	return id
}

func putUint64(b []byte, v uint64) {
	for i := range 8 {
		b[i] = byte(v >> (8 * i))
	}
}

// traceparent names a span as W3C Trace Context has it: version, trace, span, flags.
func traceparent(span trace.SpanContext) string {
	trace, id := span.TraceID(), span.SpanID()
	b := make([]byte, 0, len("00-")+2*len(trace)+len("-")+2*len(id)+len("-00"))
	b = hex.AppendEncode(append(b, "00-"...), trace[:])
	b = hex.AppendEncode(append(b, '-'), id[:])
	return string(hex.AppendEncode(append(b, '-'), []byte{byte(span.TraceFlags())}))
}

// secretOf reads the key a request carries: a bearer token, X-Api-Key, or the
// password that a browser asks for. What else stands there is no key, and is
// refused as one.
func secretOf(r *http.Request) string {
	given := r.Header["Authorization"]
	if len(given) == 0 {
		return r.Header.Get("X-Api-Key")
	}
	scheme, token, _ := strings.Cut(given[0], " ")
	if strings.EqualFold(scheme, "Bearer") && token != "" {
		return token
	}
	if _, password, ok := r.BasicAuth(); ok && password != "" {
		return password
	}
	return "?"
}

// serverTiming says where the time of a forecast went, in milliseconds. An answer that
// is promised waits for the log afterwards, and cannot say how long.
func serverTiming(c *gin.Context, t serving.Timing) {
	held := callOf(c)
	parts := [...]struct {
		name string
		took time.Duration
	}{{"auth", held.admitted.Sub(held.begun)}, {"parse", held.asked.Sub(held.admitted)}, {"features", t.Features}, {"predict", t.Predict}, {"log", t.Log}}
	known := parts[:]
	if held.promised {
		known = known[:len(known)-1]
	}
	b := held.timing[:0]
	for _, part := range known {
		if len(b) > 0 {
			b = append(b, ", "...)
		}
		b = append(append(b, part.name...), ";dur="...)
		b = appendMilliseconds(b, max(0, part.took))
	}
	if held.timing = b; held.announced {
		held.Header()["Server-Timing"] = []string{string(b)}
	}
}

// appendMilliseconds writes a duration in milliseconds with three decimals.
func appendMilliseconds(b []byte, d time.Duration) []byte {
	micros := d.Microseconds()
	b = append(strconv.AppendInt(b, micros/1000, 10), '.')
	rest := micros % 1000
	return append(b, byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
}
