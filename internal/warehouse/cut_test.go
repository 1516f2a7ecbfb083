package warehouse_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"puenktlich/internal/rail"
	"puenktlich/internal/testenv"
	"puenktlich/internal/warehouse"
	schema "puenktlich/schemas/clickhouse"
)

// cutReader ends a body as a killed server does: in the middle.
type cutReader struct {
	io.ReadCloser
	left int
}

func (r *cutReader) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, errors.New("cut")
	}
	n, err := r.ReadCloser.Read(p[:min(len(p), r.left)])
	r.left -= n
	return n, err
}

// cutting is the database behind a proxy that cuts off every answer to a
// statement that contains text, after that many bytes.
func cutting(t *testing.T, opts testenv.ClickHouseOptions, text string, bytes int) *warehouse.DB {
	t.Helper()
	target, err := url.Parse(opts.Addr)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		ErrorLog: log.New(io.Discard, "", 0), // it would tell of every cut
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(r *http.Response) error {
			if strings.Contains(r.Request.Header.Get("X-Statement"), text) {
				r.Body = &cutReader{r.Body, bytes}
			}
			return nil
		},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		r.Header.Set("X-Statement", strings.ReplaceAll(string(body), "\n", " "))
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	opts.Addr = server.URL
	db, err := warehouse.Open(warehouse.Options(opts))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// A stream that breaks must never look like one that ended.
func TestAStreamCutOffIsUnavailable(t *testing.T) {
	t.Parallel()
	opts := testenv.ClickHouse(t)
	db, err := warehouse.Open(warehouse.Options(opts))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	var changes []rail.Change
	var events []rail.PlannedEvent
	for i := range 3000 {
		event := planned(t, fmt.Sprint(i*104729), rail.Arrival, "29 10:00")
		events, changes = append(events, event), append(changes, seen(event, uint64(i+1), at(t, "29 09:00"), 1))
	}
	insertPlan(t, db, batch("plan"), 10_000, events...)
	insertChanges(t, db, batch("changes"), changes...)
	if got := len(timelines(t, db, day29(t))); got != 3000 {
		t.Fatalf("read %d events, want 3000", got)
	}
	for _, table := range []string{"FROM stop_change FINAL", "FROM stop_plan FINAL"} {
		for _, bytes := range []int{0, 1, 100, 10_000, 30_000} {
			broken := cutting(t, opts, table, bytes)
			read := 0
			err := broken.Timelines(t.Context(), day29(t), func(rail.PlannedEvent, []rail.Change) error { read++; return nil })
			if !errors.Is(err, warehouse.ErrUnavailable) {
				t.Errorf("%s cut after %d bytes: %d events and %v, want ErrUnavailable", table, bytes, read, err)
			}
		}
	}
	tail := schema.TailQuery{Source: "test", Group: "frankfurt-hbf", Limit: 5000}
	if got, err := cutting(t, opts, "FROM stop_change WHERE", 10_000).ChangesSince(t.Context(), tail); !errors.Is(err, warehouse.ErrUnavailable) {
		t.Errorf("tail: %d changes and %v, want ErrUnavailable", len(got), err)
	}
}
