package rulebook

import (
	"gopkg.in/yaml.v3"

	"puenktlich/internal/policy"
	"puenktlich/schemas"
)

// bounds are the values a signal can take, and whether lower is worse.
func bounds(name schemas.SignalName) (low, high float64, lowerIsWorse bool) {
	switch name {
	case schemas.SignalBrierRatio, schemas.SignalRelativeBrier:
		return 0, 1000, false
	case schemas.SignalSkill:
		return -1000, 1, true
	case schemas.SignalConceptDrift, schemas.SignalBiasDrift, schemas.SignalSliceBiasDrift:
		return 0, 1e6, false
	case schemas.SignalClassifierAUC:
		return 0.5, 1, false
	case schemas.SignalCoverage:
		return 0, 1, true
	case schemas.SignalFreshness, schemas.SignalSchemaSurprise:
		return 0, 1e6, false
	case schemas.SignalEvents:
		return 0, 1e9, true
	}
	return 0, 1, false // shares, errors of probabilities, distances
}

// condition reads one signal's threshold and refuses those that would always or
// never hold.
func (r *reader) condition(at *yaml.Node, key string) policy.Condition {
	var c policy.Condition
	var threshold, until *yaml.Node
	r.keys(at, key, "signal | above below times_limit until surely", func(name string, value *yaml.Node, key string) {
		switch name {
		case "signal":
			c.Signal = one(r, value, key, schemas.SignalNames()...)
		case "above":
			threshold, c.Above = value, r.maybe(value, key)
		case "below":
			threshold, c.Below = value, r.maybe(value, key)
		case "until":
			until, c.Until = value, r.maybe(value, key)
		case "times_limit":
			if v, ok := r.number(value, key); ok {
				if c.TimesLimit = v; v <= 0 || v > 100 {
					r.problem(value, key, "want a number above 0, up to 100")
				}
			}
		case "surely":
			c.Surely = r.yes(value, key)
		}
	})
	if c.Signal == "" || threshold != nil && c.Above == nil && c.Below == nil {
		return c // said already
	}
	r.direction(at, key, c)
	r.reachable(threshold, until, key, c)
	return c
}

func (r *reader) maybe(at *yaml.Node, key string) *float64 {
	if v, ok := r.number(at, key); ok {
		return &v
	}
	return nil
}

func (r *reader) direction(at *yaml.Node, key string, c policy.Condition) {
	_, _, lower := bounds(c.Signal)
	switch {
	case c.Above != nil && c.Below != nil:
		r.problem(at, key, "has above and below: want one of them")
	case c.Above == nil && c.Below == nil:
		r.problem(at, key, "has no threshold: want above or below")
	case lower && c.Above != nil:
		r.problem(at, key, "above: of %s, low values are the bad ones: want below", c.Signal)
	case !lower && c.Below != nil:
		r.problem(at, key, "below: of %s, high values are the bad ones: want above", c.Signal)
	case c.TimesLimit > 0 && c.Below != nil:
		r.problem(at, key, "times_limit raises above, and this is below")
	}
}

func (r *reader) reachable(threshold, until *yaml.Node, key string, c policy.Condition) {
	low, high, _ := bounds(c.Signal)
	switch {
	case c.Above != nil && c.Below == nil && !(*c.Above >= low && *c.Above < high):
		r.problem(threshold, key+".above", "%s lies between %g and %g: want a threshold from %g to below %g", c.Signal, low, high, low, high)
	case c.Below != nil && c.Above == nil && !(*c.Below > low && *c.Below <= high):
		r.problem(threshold, key+".below", "%s lies between %g and %g: want a threshold above %g, up to %g", c.Signal, low, high, low, high)
	case c.Until != nil && c.Above != nil && *c.Until > *c.Above:
		r.problem(until, key+".until", "want at most the threshold %g: the rule would end before it begins", *c.Above)
	case c.Until != nil && c.Below != nil && *c.Until < *c.Below:
		r.problem(until, key+".until", "want at least the threshold %g: the rule would end before it begins", *c.Below)
	}
}
