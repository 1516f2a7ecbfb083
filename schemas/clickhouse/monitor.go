package clickhouse

import "time"

// Score is one metric of one version on settled events.
type Score struct {
	Model          string
	Version        uint32
	Digest         string
	Role           Role
	Source         PredictionSource
	DataSource     string
	Evidence       string // kinds of evidence scored; never pooled
	FromDay        string // event days, half-open, 2006-01-02
	UntilDay       string
	HorizonMinutes int32  // 0 = all
	SliceKind      string // class, category, station ...; empty = all events
	Slice          string
	Metric         string
	Value          float64 // NaN where it does not exist
	Lower, Upper   float64 // 95 % interval; NaN = not estimated
	Baseline       string  // best baseline on the same events
	BaselineValue  float64
	Events         uint64
	Days           uint32
	ScoredAt       time.Time // AsOf, domain time
	// Blocks is what the interval was drawn over; empty where none was estimated.
	Blocks string
}

// Drift is one statistic of one day against a reference.
type Drift struct {
	Model      string
	Version    uint32
	DataSource string
	Day        string // 2006-01-02
	Subject    string // feature, prediction, label ...
	Name       string // which feature; empty where the subject has one
	Statistic  string // psi, ks, jsd ...
	Value      float64
	Threshold  float64 // NaN = watched without a threshold
	Exceeded   bool
	Events     uint64
	Reference  string    // data set or days compared with
	MeasuredAt time.Time // AsOf, domain time
}

// Verdict is what monitoring decided and why.
type Verdict struct {
	VerdictID  string
	Model      string
	Version    uint32
	DataSource string
	Day        string // last event day judged, 2006-01-02
	Action     string // what it came to, see schemas.VerdictKind
	Rule       string // the rule that decided
	Reason     string
	Figures    string // JSON object: the figures the rule saw
	WorkflowID string
	DecidedAt  time.Time // AsOf, domain time
	// Policy is its canonical JSON, Decided the verdict's own; both are empty
	// before there were policy files.
	PolicyName    string
	PolicyVersion uint32
	PolicySHA256  string
	Policy        string
	Decided       string
	Severity      string
	// Act is started, joined or failed; empty where nothing was asked for.
	Act       string
	Reference string // workflow that was started or joined
	Note      string
	Evidence  string // key
	Report    string // key
}

// VerdictQuery selects verdicts on a model.
type VerdictQuery struct {
	Model      string // required
	DataSource string // empty: of any source
	// From and Until bound the days, half-open, 2006-01-02; empty does not.
	From, Until string
	// DecidedSince and DecidedUntil bound the moment, both included; zero does not.
	DecidedSince, DecidedUntil time.Time
	// Newest keeps the last verdict of each day alone.
	Newest bool
	// Acted keeps those alone that led to something.
	Acted bool
	// IDs keeps these alone; empty keeps all.
	IDs []string
	// Limit of rows, the newest; 0 does not bound.
	Limit int
}

// AlertState says whether an alert still holds.
type AlertState string

// States of an alert.
const (
	AlertFiring   AlertState = "firing"
	AlertResolved AlertState = "resolved"
)

// Alert is one alert in one state.
type Alert struct {
	AlertID    string
	Name       string
	Severity   string // info, warning or critical: the worst it has been
	State      AlertState
	Subject    string // model, station group ... it is about
	Summary    string
	Details    string // JSON object
	WorkflowID string
	RaisedAt   time.Time
	ResolvedAt time.Time // zero while firing
	Version    uint64    // the highest one is the present state
	// Told is what was last sent of it: a severity, resolved, or nothing yet.
	Told string
}

// RegistryEvent is one change of a version or of an alias.
type RegistryEvent struct {
	EventID         string
	Model           string
	Version         uint32
	Digest          string
	Event           string // registered, promoted, approved, rejected, rolled_back ...
	Alias           string // champion or challenger; empty where none changed
	Mode            string // of a challenger: shadow or canary
	PreviousVersion uint32 // what the alias named before; 0 = nothing
	Actor           string
	Reason          string
	WorkflowID      string
	Details         string // JSON object
	HappenedAt      time.Time
}

// Audit is one act of a person or program.
type Audit struct {
	AuditID       string
	HappenedAt    time.Time
	Actor         string
	Authenticated bool
	Role          string
	Action        string
	Object        string
	Outcome       string // done, refused or failed
	Reason        string
	Details       string // JSON object
	Remote        string // address it came from
}

// MonitorQuery selects scores or drift statistics of a model.
type MonitorQuery struct {
	Model string // required
	// From and Until bound the event days, half-open, 2006-01-02.
	From, Until string
	// AsOf hides what was computed later; zero = nothing is hidden.
	AsOf time.Time
	// Revisions reads every computation, not the last alone.
	Revisions bool
	// What follows restricts scores; empty = all.
	Digest     string
	DataSource string
	Metrics    []string
	// Slices are kinds of slices; one that is empty is all events.
	Slices []string
}
