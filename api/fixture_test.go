package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"puenktlich/internal/experiment"
	"puenktlich/internal/livestate"
	"puenktlich/internal/rail"
	"puenktlich/internal/serving"
	"puenktlich/internal/serving/servingtest"
	"puenktlich/internal/spool"
	"puenktlich/internal/testenv"
	"puenktlich/internal/warehouse"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// begin is a quarter past ten in Frankfurt, winter time.
var begin = time.Date(2024, 10, 29, 9, 15, 0, 0, time.UTC)

// hand is a clock that a test sets.
type hand struct {
	mu    sync.Mutex
	now   time.Time
	ended bool
}

func (h *hand) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hand) Ended() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ended
}

func (h *hand) set(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = now
}

func (h *hand) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = true
}

// house is an API with all its parts, real ones but for the tiny model.
type house struct {
	*gin.Engine
	options  Options
	gate     Gate
	db       *warehouse.DB
	live     *livestate.Live
	log      *spool.Log
	champion *serving.Champion
	clock    *hand
	registry *aliases
	// experiments reads runs from nowhere until a test gives it stores.
	experiments *recordedRuns
}

// recordedRuns is the record of the runs, if there is one.
type recordedRuns struct{ experiment.Reader }

func (r *recordedRuns) List(ctx context.Context, f experiment.Filter) (experiment.Listing, error) {
	if r.Store == nil {
		return experiment.Listing{}, experiment.ErrUnavailable
	}
	return r.Reader.List(ctx, f)
}

// earlier reads moments from the store, as an instance does.
type earlier struct {
	known   *livestate.Past
	options serving.Options
}

func (e earlier) Known(ctx context.Context, at time.Time) (Timetable, Forecaster, error) {
	known, err := e.known.At(ctx, at)
	if err != nil {
		return nil, nil, Unknown("%v", err)
	}
	o := e.options
	o.State = known
	return known, serving.NewForecaster(o), nil
}

// aliases is what the object store would say.
type aliases struct{ away bool }

func (r *aliases) Aliases(context.Context, string) (schemas.Aliases, string, error) {
	if r.away {
		return schemas.Aliases{}, "", errors.New("the object store does not answer")
	}
	entry := schemas.AliasEntry{Package: servingtest.Ref(7), Since: begin.Add(-time.Hour), Actor: "anna", Reason: "better", Token: "promote-7"}
	return schemas.Aliases{Model: schemas.DefaultModel, Champion: &entry, History: []schemas.AliasEntry{entry}}, "", nil
}

// build makes a house that serves nothing yet.
func build(t testing.TB) *house {
	t.Helper()
	db, err := warehouse.Open(warehouse.Options(testenv.ClickHouse(t)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	h := &house{db: db, clock: &hand{now: begin}, registry: &aliases{}, experiments: &recordedRuns{}}
	h.live = livestate.NewLive(livestate.LiveOptions{Store: db, Source: "test", Groups: []string{"main"}, Clock: h.clock, Every: time.Millisecond, Logger: quiet})
	if h.log, err = spool.Open(spool.Options{Dir: filepath.Join(t.TempDir(), "spool"), Store: db, ShipEvery: time.Hour, Logger: quiet}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.log.Close() })
	h.champion = serving.NewChampion(serving.ChampionOptions{Model: schemas.DefaultModel, Packages: &servingtest.Packages{}, Dir: t.TempDir(), Logger: quiet})
	o := serving.Options{Champion: h.champion, State: h.live, Log: h.log, DataSource: "test", Instance: "api-1"}
	forecaster := serving.NewForecaster(o)
	h.options = Options{Forecaster: forecaster, Champion: h.champion, Live: h.live, Past: earlier{livestate.NewPast(livestate.PastOptions{Store: db, Source: "test"}), o}, Log: h.log, Clock: h.clock,
		Model: schemas.DefaultModel, Source: "recording", DataSource: "test", Instance: "api-1", Record: db, Registry: h.registry, Experiments: h.experiments, Logger: quiet,
		Stations: func() []rail.Station { return []rail.Station{{EVA: 8000105, Name: "Frankfurt(Main)Hbf"}} },
		Stored: func(ctx context.Context, id string) (schema.Prediction, bool, error) {
			p, err := db.PredictionByID(ctx, id)
			if errors.Is(err, warehouse.ErrNotFound) {
				return p, false, nil
			}
			return p, err == nil, err
		}}
	h.Engine = newEngine(h.options)
	return h
}

// open is a house that serves three trains: in 30 minutes, on time; in 50,
// nine minutes late; and a named station's train that came half an hour ago.
func open(t testing.TB) *house {
	t.Helper()
	h := build(t)
	h.plan(t, 1, 30, 0)
	h.plan(t, 2, 50, 9)
	h.plan(t, 3, -30, 9)
	if err := h.champion.Load(t.Context(), servingtest.Ref(7)); err != nil {
		t.Fatal(err)
	}
	h.follow(t)
	return h
}

// follow runs the live state until it was filled.
func (h *house) follow(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	h.live.Start(ctx)
	t.Cleanup(func() { cancel(); <-h.live.Done() })
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for len(h.live.Stations()) == 0 {
		select {
		case <-deadline.C:
			t.Fatalf("the live state was not filled within a minute: %v", h.live.Fault())
		case <-tick.C:
		}
	}
}

// plan stores a departure so many minutes after begin, forecast to be late.
func (h *house) plan(t testing.TB, number, minutes, delay int) {
	t.Helper()
	event := departure(number, minutes)
	batch := schema.Batch{Token: fmt.Sprint("train ", number), Source: "test", Group: "main"}
	seq := uint64(event.PolledAt.UnixMilli())<<20 + uint64(number)
	if err := h.db.InsertPlan(t.Context(), batch, []rail.PlannedEvent{event}, seq); err != nil {
		t.Fatal(err)
	}
	polled := event.Planned.Add(-70 * time.Minute)
	change := rail.Change{EVA: event.EVA, Stop: event.Stop, Kind: event.Kind, Seq: uint64(polled.UnixMilli())<<20 + uint64(number), PolledAt: polled,
		Changed: event.Planned.Add(time.Duration(delay) * time.Minute)}
	if err := h.db.InsertChanges(t.Context(), batch, []rail.Change{change}); err != nil {
		t.Fatal(err)
	}
}

func departure(number, minutes int) rail.PlannedEvent {
	planned := begin.Add(time.Duration(minutes) * time.Minute)
	trip := fmt.Sprintf("-%d-%s", number, rail.FormatTime(planned.Add(-time.Hour)))
	return rail.PlannedEvent{EVA: 8000105, Stop: rail.StopID(trip + "-2"), Kind: rail.Departure, Trip: trip, ServiceDay: "2024-10-29", Index: 2,
		Train: rail.Train{Category: "RE", Number: fmt.Sprint(4600 + number), Class: rail.Regional}, Line: "54", Planned: planned,
		Platform: "5", Path: []string{"Hanau Hbf", "Würzburg Hbf"}, PolledAt: begin.Add(-3 * time.Hour)}
}

// answer is a response whose body was read as JSON.
type answer struct {
	status int
	header http.Header
	body   map[string]any
	raw    []byte
}

func (h *house) get(t testing.TB, path string) answer {
	t.Helper()
	return h.do(t, http.MethodGet, path)
}

func (h *house) do(t testing.TB, method, path string) answer {
	t.Helper()
	return h.send(t, httptest.NewRequestWithContext(t.Context(), method, path, nil))
}

// post sends a body as JSON.
func (h *house) post(t testing.TB, path, body string) answer {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	return h.send(t, request)
}

func (h *house) send(t testing.TB, request *http.Request) answer {
	t.Helper()
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, request)
	a := answer{status: recorder.Code, header: recorder.Header(), raw: recorder.Body.Bytes()}
	if err := json.Unmarshal(a.raw, &a.body); err != nil {
		t.Fatalf("%s %s: %d %q is not JSON: %v", request.Method, request.URL, a.status, a.raw, err)
	}
	return a
}

// into reads the body into a struct, where a test wants types.
func (a answer) into(t testing.TB, v any) {
	t.Helper()
	if a.status != http.StatusOK {
		t.Fatalf("status %d: %s", a.status, a.raw)
	}
	if err := json.Unmarshal(a.raw, v); err != nil {
		t.Fatal(err)
	}
}

// arrive stores an arrival so many minutes after begin, forecast to be late, and
// waits until it is known.
func (h *house) arrive(t testing.TB, number, minutes, delay int) rail.PlannedEvent {
	t.Helper()
	event := departure(number, minutes)
	event.Kind, event.Path = rail.Arrival, []string{"Mainz Hbf"}
	batch := schema.Batch{Token: fmt.Sprint("arrival ", number), Source: "test", Group: "main"}
	seq := uint64(event.PolledAt.UnixMilli())<<20 + uint64(500+number)
	if err := h.db.InsertPlan(t.Context(), batch, []rail.PlannedEvent{event}, seq); err != nil {
		t.Fatal(err)
	}
	polled := begin.Add(-10 * time.Minute)
	change := rail.Change{EVA: event.EVA, Stop: event.Stop, Kind: event.Kind, Seq: uint64(polled.UnixMilli())<<20 + uint64(number), PolledAt: polled,
		Changed: event.Planned.Add(time.Duration(delay) * time.Minute)}
	if err := h.db.InsertChanges(t.Context(), batch, []rail.Change{change}); err != nil {
		t.Fatal(err)
	}
	return event
}

// settle stores n forecasts of the panel, half an hour before departures of the last
// hours, and what became of them: P(on time) and delay by number.
func (h *house) settle(t testing.TB, n int, pOnTime func(int) float64, delay func(int) int) {
	t.Helper()
	var forecasts []schema.Prediction
	var truths []rail.Truth
	for i := range n {
		event := departure(10+i, -120-i)
		forecasts = append(forecasts, schema.Prediction{PredictionID: fmt.Sprint("panel", i), Source: schema.FromPanel, DataSource: "test", Model: "punctuality", Version: 7,
			Role: schema.RoleChampion, EVA: event.EVA, StopID: string(event.Stop), Kind: string(event.Kind), EventDay: "2024-10-29", Planned: event.Planned,
			PredictedAt: event.Planned.Add(-30 * time.Minute), HorizonMinutes: 30, POnTime: pOnTime(i), PBaseline: math.NaN()})
		truths = append(truths, rail.Truth{EVA: event.EVA, Stop: event.Stop, Kind: event.Kind, Planned: event.Planned, Actual: event.Planned.Add(time.Duration(delay(i)) * time.Minute),
			Evidence: rail.ChangeObserved, LastSeen: event.Planned.Add(time.Hour)})
	}
	if err := h.db.InsertPredictions(t.Context(), "panel", forecasts); err != nil {
		t.Fatal(err)
	}
	if err := h.db.InsertTruth(t.Context(), schema.Batch{Token: "truth", Source: "test"}, begin, truths); err != nil {
		t.Fatal(err)
	}
}
