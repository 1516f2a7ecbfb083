package api

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// server is the API with its middlewares.
type server struct {
	o        Options
	requests *prometheus.HistogramVec
	times    sync.Map               // by outcome, of requests
	second   atomic.Pointer[moment] // the clock as it was shown last
}

// handler answers or returns an error; it never writes one itself.
type handler func(c *gin.Context) error

// route is one line of the API.
type route struct {
	method string // empty: GET
	path   string
	// accepts names its query parameters; any other is refused.
	accepts []string
	// role that a caller needs; empty: none, open to everyone.
	role   Role
	handle handler
	// body is the largest one it takes, in bytes; 0: it takes none. media are the
	// content types it reads; empty: JSON alone.
	body  int64
	media []string
	// within bounds the handler's context; 0: defaultWithin. A route that names it
	// also gets as much longer for reading and writing.
	within time.Duration
	// local routes answer from memory and disk, and need no such bound.
	local bool
}

func (r route) verb() string {
	if r.method == "" {
		return http.MethodGet
	}
	return r.method
}

// New makes the API. HEAD is answered wherever GET is.
func New(o Options) http.Handler {
	e := newEngine(o)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead { // the server leaves the body away by the request it has read
			r = r.Clone(r.Context())
			r.Method = http.MethodGet
		}
		e.ServeHTTP(w, r)
	})
}

func newEngine(o Options) *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	s := &server{o: o.withDefaults()}
	s.measure()
	e := gin.New()
	e.HandleMethodNotAllowed = true
	if err := e.SetTrustedProxies(nil); err != nil {
		panic("api: trust no proxy: " + err.Error()) // nil is always valid
	}
	e.Use(s.identify, s.observe, s.recoverPanic, s.problems)
	for _, r := range s.described() {
		e.Handle(r.verb(), r.path, s.admit(r), s.bound(r), s.strict(r), adapt(r.handle))
	}
	e.GET("/metrics", gin.WrapH(promhttp.HandlerFor(s.o.Metrics, promhttp.HandlerOpts{})))
	s.addPage(e)
	s.addExperiments(e)
	s.addReports(e)
	s.addInference(e)
	e.NoRoute(adapt(func(c *gin.Context) error {
		return &Error{Kind: KindNotFound, Detail: fmt.Sprintf("there is nothing at %s; /openapi.json lists what there is", c.Request.URL.Path)}
	}))
	e.NoMethod(adapt(func(c *gin.Context) error {
		allowed := strings.Split(c.Writer.Header().Get("Allow"), ", ") // by the router
		return &Error{Kind: KindMethod, Detail: fmt.Sprintf("%s is not possible here, only %s", c.Request.Method, strings.Join(allowed, " and ")), Accepted: allowed}
	}))
	return e
}

// routes is the table of contents of the API.
func (s *server) routes() []route {
	board := &stations{live: s.o.Live, past: s.o.Past, names: s.directory, clock: s.clock, forecaster: s.o.Forecaster}
	single := &forecasts{live: s.o.Live, past: s.o.Past, names: s.directory, clock: s.clock, forecaster: s.o.Forecaster, promise: s.promise}
	logged := &predictions{log: s.o.Log, stored: s.o.Stored, champion: s.o.Champion, record: s.o.Record, logger: s.o.Logger}
	heard := &feedback{predictions: logged, record: s.o.Record, clock: s.clock, instance: s.o.Instance}
	judged := &judgement{model: s.o.Model, dataSource: s.o.DataSource, record: s.o.Record, now: s.o.Clock}
	served := &models{model: s.o.Model, champion: s.o.Champion, registry: s.o.Registry, events: s.o.RegistryEvents, clock: s.clock}
	acting := &acts{models: served, operator: s.o.Operator}
	tried := &runs{experiments: s.o.Experiments}
	state := &health{live: s.o.Live, champion: s.o.Champion, instance: s.o.Instance}
	return []route{
		{path: "/v1/stations", role: RoleRead, local: true, handle: board.list},
		{path: "/v1/stations/:eva/forecasts", accepts: []string{"from", "hours", "event", "explain"}, role: RolePredict, local: true, handle: board.forecasts},
		{path: "/v1/forecasts", accepts: namesEvent("at", "explain"), role: RolePredict, local: true, handle: single.get},
		{method: http.MethodPost, path: "/v1/forecasts", role: RolePredict, body: maxBatchBytes, local: true, handle: single.post},
		{path: "/v1/connections", accepts: []string{"station", "from", "to", "date", "from_planned", "to_planned", "transfer", "at", "explain"}, role: RolePredict, local: true, handle: (&connections{single}).get},
		{path: "/v1/predictions/:id", role: RoleRead, handle: logged.get},
		{method: http.MethodPost, path: "/v1/feedback", role: RolePredict, body: maxFeedbackBytes, handle: heard.post},
		{path: "/v1/models", role: RoleRead, handle: served.list},
		{path: "/v1/models/:name", role: RoleRead, handle: served.get},
		{path: "/v1/models/:name/live", accepts: []string{"at"}, role: RoleRead, handle: served.live},
		{path: "/v1/models/:name/scores", accepts: []string{"from", "until", "metric", "slices"}, role: RoleRead, handle: judged.scores},
		{method: http.MethodPost, path: "/v1/models/:name/promote", role: RoleOperate, body: maxOrderBytes, handle: acting.promote},
		{method: http.MethodPost, path: "/v1/models/:name/approve", role: RoleOperate, body: maxOrderBytes, handle: acting.opine(true)},
		{method: http.MethodPost, path: "/v1/models/:name/reject", role: RoleOperate, body: maxOrderBytes, handle: acting.opine(false)},
		{method: http.MethodPost, path: "/v1/models/:name/rollback", role: RoleOperate, body: maxOrderBytes, within: switchWithin, handle: acting.rollback},
		{path: "/v1/alerts", accepts: []string{"state"}, role: RoleRead, handle: judged.alerts},
		{path: "/v1/runs", accepts: filters(), role: RoleRead, handle: tried.list},
		{path: "/v1/runs/compare", accepts: []string{"ids"}, role: RoleRead, handle: tried.compare},
		{path: "/v1/runs/:id", role: RoleRead, handle: tried.get},
		{path: "/v1/key", role: RoleRead, local: true, handle: ownKey},
		{path: "/healthz", local: true, handle: state.alive},
		{path: "/readyz", local: true, handle: state.ready},
	}
}

// described are the routes with the one that describes them.
func (s *server) described() []route {
	own := route{path: "/openapi.json", local: true}
	all := append(s.routes(), own)
	document, err := completeDocument(openAPISource, slices.Concat(all, s.inference()))
	if err != nil {
		panic("api: the document is compiled in: " + err.Error())
	}
	all[len(all)-1].handle = openAPI(document)
	return all
}

func adapt(h handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := h(c); err != nil {
			_ = c.Error(err)
			c.Abort()
		}
	}
}

// strict refuses query parameters that the route does not know, and repeated
// ones.
func (s *server) strict(r route) gin.HandlerFunc {
	return adapt(func(c *gin.Context) error {
		if c.Request.URL.RawQuery == "" {
			return nil
		}
		held := callOf(c)
		var err error
		if held.query, err = parseQuery(held.room[:0], c.Request.URL.RawQuery); err != nil { // half of it would be read otherwise
			return invalid("query %q: %v", c.Request.URL.RawQuery, err)
		}
		for _, p := range held.query {
			if !slices.Contains(r.accepts, p.name) {
				e := invalid("unknown query parameter %q: %s", p.name, accepted(r.accepts))
				e.Accepted = r.accepts
				return e
			}
			if n := times(held.query, p.name); n > 1 {
				return invalid("query parameter %q is given %d times; give it once", p.name, n)
			}
		}
		return nil
	})
}

func accepted(names []string) string {
	if len(names) == 0 {
		return "this route takes none"
	}
	return fmt.Sprintf("this route takes %q", names)
}

func (s *server) recoverPanic(c *gin.Context) {
	defer func() {
		if cause := recover(); cause != nil {
			s.o.Logger.Error("handler panicked", "request_id", requestID(c), "trace_id", callOf(c).span.TraceID(), "path", c.Request.URL.Path, "cause", cause, "stack", string(debug.Stack()))
			if !c.Writer.Written() {
				writeProblem(c, describe(fmt.Errorf("panic: %v", cause)))
			}
			c.Abort()
		}
	}()
	c.Next()
}

func (s *server) observe(c *gin.Context) {
	held := callOf(c)
	c.Next()
	if held.promised { // and is measured when it is sent
		return
	}
	path := c.FullPath()
	if path == "" {
		path = "none"
	}
	s.timesOf(outcome{path, c.Writer.Status()}).Observe(time.Since(held.begun).Seconds())
}

// outcome is a label of the metric of requests.
type outcome struct {
	route  string
	status int
}

// timesOf finds a label's observer without making its labels anew.
func (s *server) timesOf(of outcome) prometheus.Observer {
	if known, found := s.times.Load(of); found {
		return known.(prometheus.Observer)
	}
	made := s.requests.WithLabelValues(of.route, strconv.Itoa(of.status))
	s.times.Store(of, made)
	return made
}

func (s *server) measure() {
	s.requests = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "puenktlich_http_request_seconds",
		Help: "Time of requests by route and status.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14)}, []string{"route", "status"})
	live := s.o.Live
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
	}
	s.o.Metrics.MustRegister(s.requests,
		gauge("puenktlich_live_age_seconds", "Domain time since the newest observation applied.", func() float64 { return live.Age().Seconds() }),
		gauge("puenktlich_live_events", "Planned events in the live state.", func() float64 { return float64(live.Size().Events) }),
		gauge("puenktlich_live_following", "1 while the live state follows the store.", func() float64 {
			if live.Ready() && live.Fault() == nil {
				return 1
			}
			return 0
		}))
	if s.o.Collection != nil {
		s.o.Metrics.MustRegister(newCollection(s.o))
	}
}
