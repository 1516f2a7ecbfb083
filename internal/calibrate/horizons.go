package calibrate

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"puenktlich/internal/strictjson"
)

// HorizonPlatt is the calibration of one horizon of the grid.
type HorizonPlatt struct {
	HorizonMinutes int   `json:"horizon_minutes"`
	Events         int   `json:"events"` // fitted on so many
	Platt          Platt `json:"platt"`
}

// Horizons calibrates forecasts by their horizon, the minutes from forecast to planned
// event. The zero value is not a calibration: FitHorizons or JSON makes one.
type Horizons struct {
	// Grid ascends strictly by HorizonMinutes; it may be empty.
	Grid []HorizonPlatt
	// Pooled is fitted on all horizons together, and used when Grid is empty.
	Pooled Platt
	// Isotonic follows on Platt, ascending strictly by HorizonMinutes: between two
	// of them their results are interpolated linearly in the horizon, beyond the
	// grid those of its end hold. Empty leaves it out; one alone serves all horizons.
	Isotonic []HorizonIsotonic
	// Choice says how the method was chosen; zero where none was.
	Choice Choice
}

// HorizonEvents is what FitHorizons learns from: an element per event and horizon, all
// slices of one length.
type HorizonEvents struct {
	HorizonMinutes []int
	Forecast       []float64 // P(delay <= an edge), raw
	Outcome        []bool    // whether the delay was at most that edge
}

// FitHorizons fits one Platt for each horizon that has at least minEvents events, and one
// on all of them, each with a prior of priorEvents events (see FitPlatt). For a cumulative
// distribution give P(delay <= edge) and whether it was: with P(late) instead the intercept
// would have the other sign.
func FitHorizons(events HorizonEvents, priorEvents float64, minEvents int) (Horizons, error) {
	if len(events.HorizonMinutes) != len(events.Forecast) {
		return Horizons{}, fmt.Errorf("fit calibration by horizon: %d horizons for %d forecasts, give one each", len(events.HorizonMinutes), len(events.Forecast))
	}
	pooled, err := FitPlatt(events.Forecast, events.Outcome, priorEvents)
	if err != nil {
		return Horizons{}, fmt.Errorf("fit calibration of all horizons: %w", err)
	}
	h := Horizons{Pooled: pooled}
	for _, minutes := range slices.Compact(slices.Sorted(slices.Values(events.HorizonMinutes))) {
		p, y := events.of(minutes)
		if len(p) < minEvents {
			continue
		}
		fitted, err := FitPlatt(p, y, priorEvents)
		if err != nil {
			return Horizons{}, fmt.Errorf("fit calibration of horizon %d min: %w", minutes, err)
		}
		h.Grid = append(h.Grid, HorizonPlatt{HorizonMinutes: minutes, Events: len(p), Platt: fitted})
	}
	return h, nil
}

func (e HorizonEvents) of(minutes int) (p []float64, y []bool) {
	for i, m := range e.HorizonMinutes {
		if m == minutes {
			p, y = append(p, e.Forecast[i]), append(y, e.Outcome[i])
		}
	}
	return p, y
}

// At returns the calibration for a horizon: that of a grid point, between two of them slope
// and intercept interpolated linearly in the horizon, beyond the grid those of its end, and
// Pooled without a grid. The slope stays above 0, being a mean of such.
func (h Horizons) At(horizonMinutes float64) Platt {
	n := len(h.Grid)
	above := 0
	for above < n && float64(h.Grid[above].HorizonMinutes) <= horizonMinutes {
		above++
	}
	switch {
	case n == 0:
		return h.Pooled
	case above == 0:
		return h.Grid[0].Platt
	case above == n:
		return h.Grid[n-1].Platt
	}
	low, high := h.Grid[above-1], h.Grid[above]
	share := (horizonMinutes - float64(low.HorizonMinutes)) / float64(high.HorizonMinutes-low.HorizonMinutes)
	return Platt{
		Slope:     between(low.Platt.Slope, high.Platt.Slope, share),
		Intercept: between(low.Platt.Intercept, high.Platt.Intercept, share),
	}
}

// between returns a at share 0 and b at share 1, the same bits on every processor.
func between(a, b, share float64) float64 {
	return float64((1-share)*a) + float64(share*b)
}

// ApplyCumulative writes to dst the calibrated distribution for a horizon: as
// Platt.ApplyCumulative does with At(horizonMinutes), then Isotonic.
func (h Horizons) ApplyCumulative(dst, cumulative []float64, horizonMinutes float64) {
	h.At(horizonMinutes).ApplyCumulative(dst, cumulative)
	if len(h.Isotonic) > 0 {
		h.applyIsotonic(dst[:len(cumulative)], horizonMinutes)
	}
}

// Validate says what is wrong with a calibration that came from outside.
func (h Horizons) Validate() error {
	if err := h.Pooled.Validate(); err != nil {
		return fmt.Errorf("pooled: %w", err)
	}
	for i, point := range h.Grid {
		if err := point.Platt.Validate(); err != nil {
			return fmt.Errorf("horizon %d min: %w", point.HorizonMinutes, err)
		}
		if point.Events < 0 {
			return fmt.Errorf("horizon %d min: %d events, a number from 0 is needed", point.HorizonMinutes, point.Events)
		}
		if i > 0 && point.HorizonMinutes <= h.Grid[i-1].HorizonMinutes {
			return fmt.Errorf("horizon %d min after %d min, the grid ascends strictly", point.HorizonMinutes, h.Grid[i-1].HorizonMinutes)
		}
	}
	return h.validateIsotonic()
}

type horizonsJSON struct {
	Grid   []HorizonPlatt `json:"grid"`
	Pooled *Platt         `json:"pooled"`

	Isotonic []HorizonIsotonic `json:"isotonic,omitempty"`
	Choice   Choice            `json:"choice,omitzero"`
}

// MarshalJSON writes {"grid":[{"horizon_minutes","events","platt"}…],"pooled":…} and,
// where there is one, "isotonic":[{"horizon_minutes","events","isotonic"}…] and "choice"; an
// invalid calibration is an error.
func (h Horizons) MarshalJSON() ([]byte, error) {
	if err := h.Validate(); err != nil {
		return nil, fmt.Errorf("write calibration by horizon: %w", err)
	}
	grid := h.Grid
	if grid == nil {
		grid = []HorizonPlatt{}
	}
	return json.Marshal(horizonsJSON{Grid: grid, Pooled: &h.Pooled, Isotonic: h.Isotonic, Choice: h.Choice})
}

// UnmarshalJSON reads what MarshalJSON writes: grid and pooled, no field beside these four,
// and valid.
func (h *Horizons) UnmarshalJSON(data []byte) error {
	var w horizonsJSON
	if err := strictjson.Unmarshal(data, &w); err != nil {
		return fmt.Errorf("read calibration by horizon: %w", err)
	}
	if w.Grid == nil || w.Pooled == nil {
		return errors.New("read calibration by horizon: grid and pooled are both needed")
	}
	read := Horizons{Grid: w.Grid, Pooled: *w.Pooled, Isotonic: w.Isotonic, Choice: w.Choice}
	if err := read.Validate(); err != nil {
		return fmt.Errorf("read calibration by horizon: %w", err)
	}
	*h = read
	return nil
}
