package calibrate

import (
	"fmt"
	"math"
	"slices"
)

// Method is a way to calibrate.
type Method string

// The methods, the simplest first.
const (
	None              Method = "none"
	PlattPooled       Method = "platt_pooled"
	PlattByHorizon    Method = "platt_by_horizon"
	IsotonicPooled    Method = "isotonic_pooled"
	IsotonicByHorizon Method = "isotonic_by_horizon"
)

// Methods lists them, the simplest first.
func Methods() []Method {
	return []Method{None, PlattPooled, PlattByHorizon, IsotonicPooled, IsotonicByHorizon}
}

// Options of fitting. The zero value fits each horizon that has an event, without a prior.
type Options struct {
	PriorEvents float64 // see FitPlatt
	// MinEvents and MinIsotonic are how many events a horizon needs for a calibration of
	// its own; the pooled isotonic needs MinIsotonic too.
	MinEvents   int
	MinIsotonic int
}

// Fit fits one method on events whose trees were not trained on them.
func Fit(m Method, events HorizonEvents, o Options) (Horizons, error) {
	switch m {
	case None:
		return Horizons{Pooled: Identity()}, checkEvents(events.Forecast, events.Outcome)
	case PlattPooled:
		return FitHorizons(events, o.PriorEvents, len(events.Forecast)+1)
	case PlattByHorizon:
		return FitHorizons(events, o.PriorEvents, o.MinEvents)
	case IsotonicPooled, IsotonicByHorizon:
		return fitIsotonicHorizons(m, events, o.MinIsotonic)
	}
	return Horizons{}, fmt.Errorf("calibrate: method %q, there are %q", m, Methods())
}

func fitIsotonicHorizons(m Method, events HorizonEvents, minEvents int) (Horizons, error) {
	h := Horizons{Pooled: Identity()}
	if len(events.HorizonMinutes) != len(events.Forecast) {
		return h, fmt.Errorf("fit calibration by horizon: %d horizons for %d forecasts, give one each", len(events.HorizonMinutes), len(events.Forecast))
	}
	add := func(minutes int, p []float64, y []bool) error {
		if len(p) < minEvents {
			return nil
		}
		fitted, err := FitIsotonic(p, y)
		if err == nil {
			h.Isotonic = append(h.Isotonic, HorizonIsotonic{minutes, len(p), fitted.soften(p)})
		}
		return err
	}
	if m == IsotonicPooled {
		if err := add(0, events.Forecast, events.Outcome); err != nil {
			return h, err
		}
	} else {
		for _, minutes := range slices.Compact(slices.Sorted(slices.Values(events.HorizonMinutes))) {
			p, y := events.of(minutes)
			if err := add(minutes, p, y); err != nil {
				return h, fmt.Errorf("horizon %d min: %w", minutes, err)
			}
		}
	}
	if len(h.Isotonic) == 0 {
		return h, fmt.Errorf("fit isotonic calibration: %d forecasts, at least %d of a horizon are needed", len(events.Forecast), minEvents)
	}
	return h, nil
}

// Trial is how a method did on events it was not fitted on.
type Trial struct {
	Method  Method  `json:"method"`
	LogLoss float64 `json:"log_loss"` // nats, mean over Rows
	Rows    int     `json:"rows"`     // judged; 0: it was not, and there is no log loss
	Problem string  `json:"problem,omitempty"`
}

// Choice is the record of how a calibration was chosen.
type Choice struct {
	Method Method  `json:"method"`
	Tried  []Trial `json:"tried"`
}

// Choose fits the method with the lowest log loss on folds that it was not fitted on, a
// nested choice, and records it: fold holds the time order of each event's group (the number
// of its day, say), and each group but the first is predicted by every method fitted on the
// groups before it. Of equal losses the simpler method wins. With one group nothing can be
// judged and it is PlattByHorizon. Forecast must come from a model that was not trained on
// the events.
func Choose(events HorizonEvents, fold []int, o Options) (Horizons, error) {
	if len(fold) != len(events.Forecast) {
		return Horizons{}, fmt.Errorf("choose a calibration: %d folds for %d forecasts, give one each", len(fold), len(events.Forecast))
	}
	if err := checkEvents(events.Forecast, events.Outcome); err != nil {
		return Horizons{}, fmt.Errorf("choose a calibration: %w", err)
	}
	choice, best := Choice{Method: PlattByHorizon}, math.Inf(1)
	for _, m := range Methods() {
		trial := judge(m, events, fold, o)
		choice.Tried = append(choice.Tried, trial)
		if trial.Rows > 0 && trial.LogLoss < best {
			choice.Method, best = m, trial.LogLoss
		}
	}
	fitted, err := Fit(choice.Method, events, o)
	if err != nil {
		return Horizons{}, fmt.Errorf("choose a calibration: %w", err)
	}
	fitted.Choice = choice
	return fitted, nil
}

// judge predicts every fold but the first from those before it.
func judge(m Method, events HorizonEvents, fold []int, o Options) Trial {
	t := Trial{Method: m}
	folds := slices.Compact(slices.Sorted(slices.Values(fold)))
	if len(folds) < 2 {
		t.Problem = "one day alone: nothing to judge on"
		return t
	}
	sum := 0.0
	for _, k := range folds[1:] {
		before, now := events.split(fold, k)
		fitted, err := Fit(m, before, o)
		if err != nil {
			return Trial{Method: m, Problem: err.Error()}
		}
		sum += fitted.logLossSum(now)
		t.Rows += len(now.Forecast)
	}
	t.LogLoss = sum / float64(t.Rows)
	return t
}

// split answers the events of the folds before k, and those of k.
func (e HorizonEvents) split(fold []int, k int) (before, now HorizonEvents) {
	for i, f := range fold {
		switch {
		case f < k:
			before.add(e, i)
		case f == k:
			now.add(e, i)
		}
	}
	return before, now
}

func (e *HorizonEvents) add(from HorizonEvents, i int) {
	e.HorizonMinutes = append(e.HorizonMinutes, from.HorizonMinutes[i])
	e.Forecast = append(e.Forecast, from.Forecast[i])
	e.Outcome = append(e.Outcome, from.Outcome[i])
}

// LogLoss is the mean log loss of the calibrated forecasts, in nats; NaN without events.
func (h Horizons) LogLoss(events HorizonEvents) float64 {
	return h.logLossSum(events) / float64(len(events.Forecast))
}

func (h Horizons) logLossSum(events HorizonEvents) float64 {
	sum, p := 0.0, make([]float64, 1)
	for i, f := range events.Forecast {
		p[0] = f
		h.ApplyCumulative(p, p, float64(events.HorizonMinutes[i]))
		if events.Outcome[i] {
			sum -= math.Log(p[0])
		} else {
			sum -= math.Log1p(-p[0])
		}
	}
	return sum
}
