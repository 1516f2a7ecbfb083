package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"puenktlich/internal/experiment"
	"puenktlich/internal/experiment/experimenttest"
	"puenktlich/internal/objstore"
	"puenktlich/internal/testenv"
	"puenktlich/internal/warehouse"
)

// tried is an API over three recorded runs.
func tried(t testing.TB) *house {
	t.Helper()
	h := build(t)
	h.recordRuns(t)
	return h
}

// recordRuns gives an API three recorded runs.
func (h *house) recordRuns(t testing.TB) {
	t.Helper()
	objects, err := objstore.Open(t.Context(), objstore.Options(testenv.S3(t)))
	if err != nil {
		t.Fatal(err)
	}
	experimenttest.Record(t, experimenttest.Stores{DB: h.db, Objects: objects})
	h.experiments.Reader = experiment.Reader{Store: h.db, Objects: objects, NotFound: objstore.ErrNotFound, Away: func(err error) bool {
		return errors.Is(err, warehouse.ErrUnavailable) || errors.Is(err, objstore.ErrUnavailable)
	}}
}

// away takes ClickHouse from the experiments.
func (h *house) away(t testing.TB) {
	t.Helper()
	db, err := warehouse.Open(warehouse.Options{Addr: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	h.experiments.Store = db
}

func TestRunsHaveTheShapeOfTheDocument(t *testing.T) {
	t.Parallel()
	d := read(t)
	h := tried(t)
	for _, test := range []struct {
		path, template string
		status         int
	}{
		{"/v1/runs?sort=oof_brier&limit=2&metrics=all", "/v1/runs", 200},
		{"/v1/runs?status=finnished", "/v1/runs", 400},
		{"/v1/runs?sort=oof_bier", "/v1/runs", 400},
		{"/v1/runs?limit=0", "/v1/runs", 400},
		{"/v1/runs?since=yesterday", "/v1/runs", 400},
		{"/v1/runs?colour=red", "/v1/runs", 400},
		{"/v1/runs/a1b", "/v1/runs/{id}", 200},
		{"/v1/runs/" + experimenttest.Failed, "/v1/runs/{id}", 200},
		{"/v1/runs/a1", "/v1/runs/{id}", 400},
		{"/v1/runs/c0ffef", "/v1/runs/{id}", 404},
		{"/v1/runs/compare?ids=a1b,c0f", "/v1/runs/compare", 200},
		{"/v1/runs/compare?ids=a1b", "/v1/runs/compare", 400},
		{"/v1/runs/compare?ids=a1b,a1b2", "/v1/runs/compare", 400},
		{"/v1/runs/compare?ids=a1b,zzz", "/v1/runs/compare", 404},
		{"/v1/runs/compare?ids=1,2,3,4,5,6,7", "/v1/runs/compare", 400},
	} {
		a := h.get(t, test.path)
		media := strings.Split(a.header.Get("Content-Type"), ";")[0]
		described, found := d.Paths[test.template]["get"].Responses[fmt.Sprint(a.status)]
		if a.status != test.status || !found {
			t.Errorf("%s: %d, want %d and the document to describe it: %s", test.path, a.status, test.status, a.raw)
			continue
		}
		for _, problem := range d.check(described.Content[media].Schema, a.body, "") {
			t.Errorf("%s: %s", test.path, problem)
		}
	}
}

func TestRunsOfferWhatIsMeant(t *testing.T) {
	t.Parallel()
	h := tried(t)
	unknown := h.get(t, "/v1/runs/c0ffef")
	near, _ := unknown.body["near"].([]any)
	if unknown.body["detail"] != `there is no run "c0ffef"` || len(near) != 1 || near[0].(map[string]any)["id"] != experimenttest.Failed {
		t.Errorf("%s", unknown.raw)
	}
	several := h.get(t, "/v1/runs/a1")
	if near, _ := several.body["near"].([]any); len(near) != 2 || !strings.Contains(several.body["detail"].(string), "begins several runs") {
		t.Errorf("%s", several.raw)
	}
	if listed := h.get(t, "/v1/runs?model=punctuality&sort=test_skill_h60&limit=1"); !strings.Contains(string(listed.raw), experimenttest.Deep) || strings.Contains(string(listed.raw), experimenttest.Shallow) {
		t.Errorf("the best run is %s", listed.raw)
	}
}

// Without ClickHouse the runs are away, and forecasts are there.
func TestRunsWhileClickHouseIsAway(t *testing.T) {
	t.Parallel()
	h := tried(t)
	h.away(t)
	for _, path := range []string{"/v1/runs", "/v1/runs/a1b", "/v1/runs/compare?ids=a,b", "/experiments", "/experiments/a1b", "/experiments/compare?ids=a&ids=b"} {
		a := h.get(t, path)
		if a.status != http.StatusServiceUnavailable || a.header.Get("Content-Type") != "application/problem+json" || !strings.Contains(a.body["detail"].(string), "ClickHouse does not answer") {
			t.Errorf("%s: %d %s", path, a.status, a.raw)
		}
	}
	if a := h.get(t, "/v1/stations"); a.status != http.StatusOK {
		t.Errorf("stations: %d", a.status)
	}
	none := build(t)
	if a := none.get(t, "/v1/runs"); a.status != http.StatusServiceUnavailable {
		t.Errorf("no record at all: %d", a.status)
	}
}

// page reads a page as a browser asks for it.
func (h *house) page(t *testing.T, path, language string) (int, string) {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	request.Header.Set("Accept", "text/html,application/xhtml+xml")
	request.Header.Set("Accept-Language", language)
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, request)
	policy := recorder.Header().Get("Content-Security-Policy")
	if !strings.HasPrefix(recorder.Header().Get("Content-Type"), "text/html") || !strings.Contains(policy, "default-src 'self'") {
		t.Errorf("%s: %v", path, recorder.Header())
	}
	body := recorder.Body.String()
	if dir := os.Getenv("PICTURES"); dir != "" {
		name := strings.NewReplacer("/", "_", "?", "_", "&", "_", "=", "_").Replace(path) + "." + language[:2] + ".html"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o644); err != nil {
			t.Error(err)
		}
	}
	if strings.Contains(strings.ReplaceAll(body, "http://www.w3.org/2000/svg", ""), "http") || strings.Contains(body, "<script") || strings.Contains(body, " style=") {
		t.Errorf("%s names another server, or holds what its policy forbids", path)
	}
	return recorder.Code, body
}

func TestExperimentPages(t *testing.T) {
	t.Parallel()
	h := tried(t)
	for _, c := range []struct {
		path, language string
		status         int
		says           []string
	}{
		{"/experiments", "en-GB", 200, []string{`<html lang="en">`, "Experiments", "depth-9", "failed", "first &lt;try&gt;", "anna", `name="ids" value="` + experimenttest.Deep + `"`, "0.13"}},
		{"/experiments?status=finished&sort=oof_brier", "de-DE,de;q=0.9", 200, []string{`<html lang="de">`, "Experimente", "fertig", "0,14", `<option selected>oof_brier</option>`, `<option value="finished" selected>`}},
		{"/experiments?lang=en&model=other", "de", 200, []string{"No run matches."}},
		{"/experiments/a1b", "en", 200, []string{"depth-2", "Because", "first &lt;try&gt;", "2024-10-28/2024-11-01", "lead over the best baseline", "on test days, 60 minutes before; higher is better", "<svg", "Learning curves: log_loss", "/v1/runs/" + experimenttest.Shallow}},
		{"/experiments/" + experimenttest.Failed, "de", 200, []string{"Gescheitert: 450 of 450 rows are late", "hat kein Maß je Runde", "hat keine Vorhersagen ungesehener Trainingstage"}},
		{"/experiments/compare?ids=a1b&ids=a1f", "en", 200, []string{"What differs", "max_depth", "3.0.0", "−0.01", "best", "Skill against the best baseline", "AUC 0.750", "/v1/runs/compare?ids=" + experimenttest.Shallow + "%2c" + experimenttest.Deep}},
		{"/experiments/compare?ids=a1b", "de", 400, []string{"So kann nicht gefragt werden", "mindestens zwei verschiedene Läufe"}},
		{"/experiments/compare?ids=a1b,a1b2", "en", 400, []string{"at least two different runs"}},
		{"/experiments/c0ffef", "en", 404, []string{"there is no run", experimenttest.Failed, "What may be meant"}},
		{"/experiments?colour=red", "en", 400, []string{"unknown query parameter"}},
	} {
		status, body := h.page(t, c.path, c.language)
		if status != c.status {
			t.Errorf("%s: %d, want %d", c.path, status, c.status)
		}
		for _, want := range c.says {
			if !strings.Contains(body, want) {
				t.Errorf("%s does not say %q", c.path, want)
			}
		}
	}
	h.away(t)
	if status, body := h.page(t, "/experiments", "de"); status != 503 || !strings.Contains(body, "Im Augenblick nicht verfügbar") {
		t.Errorf("%d: %s", status, body)
	}
}
