package schemas

import (
	"fmt"
	"strings"
)

// MaxCandidates bounds a search: its table has to fit a workflow's result.
const MaxCandidates = 60

// Search is where more candidates come from, and what they may cost.
type Search struct {
	Space  Space  `json:"space,omitzero"`
	Budget Budget `json:"budget,omitzero"`
}

// UnmarshalJSON refuses unknown fields.
func (s *Search) UnmarshalJSON(body []byte) error {
	type plain Search
	return strictly("search", body, (*plain)(s))
}

// Space is the ways to learn that a search draws from.
type Space struct {
	Algorithms  []Algorithm  `json:"algorithms,omitempty"`   // defaults to xgboost_buckets
	FeatureSets []FeatureSet `json:"feature_sets,omitempty"` // defaults to all
	// Parameters by name, those of a Candidate. One that is not named has the
	// value it has where the input names no candidates.
	Parameters map[string]Values `json:"parameters,omitempty"`
}

// Values are what a parameter may be: some values, or a range.
type Values struct {
	Values []float64 `json:"values,omitempty"`
	// Low and High are both included. Log draws evenly by the logarithm.
	Low  float64 `json:"low,omitempty"`
	High float64 `json:"high,omitempty"`
	Log  bool    `json:"log,omitempty"`
}

// Budget bounds a search. What is under way when a bound is reached still ends.
type Budget struct {
	// Candidates is how many are drawn, at most MaxCandidates with those that the
	// input names. Defaults to 12. A space of lists that has fewer is tried whole.
	Candidates int `json:"candidates,omitempty"`
	// Rounds of all candidates and folds together; 0 does not bound.
	Rounds int `json:"rounds,omitempty"`
	// Minutes of real time; 0 does not bound.
	Minutes float64 `json:"minutes,omitempty"`
	// Rungs is how often candidates are compared; 1 trains all of them fully.
	// Defaults to 3.
	Rungs int `json:"rungs,omitempty"`
	// Keep is the share of candidates that goes on from rung to rung, with 1/Keep
	// times the rounds. Defaults to a third.
	Keep float64 `json:"keep,omitempty"`
}

// PlanSearchInput is one activity: check a search and draw its candidates.
type PlanSearchInput struct {
	Search Search `json:"search"`
	// Named are the candidates of the input, which come first. Base has the
	// parameters the space does not name.
	Named         []Candidate `json:"named,omitempty"`
	Base          Candidate   `json:"base"`
	Seed          uint64      `json:"seed"`
	SegmentRounds int         `json:"segment_rounds"`
}

// SearchPlan has every default filled in.
type SearchPlan struct {
	Candidates []Candidate `json:"candidates"`
	Budget     Budget      `json:"budget"`
}

// QueryCandidates answers the table of a training while it runs, a
// SearchTable.
const QueryCandidates = "candidates"

// SearchTable is the state of a training's candidates.
type SearchTable struct {
	Rung       int               `json:"rung"` // 0 without a search
	Rungs      int               `json:"rungs"`
	Candidates []CandidateResult `json:"candidates"` // best first
	Waiting    int               `json:"waiting"`    // not tried yet, in this rung
	Note       string            `json:"note,omitempty"`
}

// rungMark is in the run ID of a later rung, after that of the first.
const rungMark = "-rung-"

// RungID names the run of a candidate's rung of a search, which is a run of its
// own: run is the one of the first rung.
func RungID(run string, rung int) string {
	if rung <= 1 {
		return run
	}
	return fmt.Sprintf("%s%s%d", run, rungMark, rung)
}

// FirstRung is the run whose checkpoints a run goes on from: itself, but for a
// later rung of a search.
func FirstRung(run string) string {
	first, _, _ := strings.Cut(run, rungMark)
	return first
}
