// Package policy is the rules that decide: a night's signals to a verdict, an
// evaluation to a gate, a trial to its next step. It is pure: the same numbers and
// policy always give the same answer.
package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"puenktlich/schemas"
)

// Taken is an action that a verdict led to.
type Taken struct {
	Kind schemas.VerdictKind
	At   time.Time // domain time
	// Change is the first day of the changed world, as the verdict of a retraining
	// saw it.
	Change string
	// Rule led to it, or to what it followed up.
	Rule string
	// FollowUp says that it followed up one before, and cost nothing.
	FollowUp bool
}

// Decide judges the last of the nights by a policy: a pure function. nights are
// in order, one for each day, of the same model; taken are the actions before it.
// Every number that a rule looked at stands in the reasons, whether it fired or
// not.
func Decide(nights []schemas.Signals, book Book, taken []Taken) schemas.Verdict {
	tonight := nights[len(nights)-1]
	d := decision{nights: nights, tonight: tonight, book: book, taken: before(taken, tonight.AsOf)}
	switch {
	case tonight.Fault != "":
		return d.broken("package", schemas.AlertCritical, "%s: nothing can be judged, and nothing is learned from it", tonight.Fault)
	case tonight.Predictions == 0:
		return d.broken("forecasts", schemas.AlertWarning, "no forecast of %s was logged: nothing can be judged", tonight.Day)
	}
	for _, rule := range book.Rules {
		d.states = append(d.states, d.judge(rule))
	}
	if state, any := d.followUp(); any {
		d.states = append(d.states, state)
	}
	return d.verdict()
}

// before leaves out what the verdict itself, or a later one, led to.
func before(taken []Taken, at time.Time) []Taken {
	return slices.DeleteFunc(slices.Clone(taken), func(t Taken) bool { return !t.At.Before(at) })
}

type decision struct {
	nights  []schemas.Signals
	tonight schemas.Signals
	book    Book
	taken   []Taken
	states  []schemas.RuleState
	reasons []string
}

func (d *decision) note(format string, args ...any) {
	d.reasons = append(d.reasons, fmt.Sprintf(format, args...))
}

// broken is the verdict of a night that no rule can look at.
func (d *decision) broken(name string, severity schemas.AlertSeverity, format string, args ...any) schemas.Verdict {
	reason := fmt.Sprintf(format, args...)
	return schemas.Verdict{Kind: schemas.VerdictAlert, Severity: severity, Reasons: []string{"alert: " + reason},
		Rules: []schemas.RuleState{{Rule: name, State: schemas.RuleFires, Then: schemas.VerdictAlert, Severity: severity, Since: d.tonight.AsOf, Reason: reason}}}
}

// verdict takes the strongest action that is due and may be taken.
func (d *decision) verdict() schemas.Verdict {
	v := schemas.Verdict{Kind: schemas.VerdictNothing, Rules: d.states}
	var due []schemas.RuleState
	for _, s := range d.states {
		if s.State == schemas.RuleFires {
			due = append(due, s)
			v.Severity = worse(v.Severity, s.Severity)
		}
	}
	slices.SortStableFunc(due, func(a, b schemas.RuleState) int { return order(b.Then) - order(a.Then) })
	for _, s := range due {
		kind, why := d.allowed(s)
		if why != "" {
			d.note("%s would %s: %s", s.Rule, words(s.Then), why)
		}
		if order(kind) > order(v.Kind) {
			v.Kind, v.Rule, v.Change, v.Follows = kind, s.Rule, "", ""
			if kind == schemas.VerdictRetrain || kind == schemas.VerdictSearch {
				v.Change, v.Follows = s.Change, s.Follows
			}
		}
	}
	for _, s := range d.states {
		d.note("%s %s: %s", s.Rule, s.State, s.Reason)
	}
	v.Reasons, v.Lifecycle = d.reasons, d.lifecycle(v)
	return v
}

// words of an action in a sentence.
func words(kind schemas.VerdictKind) string {
	switch kind {
	case schemas.VerdictRollback:
		return "roll back"
	case schemas.VerdictHandover:
		return "hand over to data science"
	case schemas.VerdictSearch:
		return "search new hyper-parameters"
	}
	return string(kind)
}

func worse(a, b schemas.AlertSeverity) schemas.AlertSeverity {
	all := []schemas.AlertSeverity{"", schemas.AlertInfo, schemas.AlertWarning, schemas.AlertCritical}
	if slices.Index(all, b) > slices.Index(all, a) {
		return b
	}
	return a
}

// allowed answers what a rule that fires may lead to tonight, and what keeps it
// from its own action.
func (d *decision) allowed(s schemas.RuleState) (schemas.VerdictKind, string) {
	kind := s.Then
	if changes(kind) {
		if why := d.unfit(kind); why != "" {
			return schemas.VerdictAlert, why
		}
	}
	if s.Rule == schemas.RuleFollowUp {
		return kind, "" // it has bounds of its own
	}
	bounds := d.book.Actions.Of(kind)
	if last, found := d.last(kind); found && bounds.CoolDown > 0 {
		if over := last.At.AddDate(0, 0, bounds.CoolDown); d.tonight.AsOf.Before(over) {
			return schemas.VerdictAlert, fmt.Sprintf("not before %s, %d days after the %s of %s", stamp(over), bounds.CoolDown, last.Kind, stamp(last.At))
		}
	}
	if bounds.Budget > 0 {
		since := d.tonight.AsOf.AddDate(0, 0, -bounds.BudgetDays)
		if n := d.count(kind, since); n >= bounds.Budget {
			instead := schemas.VerdictAlert
			if bounds.Exhausted != "" {
				instead = bounds.Exhausted
			}
			why := fmt.Sprintf("its budget of %d in %d days is spent (%d since %s): %s instead", bounds.Budget, bounds.BudgetDays, n, stamp(since), words(instead))
			if instead == schemas.VerdictHandover {
				next, more := d.allowed(schemas.RuleState{Then: schemas.VerdictHandover})
				if more != "" {
					why += ", but " + more
				}
				return next, why
			}
			return instead, why
		}
	}
	return kind, ""
}

// unfit says why the model must not be changed by what is known tonight.
func (d *decision) unfit(kind schemas.VerdictKind) string {
	for _, s := range d.states {
		if s.Holds && s.State == schemas.RuleFires {
			return fmt.Sprintf("rule %s holds every change of the model", s.Rule)
		}
	}
	if d.tonight.Events < d.book.Events {
		return fmt.Sprintf("%d forecasts of %s have a truth, %d are needed", d.tonight.Events, d.tonight.Day, d.book.Events)
	}
	if kind == schemas.VerdictRollback && d.tonight.PreviousVersion == 0 {
		return "there is no earlier champion"
	}
	return ""
}

// last is the newest action that a cool-down of this kind counts from.
func (d *decision) last(kind schemas.VerdictKind) (Taken, bool) {
	var newest Taken
	for _, t := range d.taken {
		if changes(t.Kind) != changes(kind) || !changes(kind) && t.Kind != kind {
			continue
		}
		if t.At.After(newest.At) {
			newest = t
		}
	}
	return newest, newest.Kind != ""
}

// count is how often an action was taken since a moment, follow-ups left out. What
// joined one that was under way counts: the days after it are those after a change.
func (d *decision) count(kind schemas.VerdictKind, since time.Time) int {
	n := 0
	for _, t := range d.taken {
		if t.Kind == kind && !t.FollowUp && !t.At.Before(since) {
			n++
		}
	}
	return n
}

// lifecycle is what the policy gives to a retraining or a search.
func (d *decision) lifecycle(v schemas.Verdict) *schemas.LifecycleInput {
	a := d.book.Actions.Of(v.Kind)
	in := schemas.LifecycleInput{NewestDays: a.NewestDays, TestDays: a.TestDays, HalfLifeDays: a.HalfLifeDays}
	if rule := d.book.rule(cmp.Or(v.Follows, v.Rule)); rule != nil && rule.NewestDays > 0 {
		in.NewestDays = rule.NewestDays
	}
	switch v.Kind {
	case schemas.VerdictRetrain:
		return &in
	case schemas.VerdictSearch:
		in.Search = &schemas.Search{Space: schemas.Space{Parameters: a.Space}, Budget: schemas.Budget{Candidates: a.Candidates, Rungs: a.Rungs, Minutes: a.Minutes}}
		return &in
	}
	return nil
}

// stamp writes a moment for a reason.
func stamp(t time.Time) string {
	return strings.TrimSuffix(t.UTC().Format("2006-01-02 15:04"), " 00:00")
}
