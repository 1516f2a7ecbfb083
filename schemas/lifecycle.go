package schemas

import "time"

// LifecycleInput asks for one run from observations to a served champion.
type LifecycleInput struct {
	Model string `json:"model,omitempty"`
	// Train and Test default to the settled days, the newest fifth (at least
	// one, at most seven) for the test.
	Train DayRange `json:"train,omitzero"`
	Test  DayRange `json:"test,omitzero"`
	// NewestDays takes that many of the newest settled days and leaves older
	// ones out, after a change that made them a bad example; 0 takes all.
	NewestDays int `json:"newest_days,omitempty"`
	// TestDays of the days taken test; 0 is the fifth above.
	TestDays   int         `json:"test_days,omitempty"`
	AsOf       time.Time   `json:"as_of,omitzero"`
	Candidates []Candidate `json:"candidates,omitempty"`
	Search     *Search     `json:"search,omitempty"`
	// HalfLifeDays is after how many days of age a day counts half in training, for
	// candidates that name no half-life of their own; 0 counts all days alike.
	HalfLifeDays float64 `json:"half_life_days,omitempty"`
	Seed         uint64  `json:"seed,omitempty"`
	Reason       string  `json:"reason,omitempty"`
	// Actor defaults to "unauthenticated UI".
	Actor string `json:"actor,omitempty"`
	// Rollout overrides the configured stages; all zero promotes at once.
	Rollout *Rollout `json:"rollout,omitempty"`
	// KeepChampion evaluates and packages without promoting.
	KeepChampion bool `json:"keep_champion,omitempty"`
	// Gate replaces the limits the worker was configured with.
	Gate *GatePolicy `json:"gate,omitempty"`
}

// LifecyclePlan has every default filled in.
type LifecyclePlan struct {
	Train DayRange  `json:"train"`
	Test  DayRange  `json:"test"`
	AsOf  time.Time `json:"as_of"`
}

// LifecycleResult says what came of it.
type LifecycleResult struct {
	Dataset  DatasetRef     `json:"dataset"`
	Trained  TrainedModel   `json:"trained"`
	Evaluate EvaluateResult `json:"evaluate"`
	Package  PackageRef     `json:"package"`
	Switch   *SwitchResult  `json:"switch,omitempty"`
	// Rollout is the workflow that goes on where the lifecycle ends: shadow,
	// canary, approval.
	Rollout  string `json:"rollout,omitempty"`
	Decision string `json:"decision"`
}
