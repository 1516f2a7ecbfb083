package policy

import "puenktlich/schemas"

// Book is a policy: the rules of a night and what their actions may cost. Its
// JSON form has the keys of a policy file, and is what a verdict keeps.
type Book struct {
	// Version is raised by whoever changes the file.
	Version int    `json:"version"`
	Name    string `json:"name"`
	// Events with a truth that a night needs before anything may change the model.
	Events  int     `json:"events"`
	Rules   []Rule  `json:"rules"`
	Actions Actions `json:"actions"`
}

// Rule leads to an action once its conditions held on Nights of the last Of.
type Rule struct {
	Name string `json:"name"`
	// Why is for people, and stands in alerts.
	Why string `json:"why"`
	// When has to hold altogether for a night to count.
	When   []Condition `json:"when"`
	Nights int         `json:"nights"`
	Of     int         `json:"of"`
	// After holds the rule back until an action has been tried.
	After *After              `json:"after,omitempty"`
	Then  schemas.VerdictKind `json:"then"`
	// Severity of the alert while the rule holds.
	Severity schemas.AlertSeverity `json:"severity"`
	// Holds forbids every change of the model while the rule holds: what was
	// measured that night cannot be trusted.
	Holds bool `json:"holds,omitempty"`
	// ChampionDays lets the rule look only at a champion that took over at most so
	// many days ago; 0 at any.
	ChampionDays int `json:"champion_days,omitempty"`
	// NewestDays stands in for those of the action: how much of the past is still a
	// good example depends on what has changed.
	NewestDays int `json:"newest_days,omitempty"`
	// FollowUp repeats the retraining that the rule leads to: it knew few days of the
	// changed world, and more of them are there later. It costs no budget.
	FollowUp *FollowUp `json:"follow_up,omitempty"`
}

// Condition is one signal beyond a threshold; exactly one of Above and Below is
// set.
type Condition struct {
	Signal schemas.SignalName `json:"signal"`
	Above  *float64           `json:"above,omitempty"`
	Below  *float64           `json:"below,omitempty"`
	// TimesLimit raises Above to that many times the limit learned from reference
	// days, on nights that have one; 0 does not.
	TimesLimit float64 `json:"times_limit,omitempty"`
	// Until keeps a rule that holds from ending before the signal is back behind
	// this value; it defaults to the threshold.
	Until *float64 `json:"until,omitempty"`
	// Surely takes the near end of the 95 % interval in place of the value, on
	// nights that have one.
	Surely bool `json:"surely,omitempty"`
}

// After asks for so many of an action, taken in the last days.
type After struct {
	Action schemas.VerdictKind `json:"action"`
	Times  int                 `json:"times"`
	Days   int                 `json:"days"`
}

// Actions are what each action may cost.
type Actions struct {
	Recalibrate Action `json:"recalibrate"`
	Retrain     Action `json:"retrain"`
	Search      Action `json:"search"`
	Rollback    Action `json:"rollback"`
	Handover    Action `json:"handover"`
}

// Action bounds one kind.
type Action struct {
	// CoolDown is how many days must lie between this and the last change of the
	// model, whichever it was; for handover, the last handover.
	CoolDown int `json:"cool_down"`
	// Budget bounds how often it is taken in BudgetDays; 0 does not. What comes
	// then is Exhausted, alert or handover.
	Budget     int                 `json:"budget,omitempty"`
	BudgetDays int                 `json:"budget_days,omitempty"`
	Exhausted  schemas.VerdictKind `json:"exhausted,omitempty"`
	// NewestDays and TestDays of a retraining or search, as a lifecycle has them.
	NewestDays int `json:"newest_days,omitempty"`
	TestDays   int `json:"test_days,omitempty"`
	// HalfLifeDays of a retraining or search, as a lifecycle has it.
	HalfLifeDays float64 `json:"half_life_days,omitempty"`
	// Candidates, Rungs and Minutes bound a search.
	Candidates int     `json:"candidates,omitempty"`
	Rungs      int     `json:"rungs,omitempty"`
	Minutes    float64 `json:"minutes,omitempty"`
	// Space is what a search draws from, by parameter.
	Space map[string]schemas.Values `json:"space,omitempty"`
}

// FollowUp retrains again each Every days while the changed world is at most Until
// days old.
type FollowUp struct {
	Every int `json:"every"`
	Until int `json:"until"`
}

// Of is the bounds of a kind; those of nothing and alert are empty.
func (a Actions) Of(kind schemas.VerdictKind) Action {
	switch kind {
	case schemas.VerdictRecalibrate:
		return a.Recalibrate
	case schemas.VerdictRetrain:
		return a.Retrain
	case schemas.VerdictSearch:
		return a.Search
	case schemas.VerdictRollback:
		return a.Rollback
	case schemas.VerdictHandover:
		return a.Handover
	}
	return Action{}
}

// Window is how many nights a verdict may look at, tonight among them.
func (b Book) Window() int {
	longest := 1
	for _, rule := range b.Rules {
		longest = max(longest, rule.Of)
	}
	return longest + memory
}

// memory is how many nights a rule that holds is followed back, beyond its own
// window.
const memory = 14

// Days is how far back actions count.
func (b Book) Days() int {
	longest := 1
	for _, rule := range b.Rules {
		if rule.After != nil {
			longest = max(longest, rule.After.Days)
		}
		if rule.FollowUp != nil {
			longest = max(longest, rule.FollowUp.Until)
		}
	}
	for _, kind := range []schemas.VerdictKind{schemas.VerdictRecalibrate, schemas.VerdictRetrain, schemas.VerdictSearch, schemas.VerdictRollback, schemas.VerdictHandover} {
		a := b.Actions.Of(kind)
		longest = max(longest, a.CoolDown, a.BudgetDays)
	}
	return longest
}

// changes says that an action gives the model another version.
func changes(kind schemas.VerdictKind) bool {
	switch kind {
	case schemas.VerdictRecalibrate, schemas.VerdictRetrain, schemas.VerdictSearch, schemas.VerdictRollback:
		return true
	}
	return false
}

// order of the kinds: of two that are due, the later one is taken. What learns
// more comes after what learns less; handing over is for what learning cannot
// mend; going back is safe and at once.
func order(kind schemas.VerdictKind) int {
	for i, k := range schemas.VerdictKinds() {
		if k == kind {
			return i
		}
	}
	return -1
}
