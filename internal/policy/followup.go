package policy

import (
	"fmt"
	"time"

	"puenktlich/schemas"
)

// followUp says whether a retraining is to be repeated: the night it was asked for
// knew few days of the changed world, and more of them are there now. Another change
// of the model since then has taken its place, and ends it.
func (d *decision) followUp(f FollowUp) schemas.RuleState {
	state := schemas.RuleState{Rule: schemas.RuleFollowUp, State: schemas.RuleQuiet, Then: schemas.VerdictRetrain, Severity: schemas.AlertInfo,
		Why: "more days of the changed world are there to learn from", Reason: "no retraining of the changed world is under way"}
	last, found := d.last(schemas.VerdictRetrain)
	if !found || last.Change == "" {
		return state
	}
	age := daysSince(last.Change, d.tonight.Day)
	due := last.At.AddDate(0, 0, f.Every)
	state.Reason = fmt.Sprintf("day %d of the world changed on %s, followed up through day %d, each %d days; the last change of the model was the %s of %s",
		age, last.Change, f.Until, f.Every, last.Kind, stamp(last.At))
	if age > 0 && age <= f.Until && !d.tonight.AsOf.Before(due) {
		state.State, state.Since, state.Change = schemas.RuleFires, d.tonight.AsOf, last.Change
	}
	return state
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
