package api

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"puenktlich/internal/access"
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
	// Reasons explains a logged forecast; nil where its package is not loaded.
	Reasons(digest string, vector []float32) []serving.Reason
}

// Timetable is which events are known.
type Timetable interface {
	Ready() bool
	// From is the earliest planned time that is answered.
	From() time.Time
	Board(eva int64, from, to time.Time) []*rail.PlannedEvent
	Plan(key rail.EventKey) (*rail.PlannedEvent, bool)
	// Unplanned is what was observed by a cut-off of an event that stands in no plan.
	Unplanned(key rail.EventKey, cutoff time.Time) (feature.Unplanned, bool)
	// UnplannedAt lists the trains that the railway added at a station, planned by it
	// in [from, to), as known at a cut-off.
	UnplannedAt(eva int64, from, to, cutoff time.Time) []feature.Unplanned
}

// Live is what is known of the railway at present.
type Live interface {
	Timetable
	Fault() error
	Age() time.Duration
	Stations() []int64
	Size() feature.Size
}

// Past is what was known at moments that the live state holds no more.
type Past interface {
	// Known answers the events planned from a moment on, and who forecasts them with
	// what was known then. An *Error says why nothing is.
	Known(ctx context.Context, at time.Time) (Timetable, Forecaster, error)
}

// Pending finds predictions on their way to the store.
type Pending interface {
	Find(id string) (schema.Prediction, bool, error)
}

// Record is what the store keeps of forecasts once they were made: what became of
// them, what people said of them, how they scored, what is wrong at present.
type Record interface {
	TruthOf(ctx context.Context, p schema.Prediction) (schema.Outcome, error)
	SaveFeedback(ctx context.Context, f schema.Feedback) error
	FeedbackOn(ctx context.Context, predictionID string) ([]schema.Feedback, error)
	Scores(ctx context.Context, q schema.MonitorQuery) ([]schema.Score, error)
	Reliability(ctx context.Context, q schema.ReliabilityQuery) ([]schema.ReliabilityBin, error)
	Alerts(ctx context.Context, state schema.AlertState, limit int) ([]schema.Alert, error)
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
type Role = access.Role

// Roles, each including those before it.
const (
	RoleRead    = access.RoleRead
	RolePredict = access.RolePredict
	RoleOperate = access.RoleOperate
)

// Options are the parts an API is made of. Forecaster, Champion, Live, Log,
// Clock and Model are required.
type Options struct {
	Forecaster Forecaster
	Champion   Champion
	Live       Live
	// Past may be nil: earlier moments than the live state holds are then refused.
	Past       Past
	Log        Pending
	Clock      Clock
	Model      string // the one model served here
	Source     string // live, recording or simulation
	DataSource string // of the plan, the changes and the truth in the store
	Instance   string
	// Version of this program, as standard clients are told. Defaults to "dev".
	Version string
	// Stored finds predictions that arrived in the store. Nil: only those on
	// their way are found.
	Stored func(ctx context.Context, id string) (p schema.Prediction, found bool, err error)
	// Record reads what became of forecasts. Nil: there is no store, and the routes
	// that need it say so.
	Record Record
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
	// Reports reads the pages of nights. Nil: there are none, and the route says so.
	Reports Reports
	// Stations answers names of stations; it is asked often and must not wait.
	// Nil, or a station without a name: its number.
	Stations func() []rail.Station
	// Operator acts on models. Nil: they are only looked at.
	Operator Operator
	// Gate lets callers in. Nil: everyone, to everything.
	Gate Gate
	// Metrics is served under /metrics. Defaults to a registry of its own.
	Metrics *prometheus.Registry
	// Logger defaults to slog.Default().
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
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
