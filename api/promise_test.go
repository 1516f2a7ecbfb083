package api

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"puenktlich/internal/access"
	"puenktlich/internal/serving"
	"puenktlich/internal/spool"
	schema "puenktlich/schemas/clickhouse"
)

// slowLog is a prediction log whose disk does what a test says: nil lets one write
// through, an error fails it.
type slowLog struct {
	*spool.Log
	disk chan error
}

func (l *slowLog) AppendThen(rows []schema.PredictionRow, then func(error)) error {
	go func() {
		if err := <-l.disk; err != nil {
			then(err)
		} else if err := l.Log.AppendThen(rows, then); err != nil {
			then(err)
		}
	}()
	return nil
}

// caller is one who speaks HTTP on a connection of his own.
type caller struct {
	net.Conn
	answers *bufio.Reader
}

func (c *caller) asks(t *testing.T, path string) {
	t.Helper()
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: here\r\nX-Request-Id: mine\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
}

func (c *caller) hears(t *testing.T) answer {
	t.Helper()
	response, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	a := answer{status: response.StatusCode, header: response.Header}
	if a.raw, err = io.ReadAll(response.Body); err == nil {
		err = json.Unmarshal(a.raw, &a.body)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, a.raw)
	}
	return a
}

// hearsNothing for a while.
func (c *caller) hearsNothing(t *testing.T) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := c.answers.Peek(1); err == nil {
		t.Fatal("an answer came before the log had it")
	}
	_ = c.SetReadDeadline(time.Time{})
	c.answers.Reset(c.Conn) // the reader remembers its error
}

// limited lets everyone in, with a rate.
type limited struct{}

func (limited) Admit(access.Ask) (access.Caller, error) {
	return access.Caller{Role: RolePredict, PerSecond: 50, Burst: 40, Remaining: 7}, nil
}

// promising is a house on a port, whose log waits for the test.
func promising(t *testing.T) (*house, *slowLog, func() *caller) {
	t.Helper()
	h := open(t)
	slow := &slowLog{Log: h.log, disk: make(chan error)}
	h.options.Gate = limited{}
	h.options.Forecaster = serving.NewForecaster(serving.Options{Champion: h.champion, State: h.live, Log: slow, DataSource: "test", Instance: "api-1"})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := NewServer(New(h.options), DefaultTimes(), slog.New(slog.DiscardHandler))
	served := make(chan error, 1)
	go func() { served <- Serve(server, listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return h, slow, func() *caller {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return &caller{conn, bufio.NewReader(conn)}
	}
}

var soon = "/v1/forecasts?event=departure&explain=false&stop_id=" + url.QueryEscape(string(departure(2, 50).Stop))

func TestAForecastIsSentWhenTheLogHasIt(t *testing.T) {
	t.Parallel()
	h, slow, dial := promising(t)
	c := dial()
	for range 3 {
		c.asks(t, soon)
		c.hearsNothing(t)
		slow.disk <- nil
		a := c.hears(t)
		forecast, _ := a.body["forecast"].(map[string]any)
		id, _ := forecast["prediction_id"].(string)
		if a.status != http.StatusOK || forecast["train"] != "RE 4602" || a.header.Get("X-Request-Id") != "mine" || strings.Contains(a.header.Get("Server-Timing"), "log") {
			t.Fatalf("%d %v %s", a.status, a.header, a.raw)
		}
		if _, waits, err := h.log.Find(id); !waits || err != nil {
			t.Errorf("prediction %q was answered and is not in the log: %v", id, err)
		}
	}
	// What needs no log is not held back, on the same connection.
	c.asks(t, "/v1/forecasts?event=departure&stop_id=nowhere")
	if a := c.hears(t); a.status != http.StatusBadRequest && a.status != http.StatusNotFound {
		t.Errorf("%d %s", a.status, a.raw)
	}
	c.asks(t, soon) // and then a forecast again
	c.hearsNothing(t)
	slow.disk <- nil
	if a := c.hears(t); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.raw)
	}
}

func TestAForecastThatWasNotLoggedIsNotGivenOut(t *testing.T) {
	t.Parallel()
	_, slow, dial := promising(t)
	c := dial()
	c.asks(t, soon)
	c.hearsNothing(t)
	slow.disk <- spool.ErrFull
	a := c.hears(t)
	if a.status != http.StatusServiceUnavailable || a.header.Get("Content-Type") != "application/problem+json" || a.header.Get("Retry-After") == "" ||
		a.body["request_id"] != "mine" || a.header.Get("X-Request-Id") != "mine" || a.body["forecast"] != nil {
		t.Errorf("%d %v %s", a.status, a.header, a.raw)
	}
	if rest, err := io.ReadAll(c.answers); err != nil || len(rest) > 0 {
		t.Errorf("after it: %q, %v", rest, err)
	}
	metrics := dial()
	if _, err := io.WriteString(metrics, "GET /metrics HTTP/1.0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(metrics)
	if want := `puenktlich_http_request_seconds_count{route="/v1/forecasts",status="503"} 1`; err != nil || !strings.Contains(string(page), want) {
		t.Errorf("metrics lack %s: %v", want, err)
	}
}

// An answer has the same headers whether it was promised, and they went past net/http,
// or not.
func TestAPromisedAnswerHasTheHeadersOfEveryOther(t *testing.T) {
	t.Parallel()
	h, slow, dial := promising(t)
	c := dial()
	c.asks(t, soon)
	slow.disk <- nil
	promised := c.hears(t)
	h.options.Metrics, h.options.Forecaster = prometheus.NewRegistry(), serving.NewForecaster(serving.Options{Champion: h.champion, State: h.live, Log: h.log, DataSource: "test", Instance: "api-1"})
	h.Engine = newEngine(h.options)
	other := h.with(t, soon, "X-Request-Id", "mine")
	if got := promised.header.Get("Content-Length"); got != strconv.Itoa(len(promised.raw)) {
		t.Errorf("Content-Length %q of %d bytes", got, len(promised.raw))
	}
	for _, server := range []string{"Content-Length", "Date"} { // net/http's own, which a recorder has not
		promised.header.Del(server)
	}
	for name, pattern := range map[string]string{"Traceparent": `^00-[0-9a-f]{32}-[0-9a-f]{16}-00$`, "Server-Timing": `^auth;dur=[0-9.]+, parse;dur=[0-9.]+, features;dur=[0-9.]+, predict;dur=[0-9.]+`} {
		for _, a := range []answer{promised, other} {
			if got := a.header.Get(name); !regexp.MustCompile(pattern).MatchString(got) {
				t.Errorf("%s: %q", name, got)
			}
			a.header.Del(name)
		}
	}
	want := http.Header{"Content-Type": {"application/json; charset=utf-8"}, "X-Request-Id": {"mine"}, "X-Content-Type-Options": {"nosniff"},
		"Ratelimit-Policy": {`"requests";q=40;w=1`}, "Ratelimit": {`"requests";r=7;t=1`}}
	if !reflect.DeepEqual(promised.header, want) || !reflect.DeepEqual(other.header, want) {
		t.Errorf("promised: %v\nother: %v\nwant: %v", promised.header, other.header, want)
	}
}
