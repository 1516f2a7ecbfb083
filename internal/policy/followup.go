package policy

import (
	"fmt"
	"time"

	"puenktlich/schemas"
)

// followUp says whether a retraining is to be repeated: the night it was asked for
// knew few days of the changed world, and more of them are there now. A retraining for
// another reason since then counts as one of them; one that was rolled back ends it. any
// is false where no rule of the policy is followed up.
func (d *decision) followUp() (state schemas.RuleState, any bool) {
	state = schemas.RuleState{Rule: schemas.RuleFollowUp, State: schemas.RuleQuiet, Then: schemas.VerdictRetrain, Severity: schemas.AlertInfo,
		Why: "more days of the changed world are there to learn from", Reason: "no change of the model is followed up"}
	for _, rule := range d.book.Rules {
		any = any || rule.FollowUp != nil
	}
	begun, rule := d.followed()
	if rule == nil {
		return state, any
	}
	last, _ := d.last(schemas.VerdictRetrain)
	f, age := *rule.FollowUp, daysSince(begun.Change, d.tonight.Day)
	due := last.At.AddDate(0, 0, f.Every)
	state.Reason = fmt.Sprintf("day %d of the world that changed on %s by rule %s, followed up through day %d, each %d days; the model changed last on %s",
		age, begun.Change, rule.Name, f.Until, f.Every, stamp(last.At))
	if age > 0 && age <= f.Until && !d.tonight.AsOf.Before(due) {
		state.State, state.Since, state.Change, state.Follows = schemas.RuleFires, d.tonight.AsOf, begun.Change, rule.Name
	}
	return state, any
}

// followed is the newest retraining by a rule that is followed up, and that rule; nil
// without one, or where the champion before came back since.
func (d *decision) followed() (begun Taken, rule *Rule) {
	for _, t := range d.taken {
		switch of := d.book.rule(t.Rule); {
		case t.At.Before(begun.At):
		case t.Kind == schemas.VerdictRollback:
			begun, rule = t, nil
		case t.Change != "" && of != nil && of.FollowUp != nil:
			begun, rule = t, of
		}
	}
	return begun, rule
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
