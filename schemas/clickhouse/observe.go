package clickhouse

import "time"

// PollKind is the call of the Timetables API a poll made.
type PollKind string

// The calls that are polled.
const (
	PollPlan    PollKind = "plan"
	PollRecent  PollKind = "rchg" // changes of about the last two minutes
	PollChanges PollKind = "fchg" // all known changes
)

// PollStatus says how a poll ended.
type PollStatus string

// Ends of a poll.
const (
	PollOK      PollStatus = "ok"
	PollMissing PollStatus = "missing" // the source has nothing for this station and time
	PollFailed  PollStatus = "failed"
)

// Poll is one call to the Timetables API, answered or not.
type Poll struct {
	Source      string
	Group       string // station group
	EVA         int64
	Kind        PollKind
	Hour        time.Time // asked for by a plan poll; zero otherwise
	PolledAt    time.Time // milliseconds are kept
	Status      PollStatus
	Error       string // what failed, empty when ok
	Stops       uint32
	Changes     uint32 // events written
	Quarantined uint32 // elements that could not be read
	RawKey      string // object that holds the response, empty without one
	RawSHA256   string
}

// Coverage is what was watched of one station in one hour.
type Coverage struct {
	Source            string
	EVA               int64
	Hour              time.Time // start of the hour
	PlanKnown         bool
	Polls             uint32 // successful, for changes
	LongestGapSeconds uint32 // between polls; 3600 = none in the hour
	Quarantined       uint32
	Version           uint64 // a higher version supersedes
}

// Quarantine is one element a parser refused.
type Quarantine struct {
	Source   string
	EVA      int64
	PolledAt time.Time
	RawKey   string
	File     string
	Element  string
	Value    string
	Reason   string
}

// Daily counts the settled events of one day for one key.
type Daily struct {
	Source    string
	Day       string // event day, 2006-01-02
	KeyKind   string // what Key names: train, line, station ...
	Key       string
	Events    uint32 // ran, with a changed time observed
	Late      uint32 // ran and at least 6 minutes late
	Cancelled uint32
	DelaySum  int64     // minutes, of the events that ran
	KnownAt   time.Time // AsOf of the settlement behind it
	Version   uint64    // the highest one known at the reader's moment counts
}

// DailySum is Daily added up over the days of a query.
type DailySum struct {
	KeyKind   string
	Key       string
	Days      uint64 // with at least one event
	Events    uint64
	Late      uint64
	Cancelled uint64
	DelaySum  int64
}

// TimelineQuery selects planned events and what was observed of them.
type TimelineQuery struct {
	Source string // required
	// From and Until bound the planned time, half-open.
	From, Until time.Time
	// Stations to read; empty = all.
	Stations []int64
	// PolledUntil hides everything polled later, plan and changes alike; zero
	// = nothing is hidden.
	PolledUntil time.Time
}

// TruthQuery selects settled events.
type TruthQuery struct {
	Source string // required
	// From and Until bound the event day, half-open, 2006-01-02.
	From, Until string
	// SettledUntil hides revisions settled later; zero = nothing is hidden.
	SettledUntil time.Time
}

// DailyQuery selects daily counts.
type DailyQuery struct {
	Source string // required
	// From and Before bound the event day, half-open, 2006-01-02; an empty
	// From has no lower bound.
	From, Before string
	// KnownAt hides what became known later. Required.
	KnownAt time.Time
	// CancelledAlone reads keys too of which nothing ran.
	CancelledAlone bool
}

// DailyMark stands for the rows behind daily counts.
type DailyMark struct{ Rows, Sum uint64 }

// CoverageQuery selects station-hours.
type CoverageQuery struct {
	Source string // required
	// From and Until bound the start of the hour, half-open.
	From, Until time.Time
}

// PollQuery selects polls.
type PollQuery struct {
	Source string // required
	// Stations whose polls to read; empty = all of the source.
	Stations []int64
	// From and Until bound the time of the poll, half-open.
	From, Until time.Time
}

// DaySpan says which days a source has, 2006-01-02, first and last inclusive;
// empty where there are none.
type DaySpan struct {
	FirstPlanned, LastPlanned string
	FirstSettled, LastSettled string
	// Settled lists every day with settled events, ascending.
	Settled []string
}
