package api

import (
	"fmt"
	"net/http"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// server is the API with its middlewares.
type server struct {
	o        Options
	requests *prometheus.HistogramVec
}

// handler answers or returns an error; it never writes one itself.
type handler func(c *gin.Context) error

// route is one line of the API. accepts names its query parameters; any other
// is refused.
type route struct {
	path    string
	accepts []string
	role    Role
	handle  handler
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
	for _, r := range s.routes() {
		e.GET(r.path, s.o.Guard(r.role), s.strict(r), adapt(r.handle))
	}
	e.GET("/metrics", gin.WrapH(promhttp.HandlerFor(s.o.Metrics, promhttp.HandlerOpts{})))
	s.addPage(e)
	s.addExperiments(e)
	s.addInference(e)
	e.NoRoute(adapt(func(c *gin.Context) error {
		return &Error{Kind: KindNotFound, Detail: fmt.Sprintf("there is nothing at %s; /openapi.json lists what there is", c.Request.URL.Path)}
	}))
	e.NoMethod(adapt(func(c *gin.Context) error {
		allowed := c.Writer.Header().Get("Allow")
		return &Error{Kind: KindMethod, Detail: fmt.Sprintf("%s is not possible here, only %s is", c.Request.Method, allowed), Accepted: strings.Split(allowed, ", ")}
	}))
	return e
}

// routes is the table of contents of the API.
func (s *server) routes() []route {
	board := &stations{live: s.o.Live, names: s.directory, clock: s.clock, forecaster: s.o.Forecaster}
	single := &forecasts{live: s.o.Live, clock: s.clock, forecaster: s.o.Forecaster}
	logged := &predictions{log: s.o.Log, stored: s.o.Stored, champion: s.o.Champion}
	served := &models{model: s.o.Model, champion: s.o.Champion, registry: s.o.Registry, events: s.o.RegistryEvents, clock: s.clock}
	tried := &runs{experiments: s.o.Experiments}
	state := &health{live: s.o.Live, champion: s.o.Champion, instance: s.o.Instance}
	return []route{
		{"/v1/stations", nil, RoleRead, board.list},
		{"/v1/stations/:eva/forecasts", []string{"from", "hours", "event"}, RolePredict, board.forecasts},
		{"/v1/forecasts", []string{"stop_id", "event", "at", "explain"}, RolePredict, single.get},
		{"/v1/predictions/:id", nil, RoleRead, logged.get},
		{"/v1/models", nil, RoleRead, served.list},
		{"/v1/models/:name", nil, RoleRead, served.get},
		{"/v1/models/:name/live", []string{"at"}, RoleRead, served.live},
		{"/v1/runs", filters(), RoleRead, tried.list},
		{"/v1/runs/compare", []string{"ids"}, RoleRead, tried.compare},
		{"/v1/runs/:id", nil, RoleRead, tried.get},
		{"/healthz", nil, RoleRead, state.alive},
		{"/readyz", nil, RoleRead, state.ready},
		{"/openapi.json", nil, RoleRead, openAPI},
	}
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
		for name, values := range c.Request.URL.Query() {
			switch {
			case !slices.Contains(r.accepts, name):
				e := invalid("unknown query parameter %q: %s", name, accepted(r.accepts))
				e.Accepted = r.accepts
				return e
			case len(values) > 1:
				return invalid("query parameter %q is given %d times; give it once", name, len(values))
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

const requestKey = "request_id"

// sane is an id that a caller may give: it stands in logs and tables.
var sane = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

func (s *server) identify(c *gin.Context) {
	id := c.GetHeader("X-Request-Id")
	if !sane.MatchString(id) {
		id = uuid.NewString()
	}
	c.Set(requestKey, id)
	c.Header("X-Request-Id", id)
	c.Header("X-Content-Type-Options", "nosniff")
}

func requestID(c *gin.Context) string { return c.GetString(requestKey) }

func (s *server) recoverPanic(c *gin.Context) {
	defer func() {
		if cause := recover(); cause != nil {
			s.o.Logger.Error("handler panicked", "request_id", requestID(c), "path", c.Request.URL.Path, "cause", cause, "stack", string(debug.Stack()))
			if !c.Writer.Written() {
				writeProblem(c, describe(fmt.Errorf("panic: %v", cause)))
			}
			c.Abort()
		}
	}()
	c.Next()
}

func (s *server) observe(c *gin.Context) {
	start := time.Now()
	c.Next()
	path := c.FullPath()
	if path == "" {
		path = "none"
	}
	s.requests.WithLabelValues(path, strconv.Itoa(c.Writer.Status())).Observe(time.Since(start).Seconds())
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
