package api

import (
	"bufio"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"puenktlich/internal/access"
	"puenktlich/internal/objstore"
	"puenktlich/internal/testenv"
)

// locked is a house whose callers need keys: secrets by name.
func locked(t *testing.T, wanted ...access.Wanted) (*house, map[string]string) {
	t.Helper()
	h := open(t)
	store, err := objstore.Open(t.Context(), objstore.Options(testenv.S3(t)))
	if err != nil {
		t.Fatal(err)
	}
	book, secrets := access.Book{Store: store, NotFound: objstore.ErrNotFound}, map[string]string{}
	for _, w := range wanted {
		if _, secrets[w.Name], err = book.Create(t.Context(), w, begin); err != nil {
			t.Fatal(err)
		}
	}
	ring := access.NewRing(book, filepath.Join(t.TempDir(), "keys.json"), slog.New(slog.DiscardHandler))
	if err := ring.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.gate = access.NewGate(access.GateOptions{Ring: ring, OpenWhileNoKey: true, Now: h.clock.Now})
	o := h.options
	o.Gate, o.Metrics = h.gate, prometheus.NewRegistry()
	h.Engine = newEngine(o)
	return h, secrets
}

// with asks with headers, given as name and value.
func (h *house) with(t testing.TB, path string, headers ...string) answer {
	t.Helper()
	recorder := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	h.ServeHTTP(recorder, r)
	a := answer{status: recorder.Code, header: recorder.Header(), raw: recorder.Body.Bytes()}
	if err := json.Unmarshal(a.raw, &a.body); err != nil {
		t.Fatalf("%s: %d %q is not JSON: %v", path, a.status, a.raw, err)
	}
	return a
}

func TestKeysOpenWhatTheirRoleReaches(t *testing.T) {
	t.Parallel()
	h, key := locked(t, access.Wanted{Name: "reader", Role: RoleRead}, access.Wanted{Name: "board", Role: RolePredict},
		access.Wanted{Name: "short", Role: RoleOperate, Expires: begin.Add(time.Nanosecond)})
	h.clock.set(begin.Add(time.Second))
	for _, test := range []struct {
		path      string
		headers   []string
		status    int
		challenge string
	}{
		{boardPath, nil, 401, `Bearer realm="puenktlich", scope="predict"`},
		{boardPath, []string{"Authorization", "Bearer " + key["board"]}, 200, ""},
		{boardPath, []string{"X-Api-Key", key["board"]}, 200, ""},
		{boardPath, []string{"Authorization", "Bearer " + key["reader"]}, 403, `error="insufficient_scope", scope="predict"`},
		{"/v1/stations", []string{"Authorization", "bearer " + key["reader"]}, 200, ""},
		{"/v1/stations", []string{"Authorization", "Bearer " + key["reader"] + "x"}, 401, `error="invalid_token"`},
		{"/v1/stations", []string{"Authorization", "Digest x"}, 401, `error="invalid_token"`},
		{"/v1/stations", []string{"Authorization", "Bearer " + key["short"]}, 401, `error="invalid_token"`},
		{"/experiments", nil, 401, "Bearer"},
		{"/healthz", nil, 200, ""},
		{"/readyz", nil, 200, ""},
		{"/openapi.json", nil, 200, ""},
	} {
		a := h.with(t, test.path, test.headers...)
		if a.status != test.status || !strings.Contains(a.header.Get("WWW-Authenticate"), test.challenge) {
			t.Errorf("%s %q: %d %q, want %d %q", test.path, test.headers, a.status, a.header.Get("WWW-Authenticate"), test.status, test.challenge)
		}
		if a.status >= 400 && (a.header.Get("Content-Type") != "application/problem+json" || a.body["detail"] == "") {
			t.Errorf("%s: no problem details: %s", test.path, a.raw)
		}
	}
	browser := h.with(t, "/v1/stations", "Sec-Fetch-Mode", "cors")
	if !strings.Contains(strings.Join(browser.header.Values("WWW-Authenticate"), "|"), "Basic realm=") {
		t.Errorf("a browser is not asked for a key: %v", browser.header)
	}
}

// What one key does and is allowed shows nowhere in another's answers.
func TestNoKeySeesAnother(t *testing.T) {
	t.Parallel()
	h, key := locked(t, access.Wanted{Name: "slow", Role: RoleRead, PerSecond: 0.1, Burst: 2}, access.Wanted{Name: "quick", Role: RolePredict, PerSecond: 50, Burst: 40})
	slow, quick := []string{"Authorization", "Bearer " + key["slow"]}, []string{"Authorization", "Bearer " + key["quick"]}
	h.with(t, "/v1/key", slow...)
	h.with(t, "/v1/key", slow...)
	over := h.with(t, "/v1/key", slow...)
	if over.status != 429 || over.header.Get("Retry-After") != "10" || over.header.Get("Ratelimit") != `"requests";r=0;t=10` {
		t.Errorf("the third of two: %d %v", over.status, over.header)
	}
	own := h.with(t, "/v1/key", quick...)
	if own.status != 200 || own.header.Get("Ratelimit-Policy") != `"requests";q=40;w=1` || own.header.Get("Ratelimit") != `"requests";r=39;t=1` {
		t.Errorf("%d %v", own.status, own.header)
	}
	limit := own.body["limit"].(map[string]any)
	if own.body["name"] != "quick" || own.body["role"] != "predict" || limit["remaining"] != 39.0 || strings.Contains(string(own.raw), "slow") {
		t.Errorf("%s", own.raw)
	}
	for _, a := range []answer{over, own} {
		if text := string(a.raw); strings.Contains(text, key["slow"]) || strings.Contains(text, key["quick"]) {
			t.Errorf("an answer repeats a secret: %s", text)
		}
	}
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if body := recorder.Body.String(); strings.Contains(body, "slow") || strings.Contains(body, "quick") {
		t.Error("the metrics, which are open, name keys")
	}
}

func TestTraceGoesThrough(t *testing.T) {
	t.Parallel()
	h := open(t)
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736" // the specification's example
	a := h.with(t, "/v1/stations", "Traceparent", "00-"+trace+"-00f067aa0ba902b7-01")
	if got := a.header.Get("Traceparent"); !regexp.MustCompile("^00-"+trace+"-[0-9a-f]{16}-01$").MatchString(got) || strings.Contains(got, "00f067aa0ba902b7") {
		t.Errorf("traceparent %q", got)
	}
	if id := a.header.Get("X-Request-Id"); !strings.HasPrefix(id, trace+"-") {
		t.Errorf("request id %q does not lead to the trace", id)
	}
	for _, wrong := range []string{"", "00-" + trace + "-0000000000000000-01", "00-" + strings.ToUpper(trace) + "-00f067aa0ba902b7-01", "ff-" + trace + "-00f067aa0ba902b7-01", "nonsense"} {
		a := h.with(t, "/v1/stations", "Traceparent", wrong)
		got := a.header.Get("Traceparent")
		if !regexp.MustCompile("^00-[0-9a-f]{32}-[0-9a-f]{16}-00$").MatchString(got) || strings.Contains(got, trace) {
			t.Errorf("%q: traceparent %q, want a new trace", wrong, got)
		}
	}
	if a := h.with(t, "/v1/stations", "X-Request-Id", "mine-1"); a.header.Get("X-Request-Id") != "mine-1" {
		t.Errorf("request id %q", a.header.Get("X-Request-Id"))
	}
}

// bodied is an engine with one route of its own that reads bodies of 100 bytes.
func bodied(t *testing.T) *gin.Engine {
	t.Helper()
	s := &server{o: build(t).options}
	s.o.Metrics = prometheus.NewRegistry()
	s.measure()
	e := gin.New()
	e.Use(s.identify, s.observe, s.recoverPanic, s.problems)
	r := route{method: http.MethodPost, path: "/echo", body: 100, handle: func(c *gin.Context) error {
		var order struct {
			Reason string `json:"reason"`
			Count  int    `json:"count"`
		}
		if err := decode(c, &order); err != nil {
			return err
		}
		c.JSON(http.StatusOK, order)
		return nil
	}}
	e.Handle(r.verb(), r.path, s.admit(r), s.bound(r), s.strict(r), adapt(r.handle))
	return e
}

func TestBodiesAreBoundAndStrict(t *testing.T) {
	t.Parallel()
	e := bodied(t)
	for _, test := range []struct {
		name, media, body string
		status            int
		detail            string
	}{
		{"right", "application/json; charset=utf-8", `{"reason":"x","count":3}`, 200, ""},
		{"a page elsewhere", "text/plain", `{"reason":"x"}`, 415, `Content-Type "text/plain": send the body as application/json`},
		{"no type", "", `{}`, 415, "Content-Type"},
		{"too large", "application/json", `{"reason":"` + strings.Repeat("x", 100) + `"}`, 413, "more than 100 bytes"},
		{"unknown field", "application/json", `{"raeson":"x"}`, 400, `"raeson"`},
		{"wrong type", "application/json", `{"count":"3"}`, 400, "count is a JSON string at byte 12: want a whole number"},
		{"no number", "application/json", `{"count":NaN}`, 400, "byte 10"},
		{"cut off", "application/json", `{"count":`, 400, "ends within its JSON"},
		{"two values", "application/json", `{} {}`, 400, "goes on after its JSON object"},
		{"nothing", "application/json", ``, 400, "empty"},
	} {
		for _, chunked := range []bool{false, true} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/echo", strings.NewReader(test.body))
			if r.Header.Set("Content-Type", test.media); chunked {
				r.ContentLength = -1
			}
			recorder := httptest.NewRecorder()
			e.ServeHTTP(recorder, r)
			if recorder.Code != test.status || !strings.Contains(recorder.Body.String(), strings.ReplaceAll(test.detail, `"`, `\"`)) {
				t.Errorf("%s, chunked %v: %d %s, want %d %s", test.name, chunked, recorder.Code, recorder.Body, test.status, test.detail)
			}
		}
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/stations", strings.NewReader("{}"))
	recorder := httptest.NewRecorder()
	open(t).ServeHTTP(recorder, r)
	if recorder.Code != 400 || !strings.Contains(recorder.Body.String(), "takes no body") {
		t.Errorf("a body with a GET: %d %s", recorder.Code, recorder.Body)
	}
}

// Whoever dribbles a request, or sends a header without end, is hung up on.
func TestDribblersAreHungUpOn(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	brief := 200 * time.Millisecond
	server := NewServer(bodied(t), Times{Header: brief, Read: 2 * brief, Write: time.Minute, Idle: brief}, slog.New(slog.DiscardHandler))
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	for _, test := range []struct{ name, begin, drop string }{
		{"header", "GET /echo HTTP/1.1\r\nHost: x\r\nX-Slow: ", "a"},
		{"body", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{", " "},
		{"nothing after one request", "GET /none HTTP/1.1\r\nHost: x\r\n\r\n", ""},
		{"huge header", "GET /none HTTP/1.1\r\nHost: x\r\nX-Large: " + strings.Repeat("a", 40<<10) + "\r\n\r\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := conn.Write([]byte(test.begin)); err != nil {
				t.Fatal(err)
			}
			hungUp := make(chan struct{})
			go func() {
				defer close(hungUp)
				for read := bufio.NewReader(conn); ; {
					if _, err := read.ReadByte(); err != nil {
						return
					}
				}
			}()
			drip := time.NewTicker(20 * time.Millisecond)
			defer drip.Stop()
			deadline := time.NewTimer(20 * time.Second)
			defer deadline.Stop()
			for {
				select {
				case <-hungUp:
					return
				case <-deadline.C:
					t.Fatal("still connected")
				case <-drip.C:
					_, _ = conn.Write([]byte(test.drop))
				}
			}
		})
	}
}
