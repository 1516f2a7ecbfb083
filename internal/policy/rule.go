package policy

import (
	"fmt"
	"strings"
	"time"

	"puenktlich/schemas"
)

// hit is what a rule's conditions said of one night.
type hit int

const (
	unknown hit = iota
	behind
	beyond
)

// judge follows a rule through the nights: it begins to hold once its conditions
// held on enough of its window, and goes on until they clearly do not. A night
// that is not known neither counts nor ends anything.
func (d *decision) judge(rule Rule) schemas.RuleState {
	state := schemas.RuleState{Rule: rule.Name, State: schemas.RuleQuiet, Then: rule.Then, Severity: rule.Severity, Holds: rule.Holds, Why: rule.Why}
	nights := d.comparable(rule)
	hits := make([]hit, len(nights))
	holds, change := false, ""
	for i, night := range nights {
		hits[i] = rule.look(night, false)
		switch {
		case !holds:
			if holds = hits[i] == beyond && tally(hits[:i+1], rule.Of) >= rule.Nights; holds {
				state.Since, change = night.AsOf, firstBeyond(nights[:i+1], hits, rule.Of)
			}
		case hits[i] == behind && rule.look(night, true) == behind:
			holds = false
		}
	}
	last := hits[len(hits)-1]
	state.Reason = rule.told(nights, hits)
	switch {
	case holds:
		state.State = schemas.RuleFires
		state.Change = change
	case last == unknown:
		state.State = schemas.RuleUnknown
	}
	if !holds {
		state.Since = time.Time{}
	}
	if state.State == schemas.RuleFires {
		d.holdBack(rule, &state)
	}
	return state
}

// firstBeyond is the day of the first night beyond among the last of.
func firstBeyond(nights []schemas.Signals, hits []hit, of int) string {
	for i := max(0, len(nights)-of); i < len(nights); i++ {
		if hits[i] == beyond {
			return nights[i].Day
		}
	}
	return ""
}

// comparable are the nights a rule may count: of the same version, unless the
// rule looks at the data alone, and each day once.
func (d *decision) comparable(rule Rule) []schemas.Signals {
	ofData := true
	for _, c := range rule.When {
		ofData = ofData && aboutData(c.Signal)
	}
	var all []schemas.Signals
	for _, night := range d.nights {
		if ofData || night.Version == d.tonight.Version {
			all = append(all, night)
		}
	}
	return all
}

// holdBack keeps a rule that holds from firing before its further terms do.
func (d *decision) holdBack(rule Rule, state *schemas.RuleState) {
	if rule.ChampionDays > 0 {
		since := d.tonight.ChampionSince
		if until := since.AddDate(0, 0, rule.ChampionDays); since.IsZero() || d.tonight.AsOf.After(until) {
			state.State, state.Since, state.Change = schemas.RuleQuiet, time.Time{}, ""
			state.Reason += fmt.Sprintf("; it looks at a champion's first %d days, this one is champion since %s", rule.ChampionDays, stamp(since))
		}
	}
	if a := rule.After; a != nil {
		since := d.tonight.AsOf.AddDate(0, 0, -a.Days)
		if n := d.count(a.Action, since); n < a.Times {
			state.State, state.Since, state.Change = schemas.RuleQuiet, time.Time{}, ""
			state.Reason += fmt.Sprintf("; it waits for %d %s in %d days, %d since %s", a.Times, a.Action, a.Days, n, stamp(since))
		}
	}
}

// tally counts the nights beyond among the last of.
func tally(hits []hit, of int) int {
	n := 0
	for _, h := range hits[max(0, len(hits)-of):] {
		if h == beyond {
			n++
		}
	}
	return n
}

// look says how a night stands to a rule; ending asks for the value behind which
// a rule that holds ends.
func (r Rule) look(night schemas.Signals, ending bool) hit {
	all := beyond
	for _, c := range r.When {
		switch c.look(night, ending) {
		case behind:
			return behind
		case unknown:
			all = unknown
		}
	}
	return all
}

func (c Condition) look(night schemas.Signals, ending bool) hit {
	s := night.Signal(c.Signal)
	if s == nil || s.Value == nil {
		return unknown
	}
	value, threshold := c.value(*s), c.threshold(*s)
	if ending && c.Until != nil {
		threshold = *c.Until
	}
	if c.Below != nil && value < threshold || c.Below == nil && value > threshold {
		return beyond
	}
	return behind
}

// value is what is compared: surely beyond is the near end of the interval.
func (c Condition) value(s schemas.Signal) float64 {
	if end := s.Low; c.Surely && c.Above != nil && end != nil {
		return *end
	}
	if end := s.High; c.Surely && c.Below != nil && end != nil {
		return *end
	}
	return *s.Value
}

func (c Condition) threshold(s schemas.Signal) float64 {
	if c.Below != nil {
		return *c.Below
	}
	if c.TimesLimit > 0 && s.Limit != nil {
		return max(*c.Above, c.TimesLimit**s.Limit)
	}
	return *c.Above
}

// told is the sentence of a rule: each number of tonight, and those of the
// nights before that count.
func (r Rule) told(nights []schemas.Signals, hits []hit) string {
	tonight := nights[len(nights)-1]
	var parts []string
	for _, c := range r.When {
		parts = append(parts, c.told(tonight))
	}
	text := strings.Join(parts, " and ")
	if r.Of <= 1 {
		return text
	}
	from := max(0, len(hits)-r.Of)
	text += fmt.Sprintf("; %d of the last %d nights, %d needed", tally(hits, r.Of), r.Of, r.Nights)
	var earlier []string
	for _, night := range nights[from : len(nights)-1] {
		earlier = append(earlier, night.Day+" "+r.short(night))
	}
	if len(earlier) > 0 {
		text += " (" + strings.Join(earlier, ", ") + ")"
	}
	return text
}

// short lists a night's values.
func (r Rule) short(night schemas.Signals) string {
	var parts []string
	for _, c := range r.When {
		s := night.Signal(c.Signal)
		if s == nil || s.Value == nil {
			parts = append(parts, "not known")
			continue
		}
		parts = append(parts, plain(c.value(*s)))
	}
	return strings.Join(parts, " and ")
}

func (c Condition) told(night schemas.Signals) string {
	s := night.Signal(c.Signal)
	if s == nil || s.Value == nil {
		why := "not measured"
		if s != nil && s.Note != "" {
			why = s.Note
		}
		return fmt.Sprintf("%s is not known (%s)", c.Signal, why)
	}
	text := fmt.Sprintf("%s %s", c.Signal, plain(*s.Value))
	if s.Low != nil && s.High != nil {
		text += fmt.Sprintf(" (95 %% %s to %s)", plain(*s.Low), plain(*s.High))
	}
	if s.Subject != "" {
		text += " (" + s.Subject + ")"
	}
	side := "above"
	if c.Below != nil {
		side = "below"
	}
	not := ""
	if c.look(night, false) == behind {
		not = "not "
	}
	if c.Surely {
		side = "surely " + side
	}
	text += fmt.Sprintf(", %s%s %s", not, side, plain(c.threshold(*s)))
	if c.TimesLimit > 0 && s.Limit != nil {
		text += fmt.Sprintf(" (the greater of %s and %s times the learned limit %s", plain(*c.Above), plain(c.TimesLimit), plain(*s.Limit))
		if s.Uncertain {
			text += ", uncertain"
		}
		text += ")"
	}
	if c.Until != nil {
		text += fmt.Sprintf(", ends at %s", plain(*c.Until))
	}
	return text + fmt.Sprintf(", on %d", s.Events)
}

// plain writes a figure with what it can be told apart by.
func plain(v float64) string {
	if v >= 1000 || v <= -1000 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.4g", v)
}

// aboutData says that a signal is about the data and not about how a version
// does on it.
func aboutData(name schemas.SignalName) bool {
	switch name {
	case schemas.SignalCoverage, schemas.SignalFreshness, schemas.SignalUnknown, schemas.SignalSchemaSurprise:
		return true
	}
	return false
}
