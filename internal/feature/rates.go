package feature

import (
	"math"

	"puenktlich/internal/rail"
)

// The prior weighs as much as that many events. The narrower a key, the nearer
// lies its parent, and the fewer events it needs to speak for itself.
const (
	categoryPrior = 20
	linePrior     = 20
	trainPrior    = 5
)

// estimate is what earlier days say of events of a kind: rates in [0,1], NaN
// without any earlier event.
type estimate struct {
	late, cancelled float64
}

// shrink draws the raw rates of counts towards those of a wider group:
// (late + m*prior)/(events + m), the posterior mean of a rate under a Beta
// prior that weighs m events.
func (c Counts) shrink(prior estimate, m float64) estimate {
	ran, all := float64(c.Events), float64(c.Events+c.Cancelled)
	return estimate{
		late:      (float64(c.Late) + m*prior.late) / (ran + m),
		cancelled: (float64(c.Cancelled) + m*prior.cancelled) / (all + m),
	}
}

// raw is the unshrunk rates; NaN over no events.
func (c Counts) raw() estimate {
	return estimate{float64(c.Late) / float64(c.Events), float64(c.Cancelled) / float64(c.Events+c.Cancelled)}
}

// rates are the estimates for one event, each shrunk to the next wider:
// train to line to category to all.
type rates struct {
	all, category, line, train estimate
}

func (h *History) rates(p *rail.PlannedEvent) rates {
	none := estimate{math.NaN(), math.NaN()}
	r := rates{none, none, none, none}
	if h == nil || h.counts[HistoryKey{Kind: ByAll}].Events == 0 {
		return r
	}
	keys := Keys(p)
	r.all = h.counts[keys[3]].raw()
	r.category = h.counts[keys[2]].shrink(r.all, categoryPrior)
	r.line = h.counts[keys[1]].shrink(r.category, linePrior)
	r.train = h.counts[keys[0]].shrink(r.line, trainPrior)
	return r
}
