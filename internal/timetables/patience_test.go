package timetables_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
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
	status int // 0: no connection; -1: no answer until the caller's patience ends
	header map[string]string
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.lines[min(len(s.asked), len(s.lines)-1)]
	s.asked = append(s.asked, time.Now())
	switch next.status {
	case 0:
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	case -1:
		return nil, os.ErrDeadlineExceeded
	}
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
	return newClient(t, s.options(perMinute))
}

// options draw no jitter.
func (s *script) options(perMinute int) timetables.ClientOptions {
	return timetables.ClientOptions{
		BaseURL: "http://api.example/v1", CallsPerMinute: perMinute, HTTP: &http.Client{Transport: s},
		Jitter: func() float64 { return 0 },
	}
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
		{"a date without a clock: this machine's, 2000-01-01 in a test of time", []line{{503, map[string]string{
			"Retry-After": "Sat, 01 Jan 2000 00:00:09 GMT",
		}}, {200, nil}}, 2, 9 * time.Second, 0},
		{"more seconds than there are", []line{{429, map[string]string{"Retry-After": "99999999999999999"}}}, 1, 0, 429},
		{"a date that has passed: one second", []line{{503, map[string]string{
			"Date": "Mon, 01 Jul 2024 06:00:00 GMT", "Retry-After": "Mon, 01 Jul 2024 05:00:00 GMT",
		}}, {200, nil}}, 2, time.Second, 0},
		{"nonsense: one second", []line{{429, map[string]string{"Retry-After": "soon"}}, {200, nil}}, 2, time.Second, 0},
		{"errors of the server", []line{{500, nil}, {502, nil}, {504, nil}, {200, nil}}, 4, 7 * time.Second, 0},
		{"an error that stays", []line{{500, nil}}, 4, 7 * time.Second, 500},
		{"no server, then one", []line{{0, nil}, {0, nil}, {200, nil}}, 3, 3 * time.Second, 0},
		{"an answer that never comes is not waited for again", []line{{-1, nil}}, 1, 0, -1},
		{"other errors are the caller's", []line{{401, nil}}, 1, 0, 401},
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
				} else if err != nil {
					got = -1
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

// A hundred and fifty calls at sixty a minute, of twenty callers: never more than
// sixty within 60 seconds, whatever the jitter, and not one in ten seconds fewer.
func TestCallsPerMinute(t *testing.T) {
	t.Parallel()
	for name, jitter := range map[string]func() float64{
		"none": func() float64 { return 0 }, "most": func() float64 { return 0.999 }, "random": rand.New(rand.NewPCG(1, 2)).Float64,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{lines: []line{{200, nil}}}
				var mu sync.Mutex
				options := s.options(60)
				options.Jitter = func() float64 { mu.Lock(); defer mu.Unlock(); return jitter() }
				client := newClient(t, options)
				var all sync.WaitGroup
				for range 20 {
					all.Go(func() {
						for range 8 {
							if _, err := client.Get(t.Context(), rchg); err != nil {
								t.Error(err)
							}
						}
					})
				}
				all.Wait()
				for i := 60; i < len(s.asked); i++ {
					if took := s.asked[i].Sub(s.asked[i-60]); took < time.Minute || took > 62*time.Second {
						t.Errorf("calls %d to %d within %s, want 60 to 62 s", i-60, i, took)
					}
				}
			})
		})
	}
}

// Callers that were put off do not come back together.
func TestJitter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{lines: []line{{500, nil}}}
		options := s.options(0)
		options.Jitter = func() float64 { return 0.5 }
		began := time.Now()
		_, _ = newClient(t, options).Get(t.Context(), rchg)
		if want := 7700 * time.Millisecond; time.Since(began) != want {
			t.Errorf("took %s, want %s: 1, 2 and 4 s, a tenth longer each", time.Since(began), want)
		}
	})
}

// One station's error holds back nobody else.
func TestErrorOfOneIsItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{lines: []line{{502, nil}, {200, nil}}}
		client := s.client(t, 0)
		began := time.Now()
		var both sync.WaitGroup
		both.Go(func() { _, _ = client.Get(t.Context(), rchg) })
		synctest.Wait()
		if _, err := client.Get(t.Context(), rchg); err != nil || time.Since(began) != 0 {
			t.Errorf("%v after %s, want an answer at once", err, time.Since(began))
		}
		both.Wait()
	})
}

// A server that asks for an hour is left alone for a quarter of one: calls end
// at once with its answer, and then one is tried.
func TestLongRetryAfterHoldsAllCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{lines: []line{{429, map[string]string{"Retry-After": "3600"}}, {200, nil}}}
		client := s.client(t, 60)
		_, _ = client.Get(t.Context(), rchg)
		other := timetables.Call{Kind: timetables.CallRecent, EVA: 8000105}
		began := time.Now()
		for range 10 {
			_, err := client.Get(t.Context(), other)
			status := (*timetables.StatusError)(nil)
			if !errors.As(err, &status) || status.Status != 429 || status.Call != other || !strings.Contains(err.Error(), "not asked: rchg/8000150 was told to wait") {
				t.Fatalf("got %v", err)
			}
		}
		if len(s.asked) != 1 || time.Since(began) != 0 {
			t.Errorf("%d calls in %s, want only the first", len(s.asked), time.Since(began))
		}
		time.Sleep(15 * time.Minute) // of the test's own time
		if _, err := client.Get(t.Context(), other); err != nil || len(s.asked) != 2 {
			t.Errorf("after a quarter of an hour: %v, %d calls", err, len(s.asked))
		}
	})
}

func TestAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{lines: []line{{500, nil}}}
		options := s.options(0)
		options.Attempts = 2
		if _, err := newClient(t, options).Get(t.Context(), rchg); err == nil || len(s.asked) != 2 {
			t.Errorf("%v after %d calls, want 2", err, len(s.asked))
		}
	})
}

// A question about a past moment is worth asking twice.
func TestTimeoutOfAReplay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{lines: []line{{-1, nil}, {200, nil}}}
		options := s.options(0)
		options.SendAsOf = true
		if _, err := newClient(t, options).Get(t.Context(), rchg); err != nil || len(s.asked) != 2 {
			t.Errorf("%v after %d calls", err, len(s.asked))
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
		client := s.client(t, 0)
		_, err := client.Get(ctx, rchg)
		status := (*timetables.StatusError)(nil)
		if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &status) || status.Status != 429 || time.Since(began) != 10*time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		if _, err := client.Get(ctx, rchg); !errors.Is(err, timetables.ErrNotAsked) || len(s.asked) != 1 {
			t.Errorf("%v after %d calls, want the next not to be made", err, len(s.asked))
		}
	})
}
