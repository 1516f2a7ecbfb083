package policy_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/policy"
	"puenktlich/schemas"
)

func of(v float64) *float64 { return &v }

// first is the day of the first night of a story.
var first = time.Date(2024, 11, 1, 4, 0, 0, 0, time.UTC)

// nights makes one night a value of a signal; NaN-like gaps are given as nil.
func nights(name schemas.SignalName, values ...*float64) []schemas.Signals {
	var all []schemas.Signals
	for i, v := range values {
		at := first.AddDate(0, 0, i)
		all = append(all, schemas.Signals{Model: "punctuality", Version: 3, Day: at.AddDate(0, 0, -1).Format("2006-01-02"), AsOf: at, Predictions: 900, Events: 800,
			ChampionSince: first.AddDate(0, 0, -30), PreviousVersion: 2, Signals: []schemas.Signal{{Name: name, Value: v, Events: 800}}})
	}
	return all
}

func values(v ...float64) []*float64 {
	var all []*float64
	for _, x := range v {
		all = append(all, of(x))
	}
	return all
}

// ratio is a book of one rule about the Brier ratio: above 1.25 on 2 of 3 nights.
func ratio(then schemas.VerdictKind, change func(*policy.Book)) policy.Book {
	book := policy.Book{Version: 1, Name: "test", Events: 200, Rules: []policy.Rule{{Name: "worse", Why: "it is worse", Nights: 2, Of: 3, Then: then,
		Severity: schemas.AlertWarning, When: []policy.Condition{{Signal: schemas.SignalBrierRatio, Above: of(1.25), Until: of(1.15)}}}}}
	if change != nil {
		change(&book)
	}
	return book
}

func said(v schemas.Verdict) string { return strings.Join(v.Reasons, "\n") }

func TestPatienceAndHysteresis(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		values []*float64
		want   schemas.VerdictKind
		reason string
	}{
		{"a quiet night", values(1), schemas.VerdictNothing, "worse quiet: brier_ratio 1, not above 1.25, ends at 1.15, on 800; 0 of the last 3 nights, 2 needed"},
		{"exactly the threshold is not above it", values(1.25, 1.25, 1.25), schemas.VerdictNothing, "not above 1.25"},
		{"one bad night is chance", values(1, 1.3), schemas.VerdictNothing, "1 of the last 3 nights, 2 needed (2024-10-31 1)"},
		{"two of three are not", values(1.3, 1, 1.4), schemas.VerdictRetrain, "worse fires: brier_ratio 1.4, above 1.25, ends at 1.15, on 800; 2 of the last 3 nights, 2 needed (2024-10-31 1.3, 2024-11-01 1)"},
		{"two of four are", values(1.3, 1, 1, 1.4), schemas.VerdictNothing, "1 of the last 3"},
		{"a good night begins nothing, however bad those before", values(1.1, 1.3, 1.1), schemas.VerdictNothing, "worse quiet"},
		{"between the thresholds it goes on", values(1.3, 1.3, 1.2, 1.16, 1.2), schemas.VerdictRetrain, "worse fires: brier_ratio 1.2, not above 1.25"},
		{"below the lower one it ends", values(1.3, 1.3, 1.2, 1.15), schemas.VerdictNothing, "worse quiet: brier_ratio 1.15"},
		{"and begins anew only with patience", values(1.3, 1.3, 1.1, 1.1, 1.3), schemas.VerdictNothing, "1 of the last 3"},
		{"a night that is not known ends nothing", append(values(1.3, 1.3), nil), schemas.VerdictRetrain, "brier_ratio is not known (not measured)"},
		{"nor does it begin anything", append(values(1.3), nil), schemas.VerdictNothing, "worse unknown: brier_ratio is not known"},
		{"nor does it count", append(append(values(1.3), nil), of(1.3)), schemas.VerdictRetrain, "2 of the last 3 nights, 2 needed (2024-10-31 1.3, 2024-11-01 not known)"},
		{"nothing was ever known", []*float64{nil, nil, nil}, schemas.VerdictNothing, "worse unknown"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := policy.Decide(nights(schemas.SignalBrierRatio, tt.values...), ratio(schemas.VerdictRetrain, nil), nil)
			require.Equal(t, tt.want, v.Kind, said(v))
			require.Contains(t, said(v), tt.reason)
		})
	}
}

func TestARuleRemembersWhenItBegan(t *testing.T) {
	t.Parallel()
	v := policy.Decide(nights(schemas.SignalBrierRatio, values(1, 1.3, 1.3, 1.2)...), ratio(schemas.VerdictAlert, nil), nil)
	require.Equal(t, schemas.VerdictAlert, v.Kind)
	require.Equal(t, "worse", v.Rule)
	require.Equal(t, first.AddDate(0, 0, 2), v.Rules[0].Since)
	require.Equal(t, schemas.AlertWarning, v.Severity)
}

func TestWhatKeepsANightFromChangingTheModel(t *testing.T) {
	t.Parallel()
	bad := func() []schemas.Signals { return nights(schemas.SignalBrierRatio, values(1.3, 1.3)...) }
	last := func(n []schemas.Signals) *schemas.Signals { return &n[len(n)-1] }
	day := func(back int) time.Time { return first.AddDate(0, 0, 1-back) }
	tests := []struct {
		name   string
		then   schemas.VerdictKind
		change func(*policy.Book, []schemas.Signals)
		taken  []policy.Taken
		want   schemas.VerdictKind
		reason string
	}{
		{"nothing does", schemas.VerdictRetrain, nil, nil, schemas.VerdictRetrain, "worse fires"},
		{"too little truth", schemas.VerdictRetrain, func(_ *policy.Book, n []schemas.Signals) { last(n).Events = 199 }, nil, schemas.VerdictAlert,
			"worse would retrain: 199 forecasts of 2024-11-01 have a truth, 200 are needed"},
		{"no truth at all, and drift alone", schemas.VerdictRetrain, func(b *policy.Book, n []schemas.Signals) { last(n).Events = 0 }, nil, schemas.VerdictAlert, "0 forecasts of"},
		{"nor recalibrates", schemas.VerdictRecalibrate, func(b *policy.Book, n []schemas.Signals) { last(n).Events = 0 }, nil, schemas.VerdictAlert, "worse would recalibrate"},
		{"an alert needs no truth", schemas.VerdictAlert, func(b *policy.Book, n []schemas.Signals) { last(n).Events = 0 }, nil, schemas.VerdictAlert, "worse fires"},
		{"another version's nights", schemas.VerdictRetrain, func(_ *policy.Book, n []schemas.Signals) { n[0].Version = 2 }, nil, schemas.VerdictNothing, "1 of the last 3 nights"},
		{"a rule that holds", schemas.VerdictRetrain, func(b *policy.Book, n []schemas.Signals) {
			b.Rules = append(b.Rules, policy.Rule{Name: "coverage", Nights: 1, Of: 1, Then: schemas.VerdictAlert, Severity: schemas.AlertCritical, Holds: true,
				When: []policy.Condition{{Signal: schemas.SignalCoverage, Below: of(0.8)}}})
			last(n).Signals = append(last(n).Signals, schemas.Signal{Name: schemas.SignalCoverage, Value: of(0.5), Events: 24})
		}, nil, schemas.VerdictAlert, "worse would retrain: rule coverage holds every change of the model"},
		{"cool-down", schemas.VerdictRetrain, func(b *policy.Book, _ []schemas.Signals) { b.Actions.Retrain.CoolDown = 3 },
			[]policy.Taken{{Kind: schemas.VerdictRetrain, At: day(2)}}, schemas.VerdictAlert, "not before 2024-11-03 04:00, 3 days after the retrain of 2024-10-31 04:00"},
		{"cool-down after another change of the model", schemas.VerdictRetrain, func(b *policy.Book, _ []schemas.Signals) { b.Actions.Retrain.CoolDown = 3 },
			[]policy.Taken{{Kind: schemas.VerdictRollback, At: day(2)}}, schemas.VerdictAlert, "3 days after the rollback of"},
		{"cool-down is over", schemas.VerdictRetrain, func(b *policy.Book, _ []schemas.Signals) { b.Actions.Retrain.CoolDown = 3 },
			[]policy.Taken{{Kind: schemas.VerdictRetrain, At: day(3)}}, schemas.VerdictRetrain, "worse fires"},
		{"a handover does not cool a retraining down", schemas.VerdictRetrain, func(b *policy.Book, _ []schemas.Signals) { b.Actions.Retrain.CoolDown = 3 },
			[]policy.Taken{{Kind: schemas.VerdictHandover, At: day(1)}}, schemas.VerdictRetrain, "worse fires"},
		{"actions of later nights do not exist yet", schemas.VerdictRetrain, func(b *policy.Book, _ []schemas.Signals) { b.Actions.Retrain.CoolDown = 3 },
			[]policy.Taken{{Kind: schemas.VerdictRetrain, At: day(0)}, {Kind: schemas.VerdictRetrain, At: day(-1)}}, schemas.VerdictRetrain, "worse fires"},
		{"budget", schemas.VerdictRetrain, func(b *policy.Book, _ []schemas.Signals) {
			b.Actions.Retrain = policy.Action{Budget: 2, BudgetDays: 10}
		},
			[]policy.Taken{{Kind: schemas.VerdictRetrain, At: day(10)}, {Kind: schemas.VerdictRetrain, At: day(5)}}, schemas.VerdictAlert, "its budget of 2 in 10 days is spent (2 since 2024-10-23 04:00): alert instead"},
		{"budget of days gone by", schemas.VerdictRetrain, func(b *policy.Book, _ []schemas.Signals) {
			b.Actions.Retrain = policy.Action{Budget: 2, BudgetDays: 10}
		},
			[]policy.Taken{{Kind: schemas.VerdictRetrain, At: day(11)}, {Kind: schemas.VerdictRetrain, At: day(5)}}, schemas.VerdictRetrain, "worse fires"},
		{"a spent budget hands over", schemas.VerdictRetrain, func(b *policy.Book, _ []schemas.Signals) {
			b.Actions.Retrain = policy.Action{Budget: 1, BudgetDays: 10, Exhausted: schemas.VerdictHandover}
		}, []policy.Taken{{Kind: schemas.VerdictRetrain, At: day(5)}}, schemas.VerdictHandover, "hand over to data science instead"},
		{"but not every night", schemas.VerdictRetrain, func(b *policy.Book, _ []schemas.Signals) {
			b.Actions.Retrain = policy.Action{Budget: 1, BudgetDays: 10, Exhausted: schemas.VerdictHandover}
			b.Actions.Handover.CoolDown = 7
		}, []policy.Taken{{Kind: schemas.VerdictRetrain, At: day(5)}, {Kind: schemas.VerdictHandover, At: day(1)}}, schemas.VerdictAlert, "but not before 2024-11-08 04:00, 7 days after the handover"},
		{"nothing to roll back to", schemas.VerdictRollback, func(_ *policy.Book, n []schemas.Signals) { last(n).PreviousVersion = 0 }, nil, schemas.VerdictAlert, "there is no earlier champion"},
		{"a champion too old to roll back", schemas.VerdictRollback, func(b *policy.Book, _ []schemas.Signals) { b.Rules[0].ChampionDays = 3 }, nil, schemas.VerdictNothing, "champion since 2024-10-02 04:00"},
		{"a young champion", schemas.VerdictRollback, func(b *policy.Book, n []schemas.Signals) {
			b.Rules[0].ChampionDays, last(n).ChampionSince = 3, first
		}, nil, schemas.VerdictRollback, "worse fires"},
		{"after what was not tried", schemas.VerdictSearch, func(b *policy.Book, _ []schemas.Signals) {
			b.Rules[0].After = &policy.After{Action: schemas.VerdictRetrain, Times: 2, Days: 10}
		}, []policy.Taken{{Kind: schemas.VerdictRetrain, At: day(5)}}, schemas.VerdictNothing, "it waits for 2 retrain in 10 days, 1 since"},
		{"after what was tried", schemas.VerdictSearch, func(b *policy.Book, _ []schemas.Signals) {
			b.Rules[0].After = &policy.After{Action: schemas.VerdictRetrain, Times: 1, Days: 10}
		}, []policy.Taken{{Kind: schemas.VerdictRetrain, At: day(5)}}, schemas.VerdictSearch, "worse fires"},
		{"a package that is gone", schemas.VerdictRetrain, func(_ *policy.Book, n []schemas.Signals) {
			last(n).Fault, last(n).Signals, last(n).Predictions = "package punctuality@3: object not found", nil, 0
		}, nil, schemas.VerdictAlert, "package punctuality@3: object not found: nothing can be judged"},
		{"nothing was forecast", schemas.VerdictRetrain, func(_ *policy.Book, n []schemas.Signals) { last(n).Predictions = 0 }, nil, schemas.VerdictAlert, "no forecast of 2024-11-01 was logged"},
		{"a night without signals", schemas.VerdictRetrain, func(_ *policy.Book, n []schemas.Signals) { n[0].Signals, n[1].Signals = nil, nil }, nil, schemas.VerdictNothing, "worse unknown"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			book, story := ratio(tt.then, nil), bad()
			if tt.change != nil {
				tt.change(&book, story)
			}
			v := policy.Decide(story, book, tt.taken)
			require.Equal(t, tt.want, v.Kind, said(v))
			require.Contains(t, said(v), tt.reason)
			again := policy.Decide(story, book, tt.taken)
			require.Equal(t, v, again)
		})
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	of1 := func(c policy.Condition, s schemas.Signal) schemas.Verdict {
		night := nights(s.Name, s.Value)
		night[0].Signals[0] = s
		return policy.Decide(night, ratio(schemas.VerdictAlert, func(b *policy.Book) {
			b.Rules[0].When, b.Rules[0].Nights, b.Rules[0].Of = []policy.Condition{c}, 1, 1
		}), nil)
	}
	skill, drift := schemas.SignalSkill, schemas.SignalFeatureDrift
	for name, tt := range map[string]struct {
		c      policy.Condition
		s      schemas.Signal
		want   schemas.RuleStand
		reason string
	}{
		"low is bad":             {policy.Condition{Signal: skill, Below: of(0)}, schemas.Signal{Name: skill, Value: of(-0.1), Events: 7}, schemas.RuleFires, "skill -0.1, below 0, on 7"},
		"surely needs the end":   {policy.Condition{Signal: skill, Below: of(0), Surely: true}, schemas.Signal{Name: skill, Value: of(-0.1), Low: of(-0.3), High: of(0.1)}, schemas.RuleQuiet, "skill -0.1 (95 % -0.3 to 0.1), not surely below 0"},
		"and has it":             {policy.Condition{Signal: skill, Below: of(0), Surely: true}, schemas.Signal{Name: skill, Value: of(-0.2), Low: of(-0.3), High: of(-0.1)}, schemas.RuleFires, "surely below 0"},
		"surely above":           {policy.Condition{Signal: drift, Above: of(0.2), Surely: true}, schemas.Signal{Name: drift, Value: of(0.3), Low: of(0.1), High: of(0.5)}, schemas.RuleQuiet, "not surely above 0.2"},
		"without an interval":    {policy.Condition{Signal: drift, Above: of(0.2), Surely: true}, schemas.Signal{Name: drift, Value: of(0.3)}, schemas.RuleFires, "surely above 0.2"},
		"an ordinary day":        {policy.Condition{Signal: drift, Above: of(0.2), TimesLimit: 2}, schemas.Signal{Name: drift, Value: of(0.5), Limit: of(0.3), Uncertain: true}, schemas.RuleQuiet, "not above 0.6 (the greater of 0.2 and 2 times the learned limit 0.3, uncertain)"},
		"no ordinary day":        {policy.Condition{Signal: drift, Above: of(0.2), TimesLimit: 2}, schemas.Signal{Name: drift, Value: of(0.7), Limit: of(0.3)}, schemas.RuleFires, "above 0.6"},
		"a limit lower than":     {policy.Condition{Signal: drift, Above: of(0.2), TimesLimit: 1}, schemas.Signal{Name: drift, Value: of(0.15), Limit: of(0.1)}, schemas.RuleQuiet, "not above 0.2"},
		"why it is not known":    {policy.Condition{Signal: drift, Above: of(0.2)}, schemas.Signal{Name: drift, Note: "no reference"}, schemas.RuleUnknown, "feature_drift is not known (no reference)"},
		"a signal nobody gave":   {policy.Condition{Signal: drift, Above: of(0.2)}, schemas.Signal{Name: skill, Value: of(1)}, schemas.RuleUnknown, "feature_drift is not known (not measured)"},
		"zero is a known number": {policy.Condition{Signal: skill, Below: of(0)}, schemas.Signal{Name: skill, Value: of(0)}, schemas.RuleQuiet, "skill 0, not below 0"},
	} {
		v := of1(tt.c, tt.s)
		require.Equal(t, tt.want, v.Rules[0].State, name)
		require.Contains(t, said(v), tt.reason, name)
	}
}

// What a value is of stands in the reason.
func TestAReasonNamesItsSubject(t *testing.T) {
	t.Parallel()
	story := nights(schemas.SignalSliceBiasDrift, values(1.111)...)
	story[0].Signals[0].Subject = "arrival at 8000105 from Mainz Hbf: more are late than forecast"
	book := ratio(schemas.VerdictRetrain, func(b *policy.Book) {
		b.Rules[0].Nights, b.Rules[0].Of = 1, 1
		b.Rules[0].When = []policy.Condition{{Signal: schemas.SignalSliceBiasDrift, Above: of(1)}}
	})
	got := policy.Decide(story, book, nil)
	require.Equal(t, schemas.VerdictRetrain, got.Kind)
	require.Contains(t, said(got), "slice_bias_drift 1.111 (arrival at 8000105 from Mainz Hbf: more are late than forecast), above 1, on 800")
}

func TestAllConditionsOfARuleMustHold(t *testing.T) {
	t.Parallel()
	both := ratio(schemas.VerdictRecalibrate, func(b *policy.Book) {
		b.Rules[0].Nights, b.Rules[0].Of = 1, 1
		b.Rules[0].When = append(b.Rules[0].When, policy.Condition{Signal: schemas.SignalBias, Above: of(0.05)})
	})
	for bias, want := range map[float64]schemas.VerdictKind{0.06: schemas.VerdictRecalibrate, 0.04: schemas.VerdictNothing} {
		night := nights(schemas.SignalBrierRatio, of(1.3))
		night[0].Signals = append(night[0].Signals, schemas.Signal{Name: schemas.SignalBias, Value: of(bias), Events: 800})
		v := policy.Decide(night, both, nil)
		require.Equal(t, want, v.Kind)
		require.Contains(t, said(v), fmt.Sprintf("brier_ratio 1.3, above 1.25, ends at 1.15, on 800 and bias %g", bias))
	}
}

func TestTheStrongestActionThatIsDueIsTaken(t *testing.T) {
	t.Parallel()
	book := ratio(schemas.VerdictRetrain, func(b *policy.Book) {
		for _, then := range []schemas.VerdictKind{schemas.VerdictAlert, schemas.VerdictSearch, schemas.VerdictRecalibrate} {
			rule := b.Rules[0]
			rule.Name, rule.Then = string(then), then
			b.Rules = append(b.Rules, rule)
		}
		b.Actions.Search = policy.Action{Budget: 1, BudgetDays: 28, Candidates: 6, NewestDays: 20, TestDays: 3, HalfLifeDays: 5}
	})
	story := nights(schemas.SignalBrierRatio, values(1.3, 1.3)...)
	v := policy.Decide(story, book, nil)
	require.Equal(t, schemas.VerdictSearch, v.Kind)
	require.Equal(t, 6, v.Lifecycle.Search.Budget.Candidates)
	require.Equal(t, 20, v.Lifecycle.NewestDays)
	require.Equal(t, 3, v.Lifecycle.TestDays)
	require.Equal(t, 5.0, v.Lifecycle.HalfLifeDays)
	v = policy.Decide(story, book, []policy.Taken{{Kind: schemas.VerdictSearch, At: first.AddDate(0, 0, -20)}})
	require.Equal(t, schemas.VerdictRetrain, v.Kind, "the search is spent: the next strongest")
	require.Nil(t, v.Lifecycle.Search)
}

func TestLimitsAct(t *testing.T) {
	t.Parallel()
	strict := policy.FromLimits(schemas.Policy{MinSkill: 0.999})
	v := policy.Decide(nights(schemas.SignalSkill, of(0.2)), strict, []policy.Taken{{Kind: schemas.VerdictRetrain, At: first.AddDate(0, 0, -1)}})
	require.Equal(t, schemas.VerdictRetrain, v.Kind, "in one night, whatever came before")
	calm := policy.FromLimits(schemas.Policy{MinSkill: -1, MaxBrierLoss: 3})
	require.Equal(t, schemas.VerdictNothing, policy.Decide(nights(schemas.SignalSkill, of(0.2)), calm, nil).Kind)
	require.Equal(t, schemas.VerdictAlert, policy.Decide(nights(schemas.SignalFeatureDrift, of(0.2)), calm, nil).Kind)
	require.Equal(t, schemas.VerdictRetrain, policy.Decide(nights(schemas.SignalFeatureDrift, of(0.4)), calm, nil).Kind)
}
