package calibrate

import (
	"fmt"
	"sort"
)

// HorizonIsotonic is the isotonic calibration of one horizon of the grid.
type HorizonIsotonic struct {
	HorizonMinutes int      `json:"horizon_minutes"`
	Events         int      `json:"events"` // fitted on so many
	Isotonic       Isotonic `json:"isotonic"`
}

// applyIsotonic replaces an ascending distribution by its calibrated one. All take
// the same line, which never falls, so the result ascends too.
func (h Horizons) applyIsotonic(cumulative []float64, horizonMinutes float64) {
	n := len(h.Isotonic)
	above := sort.Search(n, func(i int) bool { return float64(h.Isotonic[i].HorizonMinutes) > horizonMinutes })
	low, high, share := h.Isotonic[max(above-1, 0)], h.Isotonic[min(above, n-1)], 0.0
	if low.HorizonMinutes != high.HorizonMinutes {
		share = (horizonMinutes - float64(low.HorizonMinutes)) / float64(high.HorizonMinutes-low.HorizonMinutes)
	}
	floor := 0.0
	for k, f := range cumulative {
		cumulative[k] = max(between(low.Isotonic.anchored(f), high.Isotonic.anchored(f), share), floor)
		floor = cumulative[k]
	}
}

// anchored is Apply for any edge of a distribution: beyond the forecasts that it was
// fitted on, at one edge, the line goes on to 0 and to 1 instead of standing still, since
// another edge's probabilities lie there.
func (c Isotonic) anchored(p float64) float64 {
	p = clip(p)
	first, last := c.Forecasts[0], c.Forecasts[len(c.Forecasts)-1]
	switch {
	case p < first:
		return clip(between(0, c.Rates[0], p/first))
	case p > last:
		return clip(between(c.Rates[len(c.Rates)-1], 1, (p-last)/(1-last)))
	}
	return c.Apply(p)
}

// soften returns the calibration with ends that are not certain: where none or all of the
// n events at an end came true, the rate there is 1/(n+2) or 1 less it (Laplace's rule of
// succession), as far as the neighbouring rates allow.
func (c Isotonic) soften(p []float64) Isotonic {
	soft := Isotonic{Forecasts: c.Forecasts, Rates: append([]float64(nil), c.Rates...)}
	last := len(c.Rates) - 1
	if c.Rates[0] == 0 {
		soft.replace(0, min(1/float64(c.count(p, 0)+2), c.next(0)))
	}
	if c.Rates[last] == 1 {
		soft.replace(1, max(1-1/float64(c.count(p, 1)+2), c.before(1)))
	}
	return soft
}

// count is how many events lie where the line has a rate.
func (c Isotonic) count(p []float64, rate float64) int {
	n := 0
	for _, v := range p {
		if c.Apply(v) == clip(rate) {
			n++
		}
	}
	return n
}

// next is the lowest rate above one.
func (c Isotonic) next(rate float64) float64 {
	for _, r := range c.Rates {
		if r > rate {
			return r
		}
	}
	return 1
}

// before is the highest rate below one.
func (c Isotonic) before(rate float64) float64 {
	highest := 0.0
	for _, r := range c.Rates {
		if r < rate {
			highest = max(highest, r)
		}
	}
	return highest
}

func (c Isotonic) replace(rate, by float64) {
	for i, r := range c.Rates {
		if r == rate {
			c.Rates[i] = by
		}
	}
}

func (h Horizons) validateIsotonic() error {
	for i, point := range h.Isotonic {
		if err := point.Isotonic.Validate(); err != nil {
			return fmt.Errorf("isotonic of horizon %d min: %w", point.HorizonMinutes, err)
		}
		if point.Events < 0 {
			return fmt.Errorf("isotonic of horizon %d min: %d events, a number from 0 is needed", point.HorizonMinutes, point.Events)
		}
		if i > 0 && point.HorizonMinutes <= h.Isotonic[i-1].HorizonMinutes {
			return fmt.Errorf("isotonic of horizon %d min after %d min, the grid ascends strictly", point.HorizonMinutes, h.Isotonic[i-1].HorizonMinutes)
		}
	}
	return nil
}
