package schemas

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// Gate is the verdict on a report, with the numbers it was made from.
type Gate struct {
	Passed  bool     `json:"passed"`
	Reasons []string `json:"reasons"`
}

// GatePolicy is what a model has to hold to be promoted. In JSON a field that is
// not there keeps its default, and an unknown one is an error.
type GatePolicy struct {
	// MinEvents of the test, below which nothing can be said. Defaults to 100.
	MinEvents int `json:"min_events"`
	// MinDays of the test. Defaults to 1.
	MinDays int `json:"min_days"`
	// SkillAgainst is the baseline that MinSkill speaks of, at every horizon.
	// Defaults to db_forecast, the railway's own forecast as it stands.
	SkillAgainst Baseline `json:"skill_against"`
	// MinSkill has to be exceeded. Defaults to 0.
	MinSkill float64 `json:"min_skill"`
	// MaxECE at every horizon, where the ECE is not within the band of a perfectly
	// calibrated forecast. 0 switches the rule off. Defaults to 0.
	MaxECE float64 `json:"max_ece"`
	// MinSliceSkill against the best baseline of every scored slice. -1 or less
	// switches the rule off. Defaults to -1.
	MinSliceSkill float64 `json:"min_slice_skill"`
	// MaxModelBytes of what was learned. 0 switches the rule off. Defaults to 0.
	MaxModelBytes int64 `json:"max_model_bytes"`
	// MaxRowMicroseconds of one forecast, on the mean. 0 switches the rule off.
	// Defaults to 0.
	MaxRowMicroseconds float64 `json:"max_row_microseconds"`
	// Champion says what the comparison must show. Defaults to not_worse.
	Champion ChampionRule `json:"champion"`
	// MaxChampionLoss is by how much the Brier score may exceed the champion's, as
	// a share of it, though the difference is certain. Defaults to 0.02.
	MaxChampionLoss float64 `json:"max_champion_loss"`
	// FewDays says what a comparison on fewer than ten days is worth. Defaults to
	// within: its interval within these days is taken for the verdict.
	FewDays FewDaysRule `json:"few_days"`
}

// ChampionRule is what a comparison with the champion must show.
type ChampionRule string

// Rules of the comparison.
const (
	ChampionIgnored  ChampionRule = "ignore"
	ChampionNotWorse ChampionRule = "not_worse" // a champion that cannot be compared with is passed over
	ChampionBeaten   ChampionRule = "better"
)

// FewDaysRule is what a verdict "not enough days" leads to.
type FewDaysRule string

// Rules for few days.
const (
	FewDaysWithin FewDaysRule = "within" // the verdict within these days counts
	FewDaysRefuse FewDaysRule = "refuse"
)

// DefaultGate is what an empty gate means.
func DefaultGate() GatePolicy {
	return GatePolicy{MinEvents: 100, MinDays: 1, SkillAgainst: BaselineDB, MinSliceSkill: -1,
		Champion: ChampionNotWorse, MaxChampionLoss: 0.02, FewDays: FewDaysWithin}
}

// UnmarshalJSON reads a gate over the defaults; unknown fields and values are errors.
func (g *GatePolicy) UnmarshalJSON(data []byte) error {
	type plain GatePolicy
	read := plain(DefaultGate())
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&read); err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	*g = GatePolicy(read)
	return g.Validate()
}

// Validate says which field has a value that none can have.
func (g GatePolicy) Validate() error {
	baselines := []Baseline{BaselineRate, BaselineCategory, BaselineDB, BaselineDBCalibrated, BaselineBest}
	switch {
	case !slices.Contains(baselines, g.SkillAgainst):
		return fmt.Errorf("gate: skill_against %q: want one of %q", g.SkillAgainst, baselines)
	case !slices.Contains([]ChampionRule{ChampionIgnored, ChampionNotWorse, ChampionBeaten}, g.Champion):
		return fmt.Errorf("gate: champion %q: want ignore, not_worse or better", g.Champion)
	case g.FewDays != FewDaysWithin && g.FewDays != FewDaysRefuse:
		return fmt.Errorf("gate: few_days %q: want within or refuse", g.FewDays)
	case g.MinEvents < 1 || g.MinDays < 1:
		return fmt.Errorf("gate: min_events %d and min_days %d: want 1 or more", g.MinEvents, g.MinDays)
	case g.MinSkill >= 1 || g.MinSliceSkill >= 1:
		return fmt.Errorf("gate: min_skill %v and min_slice_skill %v: no forecast has a skill of 1, want less", g.MinSkill, g.MinSliceSkill)
	case g.MaxECE < 0 || g.MaxECE > 1:
		return fmt.Errorf("gate: max_ece %v: want 0 to 1, 0 switches the rule off", g.MaxECE)
	case g.MaxModelBytes < 0 || g.MaxRowMicroseconds < 0 || g.MaxChampionLoss < 0:
		return fmt.Errorf("gate: max_model_bytes %d, max_row_microseconds %v and max_champion_loss %v: want 0 or more", g.MaxModelBytes, g.MaxRowMicroseconds, g.MaxChampionLoss)
	}
	return nil
}
