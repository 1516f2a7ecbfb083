package policy

import "puenktlich/schemas"

// FromLimits is the policy of a few limits, whose zero fields take
// schemas.DefaultPolicy's values: each acts after one night, without patience,
// cool-down or budget. It serves whoever asks for a verdict of their own.
func FromLimits(p schemas.Policy) Book {
	p = withDefaults(p)
	rule := func(name, why string, then schemas.VerdictKind, c Condition) Rule {
		return Rule{Name: name, Why: why, When: []Condition{c}, Nights: 1, Of: 1, Then: then, Severity: schemas.AlertWarning}
	}
	book := Book{Version: 1, Name: "limits", Events: p.MinEvents, Rules: []Rule{
		rule("brier", "the forecasts are worse than in the evaluation", schemas.VerdictRetrain, Condition{Signal: schemas.SignalBrierRatio, Above: &p.MaxBrierLoss}),
		rule("skill", "the railway's own forecast does as well", schemas.VerdictRetrain, Condition{Signal: schemas.SignalSkill, Below: &p.MinSkill}),
		rule("drift", "trains and delays look unlike those learned from", schemas.VerdictAlert, Condition{Signal: schemas.SignalFeatureDrift, Above: &p.AlertDrifted}),
		rule("far-drift", "trains and delays look unlike those learned from", schemas.VerdictRetrain, Condition{Signal: schemas.SignalFeatureDrift, Above: &p.MaxDrifted}),
	}}
	return book
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
