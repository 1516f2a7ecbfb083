package policy

import (
	"fmt"

	"puenktlich/schemas"
)

// Gate says whether a model may be promoted: every rule that is switched on is
// one reason, which begins with "holds:" or "FAILS:" and names its numbers. A zero
// policy is the default one.
func Gate(r schemas.Report, cost schemas.ModelCost, p schemas.GatePolicy) schemas.Gate {
	if p == (schemas.GatePolicy{}) {
		p = schemas.DefaultGate()
	}
	j := judgement{gate: schemas.Gate{Passed: true}}
	j.check(r.TestEvents >= p.MinEvents, "%d test events, at least %d", r.TestEvents, p.MinEvents)
	if p.MinDays > 1 {
		j.check(r.TestDayCount >= p.MinDays, "%d test days, at least %d", r.TestDayCount, p.MinDays)
	}
	j.check(len(r.Horizons) > 0, "%d horizons were scored, at least 1", len(r.Horizons))
	for _, h := range r.Horizons {
		j.skill(h, p)
	}
	if p.MaxECE > 0 {
		for _, h := range r.Horizons {
			j.check(h.ECE <= p.MaxECE || h.ECE <= h.ECEBand, "%d min: ECE %.4f at most %.4f, or within %.4f, which 95 %% of calibrated forecasts like it reach at most, on %d events",
				h.Minutes, h.ECE, p.MaxECE, h.ECEBand, h.Events)
		}
	}
	j.slices(r.Slices, p)
	if p.MaxModelBytes > 0 {
		j.check(cost.SizeBytes <= p.MaxModelBytes, "%d bytes of model, at most %d", cost.SizeBytes, p.MaxModelBytes)
	}
	if p.MaxRowMicroseconds > 0 {
		j.check(cost.RowMicroseconds <= p.MaxRowMicroseconds, "%.1f microseconds a forecast, at most %.1f", cost.RowMicroseconds, p.MaxRowMicroseconds)
	}
	j.champion(r.Champion, p)
	return j.gate
}

type judgement struct{ gate schemas.Gate }

func (j *judgement) check(ok bool, format string, args ...any) {
	mark := "holds: "
	if !ok {
		mark, j.gate.Passed = "FAILS: ", false
	}
	j.gate.Reasons = append(j.gate.Reasons, mark+fmt.Sprintf(format, args...))
}

// skill compares with a baseline. Without a skill to exceed it is the Brier score
// that has to be lower.
func (j *judgement) skill(h schemas.HorizonScore, p schemas.GatePolicy) {
	against := h.Baselines.Brier(p.SkillAgainst)
	if p.MinSkill == 0 {
		j.check(h.Brier < against, "%d min: Brier %.4f below %s %.4f on %d events", h.Minutes, h.Brier, called(p.SkillAgainst), against, h.Events)
		return
	}
	skill := 1 - h.Brier/against // NaN or -Inf against a perfect baseline, and then it fails
	j.check(skill > p.MinSkill, "%d min: skill %+.1f %% above %+.1f %%, Brier %.4f against %s %.4f on %d events",
		h.Minutes, 100*skill, 100*p.MinSkill, h.Brier, called(p.SkillAgainst), against, h.Events)
}

// called is a baseline in the words of a sentence.
func called(b schemas.Baseline) string {
	switch b {
	case schemas.BaselineRate:
		return "the rate of late events"
	case schemas.BaselineCategory:
		return "the rate by category"
	case schemas.BaselineDB:
		return "the railway's forecast"
	case schemas.BaselineDBCalibrated:
		return "the railway's forecast, calibrated,"
	}
	return "the best baseline"
}

// slices looks for the scored slice with the least skill.
func (j *judgement) slices(all []schemas.SliceScore, p schemas.GatePolicy) {
	if p.MinSliceSkill <= -1 {
		return
	}
	scored, few, below := 0, 0, 0
	for _, s := range all {
		if s.TooFew {
			few++
		}
		if s.Skill.Value == nil {
			continue // none over a baseline without a fault either
		}
		scored++
		if *s.Skill.Value < p.MinSliceSkill {
			below++
			j.check(false, "%s %s: skill %+.1f %% against %s, at least %+.1f %%, on %d events", s.Dimension, s.Name, 100**s.Skill.Value, called(s.BestBaseline), 100*p.MinSliceSkill, s.Events)
		}
	}
	if below == 0 {
		j.check(true, "none of %d scored slices has a skill below %+.1f %%; %d had too few events", scored, 100*p.MinSliceSkill, few)
	}
}

// champion applies the rule of the comparison.
func (j *judgement) champion(c *schemas.Comparison, p schemas.GatePolicy) {
	switch {
	case p.Champion == schemas.ChampionIgnored:
		return
	case c == nil:
		j.check(true, "no champion yet: the baselines alone decide")
		return
	case c.Verdict == schemas.VerdictNotComparable:
		j.check(p.Champion == schemas.ChampionNotWorse, "no comparison with the champion %s@%d: %s", c.Champion.Model, c.Champion.Version, c.Note)
		return
	}
	verdict, within := c.Verdict, ""
	if verdict == schemas.VerdictNotEnoughDays {
		if p.FewDays == schemas.FewDaysRefuse {
			j.check(false, "not enough days to compare with the champion %s@%d: %s", c.Champion.Model, c.Champion.Version, difference(c.Overall))
			return
		}
		verdict, within = c.Overall.Within, " within these days only"
	}
	ok := verdict == schemas.VerdictBetter
	limit := "has to be better"
	if p.Champion == schemas.ChampionNotWorse {
		ok = verdict != schemas.VerdictWorse || c.Overall.Brier <= (1+p.MaxChampionLoss)*c.Overall.ChampionBrier
		limit = fmt.Sprintf("may not be worse by more than %.1f %%", 100*p.MaxChampionLoss)
	}
	j.check(ok, "%s%s against the champion %s@%d (%s): %s", verdict, within, c.Champion.Model, c.Champion.Version, limit, difference(c.Overall))
}

// difference tells the numbers of a comparison.
func difference(h schemas.HorizonComparison) string {
	text := fmt.Sprintf("Brier %.4f against %.4f on %d forecasts, difference %s", h.Brier, h.ChampionBrier, h.Rows, signed(h.Difference.Value))
	if h.Difference.Low != nil && h.Difference.High != nil {
		text += fmt.Sprintf(" (95 %% %s to %s)", signed(h.Difference.Low), signed(h.Difference.High))
	}
	return text
}

func signed(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%+.4f", *v)
}
