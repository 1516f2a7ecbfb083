package api

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestReports(t *testing.T) {
	t.Parallel()
	with := newEngine(Options{Clock: nil, Reports: func(_ context.Context, day string) ([]byte, bool, error) {
		switch day {
		case "2024-11-01":
			return []byte("<!doctype html><p>quiet"), true, nil
		case "2024-11-02":
			return nil, false, errors.New("the store is away")
		}
		return nil, false, nil
	}})
	without := newEngine(Options{})
	for _, test := range []struct {
		engine http.Handler
		path   string
		status int
		body   string
	}{
		{with, "/reports/2024-11-01", 200, "<!doctype html><p>quiet"},
		{with, "/reports/2024-11-02", 503, "the report of 2024-11-02 cannot be read at present"},
		{with, "/reports/2024-11-03", 404, "there is no report of 2024-11-03"},
		{with, "/reports/yesterday", 400, "yesterday"},
		{with, "/reports/2024-11-01?lang=de", 400, "lang"},
		{without, "/reports/2024-11-01", 503, "knows no store of reports"},
	} {
		w := httptest.NewRecorder()
		test.engine.ServeHTTP(w, httptest.NewRequest(http.MethodGet, test.path, nil))
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.body) {
			t.Errorf("%s: %d %s, want %d with %q", test.path, w.Code, w.Body, test.status, test.body)
		}
		if policy := w.Header().Get("Content-Security-Policy"); test.status == 200 && !strings.Contains(policy, "default-src 'none'") {
			t.Errorf("%s: %q lets a page load something", test.path, policy)
		}
	}
}
