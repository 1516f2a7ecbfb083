package rulebook

import (
	"gopkg.in/yaml.v3"

	"puenktlich/internal/policy"
	"puenktlich/schemas"
)

func (r *reader) actions(at *yaml.Node, key string) policy.Actions {
	var a policy.Actions
	r.keys(at, key, "| recalibrate retrain search rollback handover", func(name string, value *yaml.Node, key string) {
		const bounded = "| cool_down budget budget_days exhausted"
		switch name {
		case "recalibrate":
			a.Recalibrate = r.action(value, key, bounded)
		case "retrain":
			a.Retrain = r.action(value, key, bounded+" newest_days test_days half_life_days")
		case "search":
			a.Search = r.action(value, key, bounded+" newest_days test_days half_life_days candidates rungs minutes space")
		case "rollback":
			a.Rollback = r.action(value, key, bounded)
		case "handover":
			a.Handover = r.action(value, key, bounded)
		}
	})
	return a
}

func (r *reader) action(at *yaml.Node, key, names string) policy.Action {
	var a policy.Action
	r.keys(at, key, names, func(name string, value *yaml.Node, key string) {
		switch name {
		case "cool_down":
			a.CoolDown = r.whole(value, key, 0, 365)
		case "budget":
			a.Budget = r.whole(value, key, 0, 1000)
		case "budget_days":
			a.BudgetDays = r.whole(value, key, 1, 365)
		case "exhausted":
			a.Exhausted = one(r, value, key, schemas.VerdictAlert, schemas.VerdictHandover)
		case "newest_days":
			a.NewestDays = r.whole(value, key, 2, 3650)
		case "test_days":
			a.TestDays = r.whole(value, key, 1, 365)
		case "half_life_days":
			a.HalfLifeDays = r.halfLife(value, key)
		case "candidates":
			a.Candidates = r.whole(value, key, 1, schemas.MaxCandidates)
		case "rungs":
			a.Rungs = r.whole(value, key, 1, 10)
		case "minutes":
			a.Minutes, _ = r.number(value, key)
		case "space":
			a.Space = r.space(value, key)
		}
	})
	if (a.Budget > 0) != (a.BudgetDays > 0) {
		r.problem(at, key, "budget and budget_days belong together: so many in so many days")
	}
	if a.NewestDays > 0 && a.TestDays >= a.NewestDays {
		r.problem(at, key, "test_days %d of %d newest_days leave nothing to train on", a.TestDays, a.NewestDays)
	}
	return a
}

// maxHalfLife is that of the parameter of a training.
const maxHalfLife = 3650

func (r *reader) halfLife(at *yaml.Node, key string) float64 {
	days, ok := r.number(at, key)
	if ok && (days <= 0 || days > maxHalfLife) {
		r.problem(at, key, "want days above 0, at most %d", maxHalfLife)
	}
	return days
}

func (r *reader) followUp(at *yaml.Node, key string) *policy.FollowUp {
	var f policy.FollowUp
	r.keys(at, key, "every until |", func(name string, value *yaml.Node, key string) {
		switch name {
		case "every":
			f.Every = r.whole(value, key, 1, 365)
		case "until":
			f.Until = r.whole(value, key, 2, 365)
		}
	})
	return &f
}

// space reads what a search draws from; what a value may be is checked again,
// parameter by parameter, where candidates are drawn.
func (r *reader) space(at *yaml.Node, key string) map[string]schemas.Values {
	space := map[string]schemas.Values{}
	r.keys(at, key, "| rounds max_depth learning_rate min_child_weight subsample colsample_bytree lambda half_life_days", func(name string, value *yaml.Node, key string) {
		var v schemas.Values
		r.keys(value, key, "| values low high log", func(name string, value *yaml.Node, key string) {
			switch name {
			case "values":
				r.list(value, key, func(item *yaml.Node, key string) {
					if n, ok := r.number(item, key); ok {
						v.Values = append(v.Values, n)
					}
				})
			case "low":
				v.Low, _ = r.number(value, key)
			case "high":
				v.High, _ = r.number(value, key)
			case "log":
				v.Log = r.yes(value, key)
			}
		})
		if (len(v.Values) > 0) == (v.Low != 0 || v.High != 0) || len(v.Values) == 0 && v.High <= v.Low {
			r.problem(value, key, "want values, or low and high with low below high")
		}
		space[name] = v
	})
	return space
}
