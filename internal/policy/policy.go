// Package policy is the rule that turns a night's signals into a verdict. It is
// pure: the same signals and policy always give the same verdict.
package policy

import (
	"fmt"

	"puenktlich/schemas"
)

// Decide applies a policy, whose zero fields take the default's values. Reasons
// name every number a rule looked at, whether it fired or not.
func Decide(s schemas.Signals, p schemas.Policy) schemas.Verdict {
	d := decision{kind: schemas.VerdictNothing}
	p = withDefaults(p)
	if s.Predictions == 0 {
		d.raise(schemas.VerdictAlert, "no forecast of %s was logged: nothing can be judged", s.Day)
		return d.verdict()
	}
	d.drift(s, p)
	if s.Events < p.MinEvents || s.Brier == nil {
		d.note("%d forecasts have a truth, fewer than %d: not enough to judge skill", s.Events, p.MinEvents)
		return d.verdict()
	}
	d.skill(s, p)
	return d.verdict()
}

func withDefaults(p schemas.Policy) schemas.Policy {
	d := schemas.DefaultPolicy()
	if p.MinEvents != 0 {
		d.MinEvents = p.MinEvents
	}
	if p.MaxBrierLoss != 0 {
		d.MaxBrierLoss = p.MaxBrierLoss
	}
	if p.MinSkill != 0 {
		d.MinSkill = p.MinSkill
	}
	if p.MaxPSI != 0 {
		d.MaxPSI = p.MaxPSI
	}
	if p.AlertDrifted != 0 {
		d.AlertDrifted = p.AlertDrifted
	}
	if p.MaxDrifted != 0 {
		d.MaxDrifted = p.MaxDrifted
	}
	return d
}

type decision struct {
	kind    schemas.VerdictKind
	reasons []string
}

func (d *decision) note(format string, args ...any) {
	d.reasons = append(d.reasons, fmt.Sprintf(format, args...))
}

// raise notes a reason and never lowers the verdict.
func (d *decision) raise(kind schemas.VerdictKind, format string, args ...any) {
	if d.kind != schemas.VerdictRetrain {
		d.kind = kind
	}
	d.note(string(kind)+": "+format, args...)
}

func (d *decision) verdict() schemas.Verdict {
	return schemas.Verdict{Kind: d.kind, Reasons: d.reasons}
}

func (d *decision) drift(s schemas.Signals, p schemas.Policy) {
	drifted, worst := 0, schemas.FeatureDrift{}
	for _, f := range s.Drift {
		if f.PSI > max(p.MaxPSI, f.Limit) {
			drifted++
			if f.PSI > worst.PSI {
				worst = f
			}
		}
	}
	if len(s.Drift) == 0 {
		return
	}
	share := float64(drifted) / float64(len(s.Drift))
	switch {
	case drifted == 0:
		d.note("no feature of %d above PSI %.2f and above its own limit", len(s.Drift), p.MaxPSI)
	case share > p.MaxDrifted && s.Events >= p.MinEvents:
		d.raise(schemas.VerdictRetrain, "%d of %d features above PSI %.2f and their own limit, more than %.0f %%", drifted, len(s.Drift), p.MaxPSI, 100*p.MaxDrifted)
	case share <= p.AlertDrifted:
		d.note("%d of %d features above PSI %.2f and their own limit (limit %.0f %% of them), furthest %s %.3f", drifted, len(s.Drift), p.MaxPSI, 100*p.AlertDrifted, worst.Feature, worst.PSI)
	default:
		d.raise(schemas.VerdictAlert, "%d of %d features above PSI %.2f and their own limit, furthest %s %.3f", drifted, len(s.Drift), p.MaxPSI, worst.Feature, worst.PSI)
	}
}

func (d *decision) skill(s schemas.Signals, p schemas.Policy) {
	if s.BrierExpected != nil && *s.BrierExpected > 0 {
		ratio := *s.Brier / *s.BrierExpected
		if ratio > p.MaxBrierLoss {
			d.raise(schemas.VerdictRetrain, "Brier %.4f is %.2f times the evaluation's %.4f (limit %.2f), on %d forecasts", *s.Brier, ratio, *s.BrierExpected, p.MaxBrierLoss, s.Events)
		} else {
			d.note("Brier %.4f is %.2f times the evaluation's %.4f (limit %.2f), on %d forecasts", *s.Brier, ratio, *s.BrierExpected, p.MaxBrierLoss, s.Events)
		}
	}
	if s.Skill == nil {
		return
	}
	if *s.Skill < p.MinSkill {
		d.raise(schemas.VerdictRetrain, "skill against the railway's calibrated forecast %+.1f %% (limit %+.1f %%)", 100**s.Skill, 100*p.MinSkill)
		return
	}
	d.note("skill against the railway's calibrated forecast %+.1f %% (limit %+.1f %%)", 100**s.Skill, 100*p.MinSkill)
}
