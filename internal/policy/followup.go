package policy

import (
	"fmt"
	"time"

	"puenktlich/schemas"
)

// followUp says whether a retraining is to be repeated: the night it was asked for
// knew few days of the changed world, and more of them are there now. Another change
// of the model since then has taken its place, and ends it. any is false where no
// rule of the policy is followed up.
func (d *decision) followUp() (state schemas.RuleState, any bool) {
	state = schemas.RuleState{Rule: schemas.RuleFollowUp, State: schemas.RuleQuiet, Then: schemas.VerdictRetrain, Severity: schemas.AlertInfo,
		Why: "more days of the changed world are there to learn from", Reason: "the last change of the model is none that is followed up"}
	for _, rule := range d.book.Rules {
		any = any || rule.FollowUp != nil
	}
	last, found := d.last(schemas.VerdictRetrain)
	rule := d.book.rule(last.Rule)
	if !found || last.Change == "" || rule == nil || rule.FollowUp == nil {
		return state, any
	}
	f, age := *rule.FollowUp, daysSince(last.Change, d.tonight.Day)
	due := last.At.AddDate(0, 0, f.Every)
	state.Reason = fmt.Sprintf("day %d of the world that changed on %s by rule %s, followed up through day %d, each %d days; the last time was %s",
		age, last.Change, rule.Name, f.Until, f.Every, stamp(last.At))
	if age > 0 && age <= f.Until && !d.tonight.AsOf.Before(due) {
		state.State, state.Since, state.Change, state.Follows = schemas.RuleFires, d.tonight.AsOf, last.Change, rule.Name
	}
	return state, any
}

// rule is the one of a name; nil where the policy has none.
func (b Book) rule(name string) *Rule {
	for i := range b.Rules {
		if b.Rules[i].Name == name {
			return &b.Rules[i]
		}
	}
	return nil
}

// daysSince counts days, both included; 0 without a first one.
func daysSince(from, day string) int {
	first, err := time.Parse(time.DateOnly, from)
	if err != nil {
		return 0
	}
	last, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return 0
	}
	return int(last.Sub(first).Hours()/24) + 1
}
