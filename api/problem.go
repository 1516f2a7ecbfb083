package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/gin-gonic/gin"

	"puenktlich/api/infer"
	"puenktlich/internal/serving"
)

// Kind says what is wrong with a request or with us.
type Kind int

// Kinds of errors, each with its status.
const (
	KindInvalid Kind = iota + 1
	KindNotFound
	KindMethod
	KindPassed    // the planned time is over
	KindUnplanned // its train stands in no plan
	KindAmbiguous // several events have the name
	KindTooLarge
	KindMedia   // the body is of another type
	KindTimeout // the body came too slowly
	KindUnavailable
	KindInternal
	KindUnauthorized // no key, or none that holds
	KindForbidden    // a key whose role does not reach
	KindTooMany      // faster than the caller's rate
	KindConflict     // the state of things does not allow it
	KindSlow         // not done within the route's time
)

var kinds = map[Kind]struct {
	status      int
	name, title string
}{
	KindInvalid:     {http.StatusBadRequest, "invalid-request", "The request is not right"},
	KindNotFound:    {http.StatusNotFound, "not-found", "There is no such thing"},
	KindMethod:      {http.StatusMethodNotAllowed, "method", "This method is not allowed here"},
	KindPassed:      {http.StatusUnprocessableEntity, "event-passed", "The event's planned time has passed"},
	KindUnplanned:   {http.StatusUnprocessableEntity, "no-plan", "There is no forecast of a train without a plan"},
	KindAmbiguous:   {http.StatusConflict, "ambiguous", "Several things have this name"},
	KindTooLarge:    {http.StatusRequestEntityTooLarge, "too-large", "The request is too large"},
	KindMedia:       {http.StatusUnsupportedMediaType, "media-type", "The body is of another type"},
	KindTimeout:     {http.StatusRequestTimeout, "timeout", "The request came too slowly"},
	KindUnavailable: {http.StatusServiceUnavailable, "unavailable", "Not available at the moment"},
	KindInternal:    {http.StatusInternalServerError, "internal", "Something went wrong on our side"},

	KindUnauthorized: {http.StatusUnauthorized, "unauthorized", "An API key is needed"},
	KindForbidden:    {http.StatusForbidden, "forbidden", "This API key may not do that"},
	KindTooMany:      {http.StatusTooManyRequests, "too-many-requests", "Too many requests"},
	KindConflict:     {http.StatusConflict, "conflict", "Not as things stand"},
	KindSlow:         {http.StatusGatewayTimeout, "too-slow", "It took too long"},
}

// Error is what a handler returns when a request cannot be answered. Detail is
// a sentence for the caller and says what to change.
type Error struct {
	Kind   Kind
	Detail string
	// Accepted are the names or values that would do.
	Accepted []string
	// Near are stations, models or events that may have been meant.
	Near []Match
	// Railway is what it says itself of an event that is not forecast; nil for none.
	Railway *railwaySays
	// Header goes with the answer; nil for none.
	Header http.Header
}

// Match is something that may have been meant.
type Match struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Error is the detail.
func (e *Error) Error() string { return e.Detail }

func invalid(format string, args ...any) *Error {
	return &Error{Kind: KindInvalid, Detail: fmt.Sprintf(format, args...)}
}

func unavailable(format string, args ...any) *Error {
	return &Error{Kind: KindUnavailable, Detail: fmt.Sprintf(format, args...)}
}

// problem is the body of RFC 9457.
type problem struct {
	Type      string   `json:"type"`
	Title     string   `json:"title"`
	Status    int      `json:"status"`
	Detail    string   `json:"detail"`
	RequestID string   `json:"request_id"`
	Accepted  []string `json:"accepted,omitempty"`
	Near      []Match  `json:"near,omitempty"`
	// Railway stands in problems of trains without a plan.
	Railway *railwaySays `json:"railway,omitempty"`
}

// describe turns any error of a handler into one for the caller. What is not
// meant for callers is only named, and logged elsewhere.
func describe(err error) *Error {
	var own *Error
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &large):
		return tooLarge(large.Limit)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return &Error{Kind: KindSlow, Detail: "this took longer than it may: ask for less at once, or again later"}
	case errors.Is(err, serving.ErrNoChampion):
		return unavailable("%v", serving.ErrNoChampion)
	case errors.Is(err, serving.ErrNotLogged):
		return unavailable("the forecast was made but could not be logged, and is not given out unlogged; try again later")
	}
	return &Error{Kind: KindInternal, Detail: "the log of this instance has the cause under the request id"}
}

// problems is the one place where errors become answers.
func (s *server) problems(c *gin.Context) {
	c.Next()
	last := c.Errors.Last()
	if last == nil {
		return
	}
	e := describe(last.Err)
	// That the live state still fills is in /readyz and the metrics; a line for each
	// request of a start would bury what is wrong.
	if kinds[e.Kind].status >= http.StatusInternalServerError && e != errNotFilled {
		s.o.Logger.Error("request failed", "request_id", requestID(c), "trace_id", callOf(c).span.TraceID(), "method", c.Request.Method, "path", c.Request.URL.Path, "error", c.Errors.Errors())
	}
	writeProblem(c, e)
}

// problemOf is an error as the answer to one of several things that were asked.
func problemOf(c *gin.Context, err error) *problem {
	return problemFrom(requestID(c), describe(err))
}

func problemFrom(requestID string, e *Error) *problem {
	kind := kinds[e.Kind]
	return &problem{Type: "urn:puenktlich:problem:" + kind.name, Title: kind.title, Status: kind.status,
		Detail: e.Detail, RequestID: requestID, Accepted: e.Accepted, Near: e.Near, Railway: e.Railway}
}

func writeProblem(c *gin.Context, e *Error) {
	for name, values := range e.Header {
		c.Writer.Header()[name] = values
	}
	if infer.WriteForeign(c.Writer, c.Request.URL.Path, kinds[e.Kind].status, e.Detail) {
		return
	}
	send(c.Writer, requestID(c), e)
}

func send(w http.ResponseWriter, requestID string, e *Error) {
	kind := kinds[e.Kind]
	body, err := json.Marshal(problemFrom(requestID, e))
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	if kind.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(kind.status)
	_, _ = w.Write(body)
}
