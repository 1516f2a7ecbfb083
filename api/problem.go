package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

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
	KindPassed // the planned time is over
	KindTooLarge
	KindMedia // a body of a type that is not taken
	KindTimeout
	KindUnavailable
	KindInternal
)

var kinds = map[Kind]struct {
	status      int
	name, title string
}{
	KindInvalid:     {http.StatusBadRequest, "invalid-request", "The request is not right"},
	KindNotFound:    {http.StatusNotFound, "not-found", "There is no such thing"},
	KindMethod:      {http.StatusMethodNotAllowed, "method", "This method is not allowed here"},
	KindPassed:      {http.StatusUnprocessableEntity, "event-passed", "The event's planned time has passed"},
	KindTooLarge:    {http.StatusRequestEntityTooLarge, "too-large", "More than is taken at once"},
	KindMedia:       {http.StatusUnsupportedMediaType, "media-type", "The body is of a type that is not taken"},
	KindTimeout:     {http.StatusRequestTimeout, "timeout", "The request came too slowly"},
	KindUnavailable: {http.StatusServiceUnavailable, "unavailable", "Not available at the moment"},
	KindInternal:    {http.StatusInternalServerError, "internal", "Something went wrong on our side"},
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
}

// describe turns any error of a handler into one for the caller. What is not
// meant for callers is only named, and logged elsewhere.
func describe(err error) *Error {
	var own *Error
	switch {
	case errors.As(err, &own):
		return own
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
	if kinds[e.Kind].status >= http.StatusInternalServerError {
		s.o.Logger.Error("request failed", "request_id", requestID(c), "method", c.Request.Method, "path", c.Request.URL.Path, "error", c.Errors.Errors())
	}
	writeProblem(c, e)
}

func writeProblem(c *gin.Context, e *Error) {
	if infer.WriteForeign(c.Writer, c.Request.URL.Path, kinds[e.Kind].status, e.Detail) {
		return
	}
	send(c.Writer, requestID(c), e)
}

func send(w http.ResponseWriter, requestID string, e *Error) {
	kind := kinds[e.Kind]
	body, err := json.Marshal(problem{Type: "urn:puenktlich:problem:" + kind.name, Title: kind.title, Status: kind.status,
		Detail: e.Detail, RequestID: requestID, Accepted: e.Accepted, Near: e.Near})
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
