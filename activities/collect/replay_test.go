package collect_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"puenktlich/internal/timetables"
	"puenktlich/schemas"
)

// halfMinutes is a railway polled every 30 seconds from 10:00:00 until 10:04:30.
func halfMinutes() *book {
	b := &book{plans: map[string]planned{}, full: nothing}
	for i := range 10 {
		b.polls = append(b.polls, poll{at: at("10:00:00").Add(time.Duration(i) * 30 * time.Second).Format("15:04:05"), body: nothing})
	}
	return b
}

// gateway fails calls for changes as of the half minute from 10:02:30 on, as
// often as it is told to, with no word of when the next poll is.
type gateway struct {
	http.Handler
	fails  atomic.Int64
	always bool
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asOf, _ := time.Parse(time.RFC3339Nano, r.Header.Get(timetables.HeaderAsOf))
	ours := strings.Contains(r.URL.Path, "/rchg/") && !asOf.Before(at("10:02:30")) && (g.always || asOf.Before(at("10:03:00")))
	if ours && g.fails.Add(-1) >= 0 {
		http.Error(w, "Bad Gateway", http.StatusBadGateway)
		return
	}
	g.Handler.ServeHTTP(w, r)
}

func replayed(t *testing.T, fails int64, always bool) *house {
	t.Helper()
	h := newHouse(t, halfMinutes())
	g := &gateway{Handler: timetables.NewServer(halfMinutes(), func() time.Time { return at("12:00:00") }, timetables.ServerOptions{}), always: always}
	g.fails.Store(fails)
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	client, err := timetables.NewClient(timetables.ClientOptions{BaseURL: server.URL + timetables.BasePath, SendAsOf: true, RetryWait: time.Millisecond})
	must(t, err)
	h.Source = client
	return h
}

// No recorded poll is jumped over because one before it failed.
func TestReplayAroundAFailedPoll(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fails  int64
		answer string
	}{
		"asked again": {3, "10:02:30 rchg ok"},
		"for good":    {1000, "10:02:30 rchg failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := replayed(t, test.fails, false)
			h.window(t, "10:00:00", "10:05:00")
			polls := strings.Join(h.polls(t), "\n")
			for i := range 10 {
				want := at("10:00:00").Add(time.Duration(i)*30*time.Second).Format("15:04:05") + " rchg ok"
				if i == 5 {
					want = test.answer
				}
				if !strings.Contains(polls, want) {
					t.Errorf("polls lack %q:\n%s", want, polls)
				}
			}
		})
	}
}

// A source that is away costs nothing: the window is an error, and is tried again
// until it is there.
func TestReplayWaitsForItsSource(t *testing.T) {
	t.Parallel()
	h := replayed(t, 85, true) // twenty questions, each asked four times, and one more
	in := schemas.CollectWindowInput{Group: group, Window: schemas.Window{From: at("10:00:00"), To: at("10:30:00")}}
	_, err := h.CollectWindow(t.Context(), in)
	if want := fmt.Sprintf("station %d: no answer to 20 questions up to 2024-10-29T10:12:00Z", hanau); err == nil || failureType(err) != "" || !strings.Contains(err.Error(), want) {
		t.Fatalf("got %v, want %q and a retry", err, want)
	}
	if cursor := h.cursors.at[group]; !cursor.IsZero() || h.rows(t)["poll"] != 0 {
		t.Errorf("cursor at %s, %v", cursor, h.rows(t))
	}
	if result, err := h.CollectWindow(t.Context(), in); err != nil || result.Counts.Failed != 1 {
		t.Errorf("%+v, %v", result.Counts, err)
	}
	if polls := strings.Join(h.polls(t), "\n"); !strings.Contains(polls, "10:04:30 rchg ok") {
		t.Errorf("polls lack the last one:\n%s", polls)
	}
}
