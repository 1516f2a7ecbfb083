package schemas

import "time"

// CollectInput asks for the polls of a station group since its cursor.
type CollectInput struct {
	Group string    `json:"group,omitempty"` // defaults to DefaultGroup
	AsOf  time.Time `json:"as_of,omitzero"`
	// From starts the very first collection of a group; later ones go on at
	// the cursor. Defaults to the start of the source or, live, to AsOf.
	From time.Time `json:"from,omitzero"`
}

// CollectResult sums what was collected.
type CollectResult struct {
	Group   string        `json:"group"`
	Through time.Time     `json:"through"` // the cursor afterwards
	Windows int           `json:"windows"`
	Counts  CollectCounts `json:"counts"`
	// Health is that of the last window.
	Health GroupHealth `json:"health"`
	// Unknown names what the published schema does not have, at most 20.
	Unknown []string `json:"unknown_names,omitempty"`
	Note    string   `json:"note,omitempty"`
}

// CollectCounts counts responses and what was in them.
type CollectCounts struct {
	Responses   int   `json:"responses"`
	Failed      int   `json:"failed"` // polls without an answer
	Missing     int   `json:"missing_plans"`
	Bytes       int64 `json:"bytes"`
	Planned     int   `json:"planned_events"`
	Changes     int   `json:"changes"`
	Quarantined int   `json:"quarantined"`
	Unknown     int   `json:"unknown_attributes"`
}

// Add sums counts.
func (c *CollectCounts) Add(o CollectCounts) {
	c.Responses += o.Responses
	c.Failed += o.Failed
	c.Missing += o.Missing
	c.Bytes += o.Bytes
	c.Planned += o.Planned
	c.Changes += o.Changes
	c.Quarantined += o.Quarantined
	c.Unknown += o.Unknown
}

// CollectPlan says which windows lie between the cursor and AsOf.
type CollectPlan struct {
	Group   string    `json:"group"`
	AsOf    time.Time `json:"as_of"`
	Windows []Window  `json:"windows"`
	// More says that windows were left for the next run.
	More bool   `json:"more,omitempty"`
	Note string `json:"note,omitempty"`
}

// CollectWindowInput is one activity: every poll of a group in a window.
type CollectWindowInput struct {
	Group  string `json:"group"`
	Window Window `json:"window"`
}

// CollectWindowResult points at the raw bundle and counts what it held.
type CollectWindowResult struct {
	Raw    ObjectRef     `json:"raw"`
	Counts CollectCounts `json:"counts"`
	Health GroupHealth   `json:"health"`
	// Unknown names what the published schema does not have, at most 20.
	Unknown []string `json:"unknown_names,omitempty"`
}

// GroupHealth says how the collection of a station group goes.
type GroupHealth struct {
	Stations int `json:"stations"`
	// Waiting stations were put off to the next window, and so were PutOff calls:
	// the limit of the source is too low for all. Budget is what the window was
	// given; 0 = no limit.
	Waiting int `json:"waiting,omitempty"`
	PutOff  int `json:"calls_put_off,omitempty"`
	Budget  int `json:"calls_allowed,omitempty"`
	Failing int `json:"failing,omitempty"` // stations whose last poll had no answer
	Gaps    int `json:"gaps,omitempty"`    // stations with a gap no fchg has healed
	// Silence is the longest time since an answer over all stations asked, and
	// SilentEVA the station it is of.
	SilenceSeconds int64     `json:"silence_seconds"`
	SilentEVA      int64     `json:"silent_eva,omitempty"`
	OldestGap      time.Time `json:"oldest_gap,omitzero"`
	// Worst has at most ten stations that fail or have a gap, longest silence
	// first.
	Worst []StationHealth `json:"worst,omitempty"`
}

// StationHealth is how the collection of one station goes, by its polls for
// changes.
type StationHealth struct {
	EVA      int64     `json:"eva"`
	LastOK   time.Time `json:"last_ok,omitzero"`
	Failures int       `json:"failures"`           // in a row
	Asked    int       `json:"asked_last_hour"`    // polls
	Answered int       `json:"answered_last_hour"` // of them
	GapSince time.Time `json:"gap_since,omitzero"` // oldest gap no fchg has healed
	Error    string    `json:"error,omitempty"`    // of the last poll
}
