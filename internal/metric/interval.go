package metric

import (
	"encoding/json"
	"fmt"
	"math"

	"puenktlich/internal/strictjson"
)

// Interval is an estimate with a percentile interval from a block bootstrap. Low and High
// are NaN, null in JSON, when fewer than two blocks or no resample gave a value.
type Interval struct {
	Estimate  float64 // the statistic on all events
	Low, High float64
	Blocks    int     // independent blocks; few blocks make the interval too narrow
	Level     float64 // nominal coverage, in (0,1)
	Resamples int     // resamples with a value; those whose statistic was NaN are left out
}

type intervalJSON struct {
	Estimate  *float64 `json:"estimate"`
	Low       *float64 `json:"low"`
	High      *float64 `json:"high"`
	Blocks    int      `json:"blocks"`
	Level     float64  `json:"level"`
	Resamples int      `json:"resamples"`
}

// Excludes reports whether the interval exists and v lies outside it.
func (i Interval) Excludes(v float64) bool {
	return v < i.Low || v > i.High
}

// MarshalJSON writes NaN as null.
func (i Interval) MarshalJSON() ([]byte, error) {
	return json.Marshal(intervalJSON{
		Estimate: orNull(i.Estimate), Low: orNull(i.Low), High: orNull(i.High),
		Blocks: i.Blocks, Level: i.Level, Resamples: i.Resamples,
	})
}

// UnmarshalJSON reads null, and a bound that is not there, as NaN; unknown fields are errors.
func (i *Interval) UnmarshalJSON(data []byte) error {
	var w intervalJSON
	if err := strictjson.Unmarshal(data, &w); err != nil {
		return fmt.Errorf("read interval: %w", err)
	}
	*i = Interval{
		Estimate: orNaN(w.Estimate), Low: orNaN(w.Low), High: orNaN(w.High),
		Blocks: w.Blocks, Level: w.Level, Resamples: w.Resamples,
	}
	return nil
}

// percentile returns the value at share q of sorted values with linear interpolation,
// definition 7 of R. J. Hyndman and Y. Fan, "Sample quantiles in statistical packages",
// The American Statistician 50 (1996). NaN without values.
func percentile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := q * float64(len(sorted)-1)
	below := int(at)
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (at-float64(below))*(sorted[above]-sorted[below])
}
