package calibrate

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"sort"

	"puenktlich/internal/strictjson"
)

// Isotonic maps p along a line that never falls: Rates[i] at Forecasts[i], linear between
// them, constant beyond. Forecasts ascend strictly, Rates never fall, both lie in [0,1].
// The zero value is not a calibration: FitIsotonic or JSON makes one. It needs some
// thousand events; on fewer Platt is the better choice.
type Isotonic struct {
	Forecasts []float64
	Rates     []float64
}

// FitIsotonic returns the monotone fit of least squares, by pooling adjacent violators;
// events with the same clipped forecast are pooled first. Sources: M. Ayer et al., Ann. Math.
// Statist. 26 (1955); for calibration: B. Zadrozny and C. Elkan, KDD 2002.
func FitIsotonic(p []float64, y []bool) (Isotonic, error) {
	if err := checkEvents(p, y); err != nil {
		return Isotonic{}, fmt.Errorf("fit isotonic calibration: %w", err)
	}
	var blocks []block
	for _, b := range equalForecasts(p, y) {
		blocks = append(blocks, b)
		for n := len(blocks); n > 1 && blocks[n-2].rate() >= blocks[n-1].rate(); n = len(blocks) {
			blocks[n-2] = blocks[n-2].join(blocks[n-1])
			blocks = blocks[:n-1]
		}
	}
	var fitted Isotonic
	for _, b := range blocks {
		fitted.add(b.low, b.rate())
		if b.high > b.low {
			fitted.add(b.high, b.rate())
		}
	}
	return fitted, nil
}

// Apply returns the calibrated p, in [Clip, 1-Clip]; NaN for NaN.
func (c Isotonic) Apply(p float64) float64 {
	p = clip(p)
	at := sort.SearchFloat64s(c.Forecasts, p)
	switch {
	case p != p:
		return p
	case at == len(c.Forecasts):
		return clip(c.Rates[at-1])
	case at == 0 || c.Forecasts[at] == p:
		return clip(c.Rates[at])
	}
	low, high := c.Forecasts[at-1], c.Forecasts[at]
	return clip(between(c.Rates[at-1], c.Rates[at], (p-low)/(high-low)))
}

func (c *Isotonic) add(forecast, rate float64) {
	c.Forecasts = append(c.Forecasts, forecast)
	c.Rates = append(c.Rates, rate)
}

// block is a run of forecasts that share one rate.
type block struct {
	low, high    float64
	events, hits int
}

func (b block) rate() float64 {
	return float64(b.hits) / float64(b.events)
}

func (b block) join(next block) block {
	return block{b.low, next.high, b.events + next.events, b.hits + next.hits}
}

// equalForecasts returns a block for each distinct clipped forecast, ascending.
func equalForecasts(p []float64, y []bool) []block {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(p[i], p[j]) })
	var blocks []block
	for _, i := range order {
		v := clip(p[i])
		if n := len(blocks); n == 0 || blocks[n-1].low != v {
			blocks = append(blocks, block{low: v, high: v})
		}
		b := &blocks[len(blocks)-1]
		b.events++
		if y[i] {
			b.hits++
		}
	}
	return blocks
}

// Validate says what is wrong with a calibration that came from outside.
func (c Isotonic) Validate() error {
	if len(c.Forecasts) == 0 || len(c.Forecasts) != len(c.Rates) {
		return fmt.Errorf("%d forecasts for %d rates, one each and at least one is needed", len(c.Forecasts), len(c.Rates))
	}
	for i, f := range c.Forecasts {
		if !(f >= 0 && f <= 1) || !(c.Rates[i] >= 0 && c.Rates[i] <= 1) {
			return fmt.Errorf("point %d: forecast %v and rate %v, numbers in [0,1] are needed", i, f, c.Rates[i])
		}
		if i > 0 && (f <= c.Forecasts[i-1] || c.Rates[i] < c.Rates[i-1]) {
			return fmt.Errorf("point %d: forecast %v and rate %v fall behind the point before", i, f, c.Rates[i])
		}
	}
	return nil
}

type isotonicJSON struct {
	Forecasts []float64 `json:"forecasts"`
	Rates     []float64 `json:"rates"`
}

// MarshalJSON writes {"forecasts":[…],"rates":[…]}; an invalid calibration is an error.
func (c Isotonic) MarshalJSON() ([]byte, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("write isotonic calibration: %w", err)
	}
	return json.Marshal(isotonicJSON(c))
}

// UnmarshalJSON reads what MarshalJSON writes: both fields, no other, and valid.
func (c *Isotonic) UnmarshalJSON(data []byte) error {
	var w isotonicJSON
	if err := strictjson.Unmarshal(data, &w); err != nil {
		return fmt.Errorf("read isotonic calibration: %w", err)
	}
	read := Isotonic(w)
	if err := read.Validate(); err != nil {
		return fmt.Errorf("read isotonic calibration: %w", err)
	}
	*c = read
	return nil
}
