package collect_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/testsuite"

	"puenktlich/activities/collect"
	"puenktlich/internal/rail"
	"puenktlich/internal/timetables"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// hand is a clock that is set by hand.
type hand struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hand) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hand) set(t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = t
}

// mood is how a server answers a call; zero is well.
type mood struct {
	status int
	header string // Retry-After
	body   string // in place of the right one
	hangs  bool
}

// api is a live Timetables API of many stations, as moody as it is told to be.
type api struct {
	clock hand
	mu    sync.Mutex
	moods map[string]mood // by "rchg/8000150", or by "8000150" for all calls
	asked []string        // paths since the last look
}

func (a *api) feel(calls map[string]mood) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.moods = calls
}

// heard lists the paths asked since it was called last, sorted.
func (a *api) heard() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	asked := a.asked
	a.asked = nil
	slices.Sort(asked)
	return asked
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call := strings.TrimPrefix(r.URL.Path, "/timetables/v1/")
	parts := strings.Split(call, "/")
	a.mu.Lock()
	a.asked = append(a.asked, call)
	m, found := a.moods[parts[0]+"/"+parts[1]]
	if !found {
		m = a.moods[parts[1]]
	}
	a.mu.Unlock()
	switch {
	case m.hangs:
		<-r.Context().Done()
		return
	case m.status != 0:
		w.Header().Set("Retry-After", m.header)
		http.Error(w, "no", m.status)
		return
	case m.body != "":
		_, _ = io.WriteString(w, m.body)
		return
	}
	fmt.Fprintf(w, `<timetable eva="%s"/>`, parts[1])
}

// live is a collection of n stations, 1 to n, of an API.
func live(t *testing.T, source *api, n int) *house {
	t.Helper()
	h := newHouse(t, morning())
	server := httptest.NewServer(source)
	t.Cleanup(server.Close)
	client, err := timetables.NewClient(timetables.ClientOptions{BaseURL: server.URL + timetables.BasePath, Now: source.clock.Now,
		ClientID: "me", APIKey: "secret", RetryWait: time.Millisecond, HTTP: &http.Client{Timeout: time.Second}})
	must(t, err)
	h.baseURL = server.URL + timetables.BasePath
	h.Source, h.Past, h.Clock = client, false, &source.clock
	h.Stations = func(context.Context, string) ([]rail.Station, error) {
		var stations []rail.Station
		for eva := range n {
			stations = append(stations, rail.Station{EVA: int64(eva + 1)})
		}
		return stations, nil
	}
	return h
}

// minute collects the minute up to a moment.
func (h *house) minute(t *testing.T, source *api, to string) schemas.CollectWindowResult {
	t.Helper()
	source.clock.set(at(to))
	in := schemas.CollectWindowInput{Group: group, Window: schemas.Window{From: at(to).Add(-time.Minute), To: at(to)}}
	result, err := h.CollectWindow(t.Context(), in)
	must(t, err)
	return result
}

// changes leaves the plans out.
func changes(paths []string) []string {
	return slices.DeleteFunc(paths, func(p string) bool { return strings.HasPrefix(p, "plan/") })
}

// A gap stays open until an fchg was answered, however often rchg was.
func TestOnlyFullHealsAGap(t *testing.T) {
	t.Parallel()
	source := &api{}
	h := live(t, source, 1)
	down, noFull := map[string]mood{"1": {status: 400}}, map[string]mood{"fchg/1": {status: 400}}
	broken := map[string]mood{"fchg/1": {body: `<timetable eva="1"><s id="1-241029`}}
	for _, step := range []struct {
		to    string
		moods map[string]mood
		asked string
		gap   string // since when, afterwards
		fails int
	}{
		{"10:00:00", noFull, "fchg/1 rchg/1", "10:00:00", 0}, // never healed: since the first poll
		{"10:01:00", nil, "fchg/1 rchg/1", "", 0},
		{"10:02:00", nil, "rchg/1", "", 0},
		{"10:03:00", down, "rchg/1", "", 1},
		{"10:04:00", down, "rchg/1", "", 2},
		{"10:05:00", down, "fchg/1 rchg/1", "10:02:00", 4}, // three minutes without an answer
		{"10:06:00", noFull, "fchg/1 rchg/1", "10:02:00", 0},
		{"10:07:00", noFull, "fchg/1 rchg/1", "10:02:00", 0}, // rchg was answered a minute ago
		{"10:08:00", broken, "fchg/1 rchg/1", "10:02:00", 0},
		{"10:09:00", nil, "fchg/1 rchg/1", "", 0},
		{"10:10:00", nil, "rchg/1", "", 0},
	} {
		source.feel(step.moods)
		health := h.minute(t, source, step.to).Health
		if got := strings.Join(changes(source.heard()), " "); got != step.asked {
			t.Errorf("%s: asked %q, want %q", step.to, got, step.asked)
		}
		gap, fails := "", 0
		if !health.OldestGap.IsZero() {
			gap = health.OldestGap.Format("15:04:05")
		}
		if len(health.Worst) > 0 {
			fails = health.Worst[0].Failures
		}
		if gap != step.gap || fails != step.fails || health.Gaps != min(1, len(gap)) || health.Failing != min(1, fails) {
			t.Errorf("%s: gap since %q, %d failures, want %q, %d: %+v", step.to, gap, fails, step.gap, step.fails, health)
		}
	}
}

// Each of four stations is asked for all its changes every eight minutes, one
// every two.
func TestPeriodicFull(t *testing.T) {
	t.Parallel()
	source := &api{}
	h := live(t, source, 4)
	h.FullEvery = 8 * time.Minute
	var full []string
	for i := range 17 {
		to := at("10:01:00").Add(time.Duration(i) * time.Minute)
		h.minute(t, source, to.Format("15:04:05"))
		for _, path := range source.heard() {
			if eva, found := strings.CutPrefix(path, "fchg/"); found && i > 0 {
				full = append(full, to.Format("15:04 ")+eva)
			}
		}
	}
	want := []string{"10:02 2", "10:04 3", "10:06 4", "10:08 1", "10:10 2", "10:12 3", "10:14 4", "10:16 1"}
	if !slices.Equal(full, want) {
		t.Errorf("all changes asked for at %q, want %q", full, want)
	}
}

// Where the limit is too low for all stations each has its turn: those asked
// longest ago come first.
func TestShortBudgetRotates(t *testing.T) {
	t.Parallel()
	source := &api{}
	h := live(t, source, 9)
	h.CallsPerMinute = 5 // of which 4 are given to a window
	asked := map[string]int{}
	var last schemas.GroupHealth
	for i := range 18 {
		last = h.minute(t, source, at("10:00:00").Add(time.Duration(i)*time.Minute).Format("15:04:05")).Health
		paths := source.heard()
		if len(paths) != 4 {
			t.Errorf("minute %d: %d calls, want 4", i, len(paths))
		}
		for _, path := range changes(paths) {
			asked[path[strings.IndexByte(path, '/')+1:]]++
		}
	}
	for eva := range 9 { // two stations a minute
		if n := asked[strconv.Itoa(eva+1)]; n != 4 {
			t.Errorf("station %d was asked %d times in 18 minutes, want 4", eva+1, n)
		}
	}
	if last.Stations != 9 || last.Budget != 4 || last.Waiting != 7 || last.PutOff < 7 {
		t.Errorf("health says %+v, want 4 calls and 7 stations waiting", last)
	}
}

// With a limit that suffices nobody waits, and the plans ahead are there within
// minutes: present hours first.
func TestBudgetTakesPlansByAndBy(t *testing.T) {
	t.Parallel()
	source := &api{}
	h := live(t, source, 4)
	h.CallsPerMinute = 20 // of which 16 are given
	hours := map[string]int{}
	for i, want := range []string{"plan/1/241029/11 plan/1/241029/12", "plan/1/241029/13 plan/1/241029/14 plan/1/241029/15"} {
		health := h.minute(t, source, fmt.Sprintf("10:0%d:00", i)).Health
		paths := source.heard()
		var of1 []string
		for _, path := range paths {
			hours[path]++
			if strings.HasPrefix(path, "plan/1/") {
				of1 = append(of1, path)
			}
		}
		if got := strings.Join(of1, " "); got != want || len(paths) != 16 || health.Waiting != 0 {
			t.Errorf("minute %d: %d calls, plans of station 1 %q, want %q: %+v", i, len(paths), got, want, health)
		}
	}
	for i := range 10 {
		h.minute(t, source, fmt.Sprintf("10:%02d:00", 2+i))
	}
	for _, path := range source.heard() {
		if hours[path]++; strings.HasPrefix(path, "plan/") && hours[path] > 1 {
			t.Errorf("%s was asked for %d times", path, hours[path])
		}
	}
}

// A station that never answers fchg is polled by rchg each minute all the same,
// however short the budget; its gap stays open.
func TestRecentInPlaceOfFull(t *testing.T) {
	t.Parallel()
	source := &api{}
	h := live(t, source, 3)
	h.CallsPerMinute = 8 // of which 6 are given: one each, and a plan
	source.feel(map[string]mood{"fchg/2": {status: 400}})
	h.minute(t, source, "10:00:00")
	for i := range 4 {
		source.heard()
		health := h.minute(t, source, fmt.Sprintf("10:0%d:00", i+1)).Health
		if asked := changes(source.heard()); !slices.Contains(asked, "rchg/2") || !slices.Contains(asked, "fchg/2") {
			t.Errorf("minute %d: asked %q", i+1, asked)
		}
		if health.Failing != 0 || health.Gaps < 1 || !health.OldestGap.Equal(at("10:00:00")) {
			t.Errorf("minute %d: %+v", i+1, health)
		}
	}
}

// Some stations are put off, fail, hang or answer nonsense; the others are
// collected as if nothing were the matter, and the result says which is which.
func TestMoodyAPI(t *testing.T) {
	t.Parallel()
	source := &api{}
	h := live(t, source, 20)
	source.feel(map[string]mood{
		"2": {status: 500}, "3": {hangs: true}, "4": {body: "<html>Wartung</html>"}, "5": {body: "<timetable><s id="}, "6": {status: 503, header: "0"},
		"7": {status: 429, header: "Thu, 01 Jan 1970 00:00:00 GMT"}, "8": {status: 404}, "9": {status: 401},
	})
	result := h.minute(t, source, "10:00:00")
	health := result.Health
	if health.Failing != 8 || health.Gaps != 8 || health.Stations != 20 || health.Waiting != 0 || len(health.Worst) != 8 {
		t.Errorf("health %+v", health)
	}
	reasons := map[int64]string{2: "500", 3: "deadline exceeded", 4: "no whole timetable", 5: "no whole timetable", 6: "503", 7: "429", 8: "404", 9: "401"}
	for _, worst := range health.Worst {
		tried := 2 // fchg, and rchg in its place
		if worst.EVA == 3 {
			tried = 1 // who waited once in vain does not wait again
		}
		if want := reasons[worst.EVA]; want == "" || !strings.Contains(worst.Error, want) || worst.Failures != tried || worst.Asked != tried || worst.Answered != 0 || !worst.LastOK.IsZero() {
			t.Errorf("station %d: %+v, want an error of %q", worst.EVA, worst, want)
		}
	}
	polls, err := h.db.PollTimes(t.Context(), schema.PollQuery{Source: "test", Stations: []int64{20}, From: at("09:00:00"), Until: at("11:00:00")})
	must(t, err)
	if len(polls[20]) != 1 || result.Counts.Responses < 12*14 {
		t.Errorf("station 20 was answered at %v; %+v", polls, result.Counts)
	}
	source.feel(nil)
	if health := h.minute(t, source, "10:01:00").Health; health.Failing != 0 || health.Gaps != 0 || len(health.Worst) != 0 {
		t.Errorf("a minute later all is well: %+v", health)
	}
}

// Stations that hang take their turn and no more: whoever came too short for them
// comes first in the next window.
func TestHangingStationsHoldUpNobody(t *testing.T) {
	t.Parallel()
	source := &api{}
	h := live(t, source, 24)
	h.Every = 3 * time.Second
	hang := map[string]mood{}
	for eva := range 16 { // as many as are asked at once
		hang[strconv.Itoa(eva+1)] = mood{hangs: true}
	}
	source.feel(hang)
	client, err := timetables.NewClient(timetables.ClientOptions{BaseURL: h.baseURL, Now: source.clock.Now})
	must(t, err)
	h.Source = client
	first := h.minute(t, source, "10:00:00").Health
	if first.Failing != 16 || first.Waiting != 8 || first.PutOff == 0 {
		t.Errorf("first window: %+v, want 16 failing and 8 waiting", first)
	}
	source.heard()
	second := h.minute(t, source, "10:01:00").Health
	asked := strings.Join(source.heard(), " ")
	for eva := 17; eva <= 24; eva++ {
		if !strings.Contains(asked, fmt.Sprintf("fchg/%d", eva)) {
			t.Errorf("station %d was not asked in the second window: %s", eva, asked)
		}
	}
	if second.Failing != 16 || second.Waiting > 16 {
		t.Errorf("second window: %+v", second)
	}
}

// Every exported method of the steps is an activity a worker can register.
func TestStepsCanBeRegistered(t *testing.T) {
	t.Parallel()
	var suite testsuite.WorkflowTestSuite
	suite.NewTestActivityEnvironment().RegisterActivity(&collect.Activities{}) // panics where a method is none
}
