package api

import (
	"context"
	"log/slog"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"puenktlich/internal/feature"
	"puenktlich/internal/rail"
	"puenktlich/internal/serving"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Forecaster answers, having logged what it answers.
type Forecaster interface {
	Answer(r serving.Request) (serving.Result, error)
	Vectors(requestID string, at time.Time) (*serving.Vectors, error)
}

// Champion is the package that answers.
type Champion interface {
	Current() (*serving.Loaded, error)
}

// Live is what is known of the railway at present.
type Live interface {
	Ready() bool
	Fault() error
	Age() time.Duration
	// From is the earliest planned time that is answered.
	From() time.Time
	Stations() []int64
	Board(eva int64, from, to time.Time) []*rail.PlannedEvent
	Plan(key rail.EventKey) (*rail.PlannedEvent, bool)
	Size() feature.Size
}

// Pending finds predictions on their way to the store.
type Pending interface {
	Find(id string) (schema.Prediction, bool, error)
}

// Registry says what is live and was.
type Registry interface {
	Aliases(ctx context.Context, model string) (schemas.Aliases, string, error)
}

// Clock tells domain time, and whether a recording has come to its end.
type Clock interface {
	Now() time.Time
	Ended() bool
}

// Role is what a caller may do.
type Role string

// Roles, each including those before it.
const (
	RoleRead    Role = "read"
	RolePredict Role = "predict"
	RoleOperate Role = "operate"
)

// Options are the parts an API is made of. Forecaster, Champion, Live, Log,
// Clock and Model are required.
type Options struct {
	Forecaster Forecaster
	Champion   Champion
	Live       Live
	Log        Pending
	Clock      Clock
	Model      string // the one model served here
	Source     string // live, recording or simulation
	Instance   string
	// Version of this program, as standard clients are told. Defaults to "dev".
	Version string
	// Stored finds predictions that arrived in the store. Nil: only those on
	// their way are found.
	Stored func(ctx context.Context, id string) (p schema.Prediction, found bool, err error)
	// Collection answers how the collection of each station goes, for the metrics.
	// Nil: there are no such figures.
	Collection func(ctx context.Context) ([]schema.StationHealth, error)
	// Registry may be nil: models are then described by the champion alone.
	Registry Registry
	// RegistryEvents are the changes of a model's aliases up to a moment, oldest
	// first. Nil: what was live when cannot be asked.
	RegistryEvents func(ctx context.Context, model string, until time.Time) ([]schema.RegistryEvent, error)
	// Experiments reads what is recorded of training runs. Nil: there is no such
	// record, and its routes say so.
	Experiments Experiments
	// Stations answers names of stations; it is asked often and must not wait.
	// Nil, or a station without a name: its number.
	Stations func() []rail.Station
	// Guard makes the middleware that lets a role pass. Nil: everyone.
	Guard func(Role) gin.HandlerFunc
	// Metrics is served under /metrics. Defaults to a registry of its own.
	Metrics *prometheus.Registry
	// Logger defaults to slog.Default().
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Guard == nil {
		o.Guard = func(Role) gin.HandlerFunc { return func(*gin.Context) {} }
	}
	if o.Version == "" {
		o.Version = "dev"
	}
	if o.Stations == nil {
		o.Stations = func() []rail.Station { return nil }
	}
	if o.Metrics == nil {
		o.Metrics = prometheus.NewRegistry()
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}
