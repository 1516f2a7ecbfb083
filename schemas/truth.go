package schemas

import "time"

// SettleInput asks for ground truth of days.
type SettleInput struct {
	// Days defaults to the days with observations that are not settled whole.
	Days DayRange  `json:"days,omitzero"`
	AsOf time.Time `json:"as_of,omitzero"`
}

// SettlePlan lists the days to settle.
type SettlePlan struct {
	Days []string  `json:"days"`
	AsOf time.Time `json:"as_of"`
	Note string    `json:"note,omitempty"`
}

// SettleDayInput is one activity: one day of planned events.
type SettleDayInput struct {
	Day  string    `json:"day"`
	AsOf time.Time `json:"as_of"`
}

// SettleCounts counts the planned events of days by what became of them.
type SettleCounts struct {
	Planned      int `json:"planned"`
	Observed     int `json:"change_observed"` // ran, with a changed time
	Late         int `json:"late"`            // of Observed
	NoChange     int `json:"polled_without_change"`
	Cancelled    int `json:"cancelled"`
	Unsettled    int `json:"unsettled"`
	Unknown      int `json:"unknown"`
	Revised      int `json:"revised"` // truth that differs from an earlier version
	UnplannedIDs int `json:"unplanned_ids"`
}

// Add sums counts.
func (c *SettleCounts) Add(o SettleCounts) {
	c.Planned += o.Planned
	c.Observed += o.Observed
	c.Late += o.Late
	c.NoChange += o.NoChange
	c.Cancelled += o.Cancelled
	c.Unsettled += o.Unsettled
	c.Unknown += o.Unknown
	c.Revised += o.Revised
	c.UnplannedIDs += o.UnplannedIDs
}

// SettleResult sums days.
type SettleResult struct {
	Days   DayRange     `json:"days"`
	AsOf   time.Time    `json:"as_of"`
	Counts SettleCounts `json:"counts"`
	Note   string       `json:"note,omitempty"`
}
