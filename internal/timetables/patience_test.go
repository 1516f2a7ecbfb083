package timetables_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"puenktlich/internal/timetables"
)

// script is a transport that answers one line after the other, the last one
// for ever, and notes when it was asked.
type script struct {
	mu    sync.Mutex
	lines []line
	asked []time.Time
}

type line struct {
	status int
	header map[string]string
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.lines[min(len(s.asked), len(s.lines)-1)]
	s.asked = append(s.asked, time.Now())
	header := http.Header{}
	for name, value := range next.header {
		header.Set(name, value)
	}
	return &http.Response{
		StatusCode: next.status, Header: header, Request: r,
		Body: io.NopCloser(strings.NewReader("<timetable/>" + strings.Repeat("x", 500))),
	}, nil
}

func (s *script) client(t *testing.T, perMinute int) *timetables.Client {
	t.Helper()
	return newClient(t, timetables.ClientOptions{
		BaseURL: "http://api.example/v1", CallsPerMinute: perMinute, HTTP: &http.Client{Transport: s},
	})
}

var rchg = timetables.Call{Kind: timetables.CallRecent, EVA: 8000150}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		lines []line
		calls int
		took  time.Duration
		want  int // status of the error, 0 for none
	}{
		{"seconds", []line{{429, map[string]string{"Retry-After": "17"}}, {200, nil}}, 2, 17 * time.Second, 0},
		{"date", []line{{503, map[string]string{
			"Date": "Mon, 01 Jul 2024 06:00:00 GMT", "Retry-After": "Mon, 01 Jul 2024 06:00:05 GMT",
		}}, {200, nil}}, 2, 5 * time.Second, 0},
		{"not told: one, two, four seconds", []line{{429, nil}}, 4, 7 * time.Second, 429},
		{"too long", []line{{429, map[string]string{"Retry-After": "3600"}}}, 1, 0, 429},
		{"other errors are the caller's", []line{{500, nil}}, 1, 0, 500},
		{"not found", []line{{404, map[string]string{"Retry-After": "5"}}}, 1, 0, 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{lines: c.lines}
				began := time.Now()
				_, err := s.client(t, 0).Get(t.Context(), rchg)
				got := 0
				if status := (*timetables.StatusError)(nil); errors.As(err, &status) {
					got = status.Status
				}
				if got != c.want || len(s.asked) != c.calls || time.Since(began) != c.took {
					t.Errorf("%v after %s and %d calls, want status %d after %s and %d", err, time.Since(began), len(s.asked), c.want, c.took, c.calls)
				}
			})
		})
	}
}

func TestStatusErrorTells(t *testing.T) {
	t.Parallel()
	s := &script{lines: []line{{429, map[string]string{"Retry-After": "3600"}}}}
	_, err := s.client(t, 0).Get(t.Context(), rchg)
	status := (*timetables.StatusError)(nil)
	if !errors.As(err, &status) || status.RetryAfter != time.Hour || status.Call != rchg || len(status.Body) != 120 || !status.Temporary() {
		t.Fatalf("got %+v", err)
	}
	if want := "call rchg/8000150: status 429 Too Many Requests, retry after 1h0m0s: "; !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %q, want %q...", err, want)
	}
	if errors.Is(err, timetables.ErrNotFound) {
		t.Error("429 is taken for not found")
	}
}

// Twenty-one callers at sixty calls a minute: one a second, in order.
func TestCallsPerMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{lines: []line{{200, nil}}}
		client := s.client(t, 60)
		var all sync.WaitGroup
		for range 21 {
			all.Go(func() {
				if _, err := client.Get(t.Context(), rchg); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for i := 1; i < len(s.asked); i++ {
			if gap := s.asked[i].Sub(s.asked[i-1]); gap != time.Second {
				t.Errorf("call %d after %s, want 1s", i, gap)
			}
		}
	})
}

// One caller's 429 holds back all callers of the client.
func TestPauseIsShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{lines: []line{{429, map[string]string{"Retry-After": "30"}}, {200, nil}}}
		client := s.client(t, 0)
		began := time.Now()
		var both sync.WaitGroup
		both.Go(func() { _, _ = client.Get(t.Context(), rchg) })
		synctest.Wait()
		both.Go(func() { _, _ = client.Get(t.Context(), rchg) })
		both.Wait()
		if len(s.asked) != 3 || s.asked[1].Sub(began) < 30*time.Second {
			t.Errorf("asked at %v, began %v", s.asked, began)
		}
	})
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{lines: []line{{429, map[string]string{"Retry-After": "50"}}}}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		_, err := s.client(t, 0).Get(ctx, rchg)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 10*time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}
