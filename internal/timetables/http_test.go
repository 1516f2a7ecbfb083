package timetables_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/internal/timetables"
)

// diary is a network of one station: a plan of one hour, and a poll every ten
// minutes of that hour.
type diary struct{}

var diaryHour = time.Date(2024, 7, 1, 6, 0, 0, 0, time.UTC)

func (diary) Get(_ context.Context, call timetables.Call) (timetables.Response, error) {
	response := timetables.Response{Call: call, PolledAt: call.AsOf.Truncate(10 * time.Minute)}
	switch {
	case call.EVA == 500:
		return response, errors.New("disk on fire")
	case call.Kind == timetables.CallPlan && call.Hour.Equal(diaryHour):
		response.PolledAt = call.AsOf
		response.Body = []byte("<timetable/>")
		return response, nil
	case call.Kind == timetables.CallPlan:
		return response, timetables.ErrNotFound
	}
	response.Next = response.PolledAt.Add(10 * time.Minute)
	if call.AsOf.Before(diaryHour) {
		return response, fmt.Errorf("diary: %w", timetables.ErrNotFound)
	}
	response.Body = fmt.Appendf(nil, "<timetable kind=%q/>", call.Kind)
	return response, nil
}

func (diary) Stations() []rail.Station {
	return []rail.Station{{EVA: 8000150, Name: "Hanau Hbf", Latitude: 50.1}, {EVA: 8000105, Name: "Frankfurt(Main)Hbf"}}
}

func (diary) Span() (from, to time.Time) { return diaryHour, diaryHour.Add(time.Hour) }

func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func noon() time.Time { return diaryHour.Add(25 * time.Minute) }

func get(t *testing.T, url string, header http.Header) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header.Clone()
	if header == nil {
		request.Header = http.Header{}
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// 08:00 in Germany is 06:00 UTC in July.
func TestServerStatusCodes(t *testing.T) {
	t.Parallel()
	url := serve(t, timetables.NewServer(diary{}, noon, timetables.ServerOptions{}))
	for path, want := range map[string]int{
		"/timetables/v1/plan/8000150/240701/08":  200,
		"/timetables/v1/plan/8000150/240701/09":  404,
		"/timetables/v1/plan/8000150/240701/25":  400,
		"/timetables/v1/plan/8000150/240701/8":   400,
		"/timetables/v1/plan/8000150/2407/0108":  400,
		"/timetables/v1/plan/Hanau/240701/08":    400,
		"/timetables/v1/fchg/8000150":            200,
		"/timetables/v1/rchg/8000150":            200,
		"/timetables/v1/rchg/-1":                 400,
		"/timetables/v1/rchg/500":                500,
		"/timetables/v1/xchg/8000150":            404,
		"/rchg/8000150":                          404,
		"/timetables/v1/station/Hanau":           200,
		"/stations":                              200,
		"/timetables/v1/span":                    200,
		"/timetables/v1/plan/8000150/250330/02":  400, // that hour did not exist
		"/timetables/v1/plan/8000150/241027/02":  404, // that hour existed twice
		"/timetables/v1/station/Hanau%20Hbf%20x": 200,
	} {
		if response, body := get(t, url+path, nil); response.StatusCode != want {
			t.Errorf("%s: %d %q, want %d", path, response.StatusCode, body, want)
		}
	}
}

func TestServerHeaders(t *testing.T) {
	t.Parallel()
	url := serve(t, timetables.NewServer(diary{}, noon, timetables.ServerOptions{})) + timetables.BasePath
	response, _ := get(t, url+"/rchg/8000150", nil)
	checkHeaders(t, response, "2024-07-01T06:20:00Z", "2024-07-01T06:30:00Z")
	asOf := http.Header{"Puenktlich-As-Of": {"2024-07-01T08:59:59.999999999+02:00"}}
	response, _ = get(t, url+"/rchg/8000150", asOf)
	checkHeaders(t, response, "2024-07-01T06:50:00Z", "2024-07-01T07:00:00Z")
	response, _ = get(t, url+"/plan/8000150/240701/09", asOf)
	checkHeaders(t, response, "2024-07-01T06:50:00Z", "")
	early := http.Header{"Puenktlich-As-Of": {"2024-07-01T05:55:00Z"}}
	response, _ = get(t, url+"/rchg/8000150", early)
	checkHeaders(t, response, "2024-07-01T05:50:00Z", "2024-07-01T06:00:00Z")
	if response.StatusCode != http.StatusNotFound {
		t.Errorf("before the first poll: status %d", response.StatusCode)
	}
	response, _ = get(t, url+"/rchg/8000150", http.Header{"Puenktlich-As-Of": {"yesterday"}})
	if response.StatusCode != http.StatusBadRequest {
		t.Errorf("as of yesterday: status %d", response.StatusCode)
	}
}

func checkHeaders(t *testing.T, response *http.Response, polled, next string) {
	t.Helper()
	for name, want := range map[string]string{
		"Puenktlich-Polled-At": polled, "Puenktlich-Next-Poll": next,
		"Puenktlich-Ends-At": "2024-07-01T07:00:00Z",
	} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s: %s %q, want %q", response.Request.URL.Path, name, got, want)
		}
	}
}

func TestServerDemandsKeys(t *testing.T) {
	t.Parallel()
	url := serve(t, timetables.NewServer(diary{}, noon, timetables.ServerOptions{ClientID: "me", APIKey: "secret"}))
	for _, c := range []struct {
		id, key string
		want    int
	}{{"me", "secret", 200}, {"me", "wrong", 401}, {"you", "secret", 401}, {"", "", 401}} {
		client := newClient(t, timetables.ClientOptions{BaseURL: url + timetables.BasePath + "/", ClientID: c.id, APIKey: c.key})
		_, err := client.Get(t.Context(), timetables.Call{Kind: timetables.CallRecent, EVA: 8000150})
		got := http.StatusOK
		if status := (*timetables.StatusError)(nil); errors.As(err, &status) {
			got = status.Status
		}
		if got != c.want {
			t.Errorf("%q %q: %v, want status %d", c.id, c.key, err, c.want)
		}
	}
}

func TestStationLookUp(t *testing.T) {
	t.Parallel()
	url := serve(t, timetables.NewServer(diary{}, noon, timetables.ServerOptions{}))
	const hanau, frankfurt = `<station name="Hanau Hbf" eva="8000150"/>`, `<station name="Frankfurt(Main)Hbf" eva="8000105"/>`
	for pattern, want := range map[string][]string{
		"hanau": {hanau}, "8000105": {frankfurt}, "*": {hanau, frankfurt}, "Frank*": {frankfurt}, "80001": nil, "Hbf": nil,
	} {
		_, body := get(t, url+timetables.BasePath+"/station/"+pattern, nil)
		if strings.Count(body, "<station ") != len(want) {
			t.Errorf("%s: %s", pattern, body)
		}
		for _, line := range want {
			if !strings.Contains(body, line) {
				t.Errorf("%s: %s lacks %s", pattern, body, line)
			}
		}
	}
}

func TestStationsAndSpanAsJSON(t *testing.T) {
	t.Parallel()
	url := serve(t, timetables.NewServer(diary{}, noon, timetables.ServerOptions{}))
	_, body := get(t, url+"/span", nil)
	if body != `{"from":"2024-07-01T06:00:00Z","to":"2024-07-01T07:00:00Z"}` {
		t.Errorf("span %s", body)
	}
	client := newClient(t, timetables.ClientOptions{BaseURL: url + timetables.BasePath})
	stations, err := client.Stations(t.Context())
	if err != nil || len(stations) != 2 || stations[0] != (rail.Station{EVA: 8000150, Name: "Hanau Hbf", Latitude: 50.1}) {
		t.Errorf("stations %+v: %v", stations, err)
	}
	from, to, err := client.Span(t.Context())
	if err != nil || !from.Equal(diaryHour) || to.Sub(from) != time.Hour {
		t.Errorf("span %s %s: %v", from, to, err)
	}
	_, body = get(t, url+"/stations", nil)
	if !json.Valid([]byte(body)) {
		t.Errorf("stations %s", body)
	}
}

func newClient(t *testing.T, options timetables.ClientOptions) *timetables.Client {
	t.Helper()
	client, err := timetables.NewClient(options)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestClientAgainstServer(t *testing.T) {
	t.Parallel()
	url := serve(t, timetables.NewServer(diary{}, noon, timetables.ServerOptions{})) + timetables.BasePath
	client := newClient(t, timetables.ClientOptions{BaseURL: url, SendAsOf: true})
	call := timetables.Call{Kind: timetables.CallFull, EVA: 8000150, AsOf: diaryHour.Add(time.Minute)}
	response, err := client.Get(t.Context(), call)
	if err != nil || string(response.Body) != `<timetable kind="fchg"/>` || !response.PolledAt.Equal(diaryHour) ||
		response.Next.Sub(diaryHour) != 10*time.Minute || response.Call != call {
		t.Errorf("%+v: %v", response, err)
	}
	call.AsOf = diaryHour.Add(-time.Minute)
	response, err = client.Get(t.Context(), call)
	if !errors.Is(err, timetables.ErrNotFound) || !response.Next.Equal(diaryHour) {
		t.Errorf("before the first poll: %+v: %v", response, err)
	}
	call = timetables.Call{Kind: timetables.CallPlan, EVA: 8000150, Hour: diaryHour, AsOf: diaryHour.Add(-time.Hour)}
	response, err = client.Get(t.Context(), call)
	if err != nil || !response.PolledAt.Equal(call.AsOf) || !response.Next.IsZero() {
		t.Errorf("plan: %+v: %v", response, err)
	}
}

// A server of the published API sends no header of ours: the answer is known
// when it comes.
func TestClientOfForeignServer(t *testing.T) {
	t.Parallel()
	const page = "<html><body>Wartungsarbeiten</body></html>"
	var asked http.Header
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.Header.Clone()
		_, _ = io.WriteString(w, page)
	}))
	options := timetables.ClientOptions{BaseURL: url, ClientID: "me", APIKey: "secret", Now: noon}
	call := timetables.Call{Kind: timetables.CallRecent, EVA: 8000150, AsOf: diaryHour}
	response, err := newClient(t, options).Get(t.Context(), call)
	if err != nil || string(response.Body) != page || !response.PolledAt.Equal(noon()) || !response.Next.IsZero() {
		t.Errorf("%+v: %v", response, err)
	}
	if asked.Get("DB-Client-Id") != "me" || asked.Get("DB-Api-Key") != "secret" || asked.Get("Puenktlich-As-Of") != "" {
		t.Errorf("asked with %v", asked)
	}
	if parsed := timetables.Parse(response.Body, timetables.Origin{Call: call}); len(parsed.Quarantined) != 1 {
		t.Errorf("the page is not quarantined: %+v", parsed)
	}
	options.Now = nil
	if response, err = newClient(t, options).Get(t.Context(), call); err != nil || !response.PolledAt.Equal(call.AsOf) {
		t.Errorf("without a clock: %+v: %v", response, err)
	}
}

// A redirect would carry the keys to another host.
func TestClientFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	url := serve(t, http.RedirectHandler("http://127.0.0.1:1/", http.StatusFound))
	_, err := newClient(t, timetables.ClientOptions{BaseURL: url}).Get(t.Context(), timetables.Call{Kind: timetables.CallRecent, EVA: 1})
	if status := (*timetables.StatusError)(nil); !errors.As(err, &status) || status.Status != http.StatusFound {
		t.Errorf("got %v", err)
	}
}

func TestClientOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for _, options := range []timetables.ClientOptions{
		{}, {BaseURL: "apis.example.org/timetables"}, {BaseURL: "ftp://example.org"}, {BaseURL: "http://h", CallsPerMinute: -1}, {BaseURL: "http://h", Attempts: -1},
	} {
		if _, err := timetables.NewClient(options); err == nil {
			t.Errorf("%+v: no error", options)
		}
	}
}
