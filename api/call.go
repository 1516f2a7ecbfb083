package api

import (
	"context"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"puenktlich/internal/access"
	"puenktlich/internal/serving"
)

// call is what the middlewares know of one request.
type call struct {
	requestID string
	span      trace.SpanContext
	caller    access.Caller
	// Where the time went before a handler asked for forecasts.
	begun    time.Time // of the request
	admitted time.Time // zero until the caller was let in
	asked    time.Time // zero until the forecasts are asked for
}

// asks ends the part of a request that read it.
func (held *call) asks() { held.asked = time.Now() }

const callKey = "call"

// callOf never answers nil: what runs without the middlewares has an empty call.
func callOf(c *gin.Context) *call {
	if held, found := c.Get(callKey); found {
		return held.(*call)
	}
	return &call{}
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
	held := &call{begun: time.Now(), span: spanOf(c.Request.Header)}
	if held.requestID = c.GetHeader("X-Request-Id"); !sane.MatchString(held.requestID) {
		held.requestID = held.span.TraceID().String() + "-" + held.span.SpanID().String()
	}
	c.Set(callKey, held)
	header := c.Writer.Header()
	header["X-Request-Id"] = []string{held.requestID}
	header["Traceparent"] = []string{traceparent(held.span)}
	header["X-Content-Type-Options"] = []string{"nosniff"}
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

func traceparent(span trace.SpanContext) string {
	return "00-" + span.TraceID().String() + "-" + span.SpanID().String() + "-" + span.TraceFlags().String()
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

// serverTiming says where the time of a forecast went, in milliseconds.
func serverTiming(c *gin.Context, t serving.Timing) {
	held := callOf(c)
	b := make([]byte, 0, 128)
	for _, part := range [...]struct {
		name string
		took time.Duration
	}{{"auth", held.admitted.Sub(held.begun)}, {"parse", held.asked.Sub(held.admitted)}, {"features", t.Features}, {"predict", t.Predict}, {"log", t.Log}} {
		if len(b) > 0 {
			b = append(b, ", "...)
		}
		b = append(append(b, part.name...), ";dur="...)
		b = strconv.AppendFloat(b, float64(max(0, part.took).Microseconds())/1000, 'f', 3, 64)
	}
	c.Writer.Header()["Server-Timing"] = []string{string(b)}
}
