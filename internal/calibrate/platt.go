package calibrate

import (
	"encoding/json"
	"errors"
	"fmt"

	"puenktlich/internal/strictjson"
)

// MinSlope is the smallest slope of a fitted Platt. A forecast that points the wrong way is
// not turned round but flattened to nearly the base rate, so that order is kept.
const MinSlope = 0.01

// Platt maps p to sigmoid(Slope·logit(p) + Intercept). Slope > 0, so a larger p never
// becomes the smaller one. The zero value is not a calibration; Identity changes nothing.
// Source: J. Platt, "Probabilistic outputs for support vector machines" (1999), on the
// logit as in D. R. Cox, "Two further applications of a model for binary regression",
// Biometrika 45 (1958).
type Platt struct {
	Slope     float64
	Intercept float64
}

// Identity returns the calibration that changes nothing (beyond clipping).
func Identity() Platt { return Platt{Slope: 1} }

// Apply returns the calibrated p, in [Clip, 1-Clip]; NaN for NaN.
func (c Platt) Apply(p float64) float64 {
	// The conversion keeps the compiler from fusing product and sum, which would give
	// other bits on other processors.
	return clip(sigmoid(float64(c.Slope*logit(p)) + c.Intercept))
}

// ApplyCumulative writes to dst the calibrated cumulative distribution, where
// cumulative[k] = P(delay <= edge k), ascending; dst has its length and may be the same
// slice. All take the same slope and intercept, so the result ascends too.
func (c Platt) ApplyCumulative(dst, cumulative []float64) {
	floor := 0.0
	for k, f := range cumulative {
		// Rounding may turn two nearly equal values round by one bit: max repairs that.
		dst[k] = max(c.Apply(f), floor)
		floor = dst[k]
	}
}

// Validate says what is wrong with a calibration that came from outside.
func (c Platt) Validate() error {
	if !finite(c.Slope) || c.Slope <= 0 {
		return fmt.Errorf("slope %v, a finite number above 0 is needed to keep order", c.Slope)
	}
	if !finite(c.Intercept) {
		return fmt.Errorf("intercept %v, a finite number is needed", c.Intercept)
	}
	return nil
}

type plattJSON struct {
	Slope     *float64 `json:"slope"`
	Intercept *float64 `json:"intercept"`
}

// MarshalJSON writes {"slope":…,"intercept":…}; an invalid calibration is an error.
func (c Platt) MarshalJSON() ([]byte, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("write Platt calibration: %w", err)
	}
	return json.Marshal(plattJSON{&c.Slope, &c.Intercept})
}

// UnmarshalJSON reads what MarshalJSON writes: both fields, no other, and valid.
func (c *Platt) UnmarshalJSON(data []byte) error {
	var w plattJSON
	if err := strictjson.Unmarshal(data, &w); err != nil {
		return fmt.Errorf("read Platt calibration: %w", err)
	}
	if w.Slope == nil || w.Intercept == nil {
		return errors.New("read Platt calibration: slope and intercept are both needed")
	}
	read := Platt{*w.Slope, *w.Intercept}
	if err := read.Validate(); err != nil {
		return fmt.Errorf("read Platt calibration: %w", err)
	}
	*c = read
	return nil
}
