package timetables

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// StatusError is an answer that is not 200. One with 404 is ErrNotFound too.
type StatusError struct {
	Call   Call
	Status int
	// RetryAfter is how long the server asked to wait, zero where it did not.
	RetryAfter time.Duration
	Body       string // the beginning of the answer, at most 120 bytes
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("call %s: status %d %s", callName(e.Call), e.Status, http.StatusText(e.Status))
	if e.RetryAfter > 0 {
		text += ", retry after " + e.RetryAfter.String()
	}
	if e.Body != "" {
		text += fmt.Sprintf(": %q", e.Body)
	}
	return text
}

// Is makes errors.Is(err, ErrNotFound) true for 404.
func (e *StatusError) Is(target error) bool {
	return target == ErrNotFound && e.Status == http.StatusNotFound
}

// Temporary says whether the same call may succeed later: 408, 429 and 5xx.
func (e *StatusError) Temporary() bool {
	return e.Status == http.StatusRequestTimeout || e.Status == http.StatusTooManyRequests ||
		e.Status >= http.StatusInternalServerError
}

// maxRetryAfter bounds what is taken for a number of seconds.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads seconds, or a date against the server's own Date header, in
// the lack of which against this machine's time.
func retryAfter(header http.Header) time.Duration {
	value := header.Get("Retry-After")
	if value == "" {
		return 0
	}
	if seconds, err := strconv.Atoi(value); err == nil {
		return time.Duration(max(0, min(seconds, int(maxRetryAfter/time.Second)))) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		date = time.Now()
	}
	return max(0, min(at.Sub(date), maxRetryAfter))
}
