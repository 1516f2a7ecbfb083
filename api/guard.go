package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"puenktlich/internal/access"
)

// Gate lets callers in; *access.Refusal says why not.
type Gate interface {
	Admit(ask access.Ask) (access.Caller, error)
}

// admit lets those pass whose key has the role of the route. What asks for no
// role is open to everyone and counts against nobody.
func (s *server) admit(r route) gin.HandlerFunc {
	if r.role == "" || s.o.Gate == nil {
		return func(c *gin.Context) { callOf(c).admitted = time.Now() }
	}
	return adapt(func(c *gin.Context) error {
		held := callOf(c)
		caller, err := s.o.Gate.Admit(access.Ask{Secret: secretOf(c.Request), Remote: c.Request.RemoteAddr, Host: c.Request.Host, Wanted: r.role})
		held.caller, held.admitted = caller, time.Now()
		if err == nil {
			return nil
		}
		var refusal *access.Refusal
		if !errors.As(err, &refusal) {
			return err
		}
		e := refused(refusal)
		if e.Kind == KindUnauthorized && c.GetHeader("Sec-Fetch-Mode") != "" { // a browser, which can ask its user
			e.Header.Add("WWW-Authenticate", `Basic realm="puenktlich: the API key is the password"`)
		}
		return e
	})
}

// limits tells a caller its own rate, as draft-ietf-httpapi-ratelimit-headers
// has it: the headers Ratelimit-Policy and Ratelimit. Both are empty without one.
func limits(caller access.Caller) (policy, rate string) {
	if caller.PerSecond == 0 {
		return "", ""
	}
	window := max(1, int(math.Ceil(float64(caller.Burst)/caller.PerSecond)))
	return `"requests";q=` + strconv.Itoa(caller.Burst) + ";w=" + strconv.Itoa(window),
		`"requests";r=` + strconv.Itoa(caller.Remaining) + ";t=" + strconv.Itoa(max(1, int(math.Ceil(1/caller.PerSecond))))
}

func bearer(problem string, wanted access.Role) string {
	return fmt.Sprintf(`Bearer realm="puenktlich"%s, scope="%s"`, problem, wanted)
}

// refused is a refusal as a problem.
func refused(r *access.Refusal) *Error {
	e := &Error{Detail: r.Detail, Header: http.Header{}}
	switch r.Reason {
	case access.Missing:
		e.Kind = KindUnauthorized
		e.Header.Set("WWW-Authenticate", bearer("", r.Wanted))
	case access.Invalid:
		e.Kind = KindUnauthorized
		e.Header.Set("WWW-Authenticate", bearer(`, error="invalid_token"`, r.Wanted))
	case access.Forbidden:
		e.Kind = KindForbidden
		e.Header.Set("WWW-Authenticate", bearer(`, error="insufficient_scope"`, r.Wanted))
	case access.TooMany:
		e.Kind = KindTooMany
		e.Header.Set("Retry-After", strconv.Itoa(int(math.Ceil(r.Again.Seconds()))))
	default:
		e.Kind = KindUnavailable
	}
	return e
}

// Bounds of a request that names none of its own.
const (
	defaultWithin = 15 * time.Second // of a handler
	readWithin    = 15 * time.Second // of a body
	writeWithin   = 30 * time.Second // of an answer, from the start of the request
)

// bound holds a request to the size and the time of its route. What reads the
// body beyond gets *http.MaxBytesError, what works beyond an ended context.
func (s *server) bound(r route) gin.HandlerFunc {
	within := r.within
	if within == 0 {
		within = defaultWithin
	}
	media := r.media
	if len(media) == 0 {
		media = []string{"application/json"}
	}
	return adapt(func(c *gin.Context) error {
		if r.within > 0 { // the server's own times do for all others
			control, now := http.NewResponseController(c.Writer), time.Now()
			_ = control.SetReadDeadline(now.Add(max(readWithin, within))) // not on a recorder
			_ = control.SetWriteDeadline(now.Add(writeWithin + within))
		}
		switch {
		case r.body == 0 && c.Request.ContentLength != 0:
			return invalid("%s %s takes no body: leave it away", c.Request.Method, c.FullPath())
		case c.Request.ContentLength > r.body:
			return tooLarge(r.body)
		case r.body > 0:
			given := c.GetHeader("Content-Type")
			if kind, _, err := mime.ParseMediaType(given); err != nil || !slices.Contains(media, kind) {
				return &Error{Kind: KindMedia, Accepted: media, Detail: fmt.Sprintf("Content-Type %q: send the body as %s", given, strings.Join(media, " or "))}
			}
			c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, r.body)
		}
		if !r.local {
			ctx, cancel := context.WithTimeout(c.Request.Context(), within)
			defer cancel()
			c.Request = c.Request.WithContext(ctx)
			c.Next()
		}
		return nil
	})
}

func tooLarge(limit int64) *Error {
	return &Error{Kind: KindTooLarge, Detail: fmt.Sprintf("the body has more than %d bytes: send it in parts", limit)}
}
