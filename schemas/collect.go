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
	Note    string        `json:"note,omitempty"`
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
}
