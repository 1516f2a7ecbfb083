package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/policy"
	"puenktlich/schemas"
)

// changed is a book that follows a retraining up every two days while the changed
// world is at most eight days old.
func changed() policy.Book {
	return ratio(schemas.VerdictRetrain, func(b *policy.Book) {
		b.Rules[0].NewestDays, b.Rules[0].FollowUp = 8, &policy.FollowUp{Every: 2, Until: 8}
		b.Actions.Retrain = policy.Action{NewestDays: 56, TestDays: 1, CoolDown: 4, Budget: 1, BudgetDays: 28}
	})
}

func TestAVerdictSaysSinceWhenTheWorldIsAnother(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		values []*float64
		nights int
		change string
	}{
		{"two nights", values(1, 1.3, 1.3), 2, "2024-11-01"},
		{"an ordinary night between them", values(1.3, 1, 1, 1.3, 1, 1.3), 2, "2024-11-03"},
		{"five nights", values(1, 1.3, 1.3, 1.3, 1.3, 1.3), 5, "2024-11-01"},
		{"what goes on goes back to where it began", values(1.3, 1.3, 1.3, 1.2, 1.3, 1.3), 2, "2024-10-31"},
	} {
		book := changed()
		book.Rules[0].Nights, book.Rules[0].Of = tt.nights, max(3, tt.nights)
		v := policy.Decide(nights(schemas.SignalBrierRatio, tt.values...), book, nil)
		require.Equal(t, schemas.VerdictRetrain, v.Kind, tt.name)
		require.Equal(t, tt.change, v.Change, tt.name)
		book.Rules[0].Then = schemas.VerdictAlert
		require.Empty(t, policy.Decide(nights(schemas.SignalBrierRatio, tt.values...), book, nil).Change, "nothing learns")
	}
}

func TestARetrainingIsFollowedUp(t *testing.T) {
	t.Parallel()
	night := func(n int) []schemas.Signals { // the n-th, of a new version that does well
		good := make([]float64, n+1)
		for i := range good {
			good[i] = 1
		}
		return nights(schemas.SignalBrierRatio, values(good...)...)
	}
	took := func(n int, kind schemas.VerdictKind, change string, followed bool) policy.Taken {
		return policy.Taken{Kind: kind, At: first.AddDate(0, 0, n), Change: change, Rule: "worse", FollowUp: followed}
	}
	const change = "2024-10-31" // judged on the first night
	retrained := took(1, schemas.VerdictRetrain, change, false)
	for _, tt := range []struct {
		name  string
		night int
		taken []policy.Taken
		want  schemas.VerdictKind
	}{
		{"nothing was retrained", 3, nil, schemas.VerdictNothing},
		{"a night after", 2, []policy.Taken{retrained}, schemas.VerdictNothing},
		{"two nights after, in the cool-down and with the budget spent", 3, []policy.Taken{retrained}, schemas.VerdictRetrain},
		{"a night after the follow-up", 4, []policy.Taken{retrained, took(3, schemas.VerdictRetrain, change, true)}, schemas.VerdictNothing},
		{"and again", 5, []policy.Taken{retrained, took(3, schemas.VerdictRetrain, change, true)}, schemas.VerdictRetrain},
		{"on the last day", 7, []policy.Taken{retrained, took(5, schemas.VerdictRetrain, change, true)}, schemas.VerdictRetrain},
		{"and not later", 8, []policy.Taken{retrained, took(5, schemas.VerdictRetrain, change, true)}, schemas.VerdictNothing},
		{"one that knew of no change needs none", 3, []policy.Taken{took(1, schemas.VerdictRetrain, "", false)}, schemas.VerdictNothing},
		{"nor one of another rule", 3, []policy.Taken{{Kind: schemas.VerdictRetrain, At: retrained.At, Change: change, Rule: "other"}}, schemas.VerdictNothing},
		{"one for another reason in between counts as one", 4, []policy.Taken{retrained, took(3, schemas.VerdictRetrain, "", false)}, schemas.VerdictNothing},
		{"and does not end it", 5, []policy.Taken{retrained, {Kind: schemas.VerdictRetrain, At: first.AddDate(0, 0, 3), Rule: "other", Change: "2024-11-02"}}, schemas.VerdictRetrain},
		{"what was rolled back is not tried again", 5, []policy.Taken{retrained, took(2, schemas.VerdictRollback, "", false)}, schemas.VerdictNothing},
	} {
		v := policy.Decide(night(tt.night), changed(), tt.taken)
		require.Equal(t, tt.want, v.Kind, "%s: %s", tt.name, said(v))
		if tt.want == schemas.VerdictRetrain {
			require.Equal(t, schemas.RuleFollowUp, v.Rule, tt.name)
			require.Equal(t, "worse", v.Follows, tt.name)
			require.Equal(t, change, v.Change, tt.name)
			require.Equal(t, 8, v.Lifecycle.NewestDays, tt.name)
		}
	}
	few := night(3)
	few[3].Events = 10
	v := policy.Decide(few, changed(), []policy.Taken{retrained})
	require.Equal(t, schemas.VerdictAlert, v.Kind, "not on nothing: %s", said(v))
	book := changed()
	book.Actions.Retrain.Budget, book.Actions.Retrain.CoolDown = 2, 0
	v = policy.Decide(nights(schemas.SignalBrierRatio, values(1.3, 1.3, 1.3, 1.3, 1.3)...), book, []policy.Taken{retrained, took(3, schemas.VerdictRetrain, change, true)})
	require.Equal(t, schemas.VerdictRetrain, v.Kind, "a follow-up costs no budget: %s", said(v))
	require.Equal(t, "worse", v.Rule)
}
