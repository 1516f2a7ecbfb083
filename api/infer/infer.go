package infer

import (
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"puenktlich/internal/forecast"
	"puenktlich/internal/serving"
	"puenktlich/internal/vectors"
	"puenktlich/internal/vectors/columnar"
)

// Forecaster begins to answer a request of vectors.
type Forecaster interface {
	Vectors(requestID string, at time.Time) (*serving.Vectors, error)
}

// Champion is the package that answers.
type Champion interface {
	Current() (*serving.Loaded, error)
}

// Options of the routes. Forecaster, Champion, Now and Model are required.
type Options struct {
	Forecaster Forecaster
	Champion   Champion
	Now        func() time.Time // domain time
	Model      string           // the one model served
	// MaxBodyBytes bounds a request that is read whole. Defaults to 64 MiB.
	MaxBodyBytes int64
	// MaxStreamRows bounds an Arrow stream. Defaults to a million.
	MaxStreamRows int
	// MemoryBytes is what all requests under way may take together, a fifth of it
	// for bodies that arrive; others wait or are told to come again. Defaults to
	// 640 MiB: one body of 64 MiB with all that is made of it, and another.
	MemoryBytes int64
	// Problem writes an error of the Arrow route. Defaults to WriteProblem.
	Problem func(w http.ResponseWriter, status int, detail string)
	// Version of this program, for the server's metadata.
	Version string
	// TempDir is where answers to large streams wait. Defaults to the system's.
	TempDir string
	// Allocator of Arrow's buffers. Defaults to Arrow's own.
	Allocator columnar.Allocator
	// Logger defaults to slog.Default().
	Logger *slog.Logger
}

const (
	defaultBodyBytes  = 64 << 20
	defaultStreamRows = 1_000_000
	defaultMemory     = 640 << 20
	// growth is what becomes of a byte of a body at most: a value of one byte
	// takes four in a table, and its row's share of the answer.
	growth = 8
	// bodiesShare of the memory is for bodies.
	bodiesShare = 5
	serverName  = "puenktlich"
)

// Routes serve them.
type Routes struct {
	o      Options
	bodies *semaphore.Weighted // never waited for: who sends may be slow
	work   *semaphore.Weighted
	most   int64 // of work
	layout atomic.Pointer[layoutOf]
}

// layoutOf keeps the layout of the package that answered last.
type layoutOf struct {
	loaded *serving.Loaded
	layout *vectors.Layout
}

// Route is one of them. Path has {names}, whose values a request carries.
type Route struct {
	Method, Path string
	For          Purpose
	Serve        http.HandlerFunc
}

// Purpose of a route, which decides who may use it.
type Purpose int

// Purposes.
const (
	Probing Purpose = iota + 1 // by load balancers and the like
	Describing
	Predicting
)

// New makes the routes.
func New(o Options) *Routes {
	if o.MaxBodyBytes <= 0 {
		o.MaxBodyBytes = defaultBodyBytes
	}
	if o.MaxStreamRows <= 0 {
		o.MaxStreamRows = defaultStreamRows
	}
	if o.MemoryBytes <= 0 {
		o.MemoryBytes = defaultMemory
	}
	if o.Allocator == nil {
		o.Allocator = columnar.DefaultAllocator()
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Problem == nil {
		o.Problem = WriteProblem
	}
	bodies := o.MemoryBytes / bodiesShare
	return &Routes{o: o, bodies: semaphore.NewWeighted(bodies), work: semaphore.NewWeighted(o.MemoryBytes - bodies), most: o.MemoryBytes - bodies}
}

// All lists the routes.
func (s *Routes) All() []Route {
	routes := []Route{
		{http.MethodGet, "/v2", Describing, s.oipRoute(s.oipServer)},
		{http.MethodGet, "/v2/health/live", Probing, s.oipRoute(s.oipLive)},
		{http.MethodGet, "/v2/health/ready", Probing, s.oipRoute(s.oipReady)},
		{http.MethodPost, "/invocations", Predicting, s.mlflowRoute(s.invocations)},
		{http.MethodGet, "/ping", Probing, s.mlflowRoute(s.ping)},
		{http.MethodGet, "/health", Probing, s.mlflowRoute(s.ping)},
		{http.MethodGet, "/version", Probing, s.mlflowRoute(s.version)},
		{http.MethodPost, "/v1/forecasts/arrow", Predicting, s.arrowRoute(s.arrow)},
	}
	for _, version := range []string{"", "/versions/{version}"} {
		model := "/v2/models/{name}" + version
		routes = append(routes,
			Route{http.MethodGet, model, Describing, s.oipRoute(s.oipModel)},
			Route{http.MethodGet, model + "/ready", Describing, s.oipRoute(s.oipModelReady)},
			Route{http.MethodPost, model + "/infer", Predicting, s.oipRoute(s.oipInfer)})
	}
	return routes
}

// begin starts an answer and finds the layout of its package.
func (s *Routes) begin(w http.ResponseWriter) (*serving.Vectors, *vectors.Layout, error) {
	answer, err := s.o.Forecaster.Vectors(w.Header().Get("X-Request-Id"), s.o.Now())
	if err != nil {
		return nil, nil, err
	}
	return answer, s.layoutFor(answer.Package()), nil
}

func (s *Routes) layoutFor(loaded *serving.Loaded) *vectors.Layout {
	if known := s.layout.Load(); known != nil && known.loaded == loaded {
		return known.layout
	}
	layout := vectors.NewLayout(loaded.Model.Features())
	s.layout.Store(&layoutOf{loaded, layout})
	return layout
}

// whole forecasts all rows of a table and says so in the header.
func whole(w http.ResponseWriter, answer *serving.Vectors, t *vectors.Table) (*forecast.Batch, error) {
	var b forecast.Batch
	if err := answer.All(&b, t.Vectors, t.Horizons); err != nil {
		return nil, err
	}
	tell(w, answer)
	return &b, nil
}

// tell names the predictions and says where the time went.
func tell(w http.ResponseWriter, answer *serving.Vectors) {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	t := answer.Timing()
	w.Header().Set("X-Prediction-Id", answer.ID())
	w.Header().Set("Server-Timing", fmt.Sprintf("predict;dur=%.3f, log;dur=%.3f", ms(t.Predict), ms(t.Log)))
}
