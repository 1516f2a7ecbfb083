package clickhouse

import "time"

// FromPlan is the source of counts that no forecast was needed for.
const FromPlan PredictionSource = "plan"

// Judged is one forecast, without its features, with what became of the event
// and what the plan says of it.
type Judged struct {
	Prediction // RequestID, Group, Instance, LastSeq, Features and LatencyMicros are not read
	Outcome    Outcome
	// SettledAt is when the event first had a truth; zero without one.
	SettledAt time.Time
	Category  string // of the train; empty where the plan has none
	// Neighbour is the station before an arrival, after a departure; empty where the plan
	// has none.
	Neighbour string
	// OwnDelay is the railway's own forecast of the delay in minutes at the
	// cut-off; NaN where it had none, or where the package has no such feature.
	OwnDelay float32
}

// JudgedQuery selects forecasts to be judged.
type JudgedQuery struct {
	Model      string // required
	Source     PredictionSource
	DataSource string // required
	From       string // event days, half-open, 2006-01-02
	Until      string
	// AsOf hides forecasts made later and truth settled later. Required.
	AsOf time.Time
	// OwnDelayAt is the number of the feature OwnDelay, from 1; 0 = none.
	OwnDelayAt int
}

// Estimate is a score expected of forecasts before their truth was known.
type Estimate struct {
	Model          string
	Version        uint32
	Digest         string
	Role           Role
	Source         PredictionSource
	DataSource     string
	Day            string // event day, 2006-01-02
	HorizonMinutes int32  // 0 = all
	Metric         string
	Estimate       float64
	Forecasts      uint64
	MadeAt         time.Time
	Expected       float64 // of the graded forecasts alone; NaN = not graded
	Realized       float64 // NaN = not graded
	Graded         uint64
	GradedAt       time.Time // zero = not graded
}

// DriftCounts are the values of one hour in the bins of one reference.
type DriftCounts struct {
	Model      string // empty for what does not depend on a model
	Version    uint32
	Digest     string
	DataSource string
	Source     PredictionSource
	Day        string    // event day, 2006-01-02
	Hour       time.Time // of the planned time
	Subject    string
	Name       string
	Labels     []string // of categories
	Bins       []uint64
	Missing    uint64
	Total      uint64 // rows of the hour when they were counted
	CountedAt  time.Time
}

// CountsQuery selects drift counts.
type CountsQuery struct {
	Model      string // empty: of the plan
	Digest     string
	DataSource string // required
	Source     PredictionSource
	From       string // event days, half-open, 2006-01-02
	Until      string
}

// VectorQuery selects feature vectors of forecasts.
type VectorQuery struct {
	Model      string // required
	Digest     string // required
	Source     PredictionSource
	DataSource string // required
	Day        string // event day
	AsOf       time.Time
	// Hours restricts to these hours of the planned time; empty = all.
	Hours []time.Time
	// Sample keeps about so many rows, the same each time; 0 = all.
	Sample int
}

// Vector is the input of one forecast.
type Vector struct {
	StopID   string
	Kind     string
	EventDay string
	Planned  time.Time
	Features []float32
	POnTime  float64
}

// CategoryCount counts planned events of one hour by one value of one column.
type CategoryCount struct {
	Day    string
	Hour   time.Time
	Column string
	Value  string
	Events uint64
}

// DelayCount counts the events of a day that ran with a change observed.
type DelayCount struct {
	Day     string
	Minutes int32 // of delay, cut at -60 and 360
	Events  uint64
}

// TruthMark says what truth of a day is newest.
type TruthMark struct {
	Day     string
	Settled time.Time // of the newest revision
	Events  uint64
}

// DayHealthQuery asks how the collection of one day went.
type DayHealthQuery struct {
	Source string // required
	Day    string // event day
	// Start and End bound the day.
	Start, End time.Time
	// AsOf hides what was polled later. Required.
	AsOf time.Time
}

// DayHealth is how the collection of one day went.
type DayHealth struct {
	Stations     uint64 // that were watched in the week up to the day's end
	StationHours uint64 // of the day, polled at all
	Unbroken     uint64 // of them, without a gap longer than the source's usual pause
	UsualSeconds uint32 // twice the median of the hours' longest gaps in that week, at least 300
	Responses    uint64 // answered
	Failures     uint64
	Quarantined  uint64    // elements that could not be read
	UnknownNames uint64    // attributes and elements the published schema does not have
	LastObserved time.Time // newest observation by AsOf; zero without one in two days
	Planned      uint64    // events of the day
	Settled      uint64
	Observed     uint64 // of the settled, by an observed change
}
