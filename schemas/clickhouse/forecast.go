package clickhouse

import "time"

// PredictionSource says who wanted a forecast.
type PredictionSource string

// Who wants forecasts.
const (
	FromRequest PredictionSource = "request" // a consumer
	FromPanel   PredictionSource = "panel"   // the grid of horizons, whether anyone asks or not
	FromBatch   PredictionSource = "batch"   // a whole day or file
)

// Role is what a version was when it forecast.
type Role string

// Roles of a version.
const (
	RoleChampion Role = "champion"
	RoleShadow   Role = "shadow"
	RoleCanary   Role = "canary"
)

// Prediction is one logged forecast of one event.
type Prediction struct {
	RequestID    string
	PredictionID string // unique
	Source       PredictionSource
	DataSource   string // source of the plan, the changes and the truth
	Group        string // station group
	Model        string
	Version      uint32
	Digest       string // SHA-256 of the package manifest
	Role         Role
	Instance     string // API instance

	EVA      int64
	StopID   string
	Kind     string // arrival or departure
	EventDay string // 2006-01-02
	Planned  time.Time

	PredictedAt    time.Time // the cut-off, domain time; milliseconds are kept
	HorizonMinutes int32     // grid horizon of a panel row, else whole minutes to the planned event
	LastSeq        uint64    // last seq of the station group applied to the live state
	Features       []float32 // in the order of the package; NaN = not known
	Cumulative     []float64 // P(delay <= edge | runs) at the bucket edges of the package
	POnTime        float64   // P(delay <= 5 min | runs)
	PCancelled     float64
	PBaseline      float64 // P(delay <= 5 min | runs) of the baseline beside it; NaN = none
	LatencyMicros  uint32
}

// Outcome is what became of a forecast event.
type Outcome struct {
	Settled      bool // false: unknown, every other field is zero
	Actual       time.Time
	DelayMinutes int32 // meaningless when cancelled
	Cancelled    bool
	Evidence     string
}

// PredictionQuery selects forecasts to be scored.
type PredictionQuery struct {
	Model      string // required
	Source     PredictionSource
	DataSource string // required
	// From and Until bound the event day, half-open, 2006-01-02.
	From, Until string
	// SettledUntil hides truth settled later; zero = nothing is hidden.
	SettledUntil time.Time
	// PredictedUntil hides later forecasts; zero = nothing is hidden.
	PredictedUntil time.Time
	// WithFeatures reads the feature values too, most of the bytes.
	WithFeatures bool
}
