package calibrate

import (
	"fmt"
	"math"
)

const (
	maxNewtonSteps = 100
	maxHalvings    = 60
	// gradientTolerance is per event of data and prior.
	gradientTolerance = 1e-10
)

// FitPlatt returns the Platt calibration that minimises the sum of log losses plus a ridge
// of (priorEvents/8)·((Slope-1)² + Intercept²), which draws it towards Identity with the
// weight of priorEvents events: one event forecast at 1/2 has information 1/4 on the
// intercept, and on the slope at a logit of 1. With priorEvents 0 it is the maximum
// likelihood, which does not exist for outcomes that the forecasts separate and is then an
// error. A slope that would fall below MinSlope is held there and the intercept fitted alone.
func FitPlatt(p []float64, y []bool, priorEvents float64) (Platt, error) {
	if err := checkEvents(p, y); err != nil {
		return Platt{}, fmt.Errorf("fit Platt calibration: %w", err)
	}
	if !finite(priorEvents) || priorEvents < 0 {
		return Platt{}, fmt.Errorf("fit Platt calibration: prior of %v events, give a finite number from 0", priorEvents)
	}
	problem := plattProblem{logits: make([]float64, len(p)), outcomes: y, ridge: priorEvents / 4}
	for i, v := range p {
		problem.logits[i] = logit(v)
	}
	if problem.ridge == 0 && problem.separable() {
		return Platt{}, fmt.Errorf("fit Platt calibration on %d events: the forecasts separate the outcomes, give a prior above 0", len(p))
	}
	fitted, err := problem.newton(Identity(), false)
	if err == nil && fitted.Slope < MinSlope {
		fitted, err = problem.newton(Platt{Slope: MinSlope}, true)
	}
	if err != nil {
		return Platt{}, fmt.Errorf("fit Platt calibration on %d events: %w", len(p), err)
	}
	return fitted, nil
}

// plattProblem is the penalised loss; ridge is the information of the prior on each parameter.
type plattProblem struct {
	logits   []float64
	outcomes []bool
	ridge    float64
}

// separable reports whether no maximum likelihood exists: the logits of one outcome nowhere
// reach beyond the other's. Source: A. Albert and J. A. Anderson, Biometrika 71 (1984).
func (q plattProblem) separable() bool {
	lowTrue, highTrue := math.Inf(1), math.Inf(-1)
	lowFalse, highFalse := math.Inf(1), math.Inf(-1)
	for i, x := range q.logits {
		if q.outcomes[i] {
			lowTrue, highTrue = min(lowTrue, x), max(highTrue, x)
		} else {
			lowFalse, highFalse = min(lowFalse, x), max(highFalse, x)
		}
	}
	return highFalse <= lowTrue || highTrue <= lowFalse
}

// newton minimises the strictly convex loss by Newton's method with halved steps.
func (q plattProblem) newton(at Platt, slopeFixed bool) (Platt, error) {
	tolerance := gradientTolerance * (float64(len(q.logits)) + 4*q.ridge)
	loss := q.loss(at)
	for range maxNewtonSteps {
		d := q.derivatives(at)
		if slopeFixed {
			d.slope, d.cross, d.slopeSlope = 0, 0, 1
		}
		if math.Hypot(d.slope, d.intercept) <= tolerance {
			return at, nil
		}
		step, ok := d.step()
		if !ok {
			break
		}
		next, nextLoss := q.shorten(at, step, loss)
		if next == at {
			return at, nil
		}
		at, loss = next, nextLoss
	}
	return Platt{}, fmt.Errorf("no minimum found, slope %v and intercept %v at the end: give a larger prior", at.Slope, at.Intercept)
}

// shorten halves the step until the loss falls; it returns at when rounding leaves nothing to gain.
func (q plattProblem) shorten(at, step Platt, loss float64) (Platt, float64) {
	for range maxHalvings {
		next := Platt{at.Slope - step.Slope, at.Intercept - step.Intercept}
		if l := q.loss(next); l < loss {
			return next, l
		}
		step = Platt{step.Slope / 2, step.Intercept / 2}
	}
	return at, loss
}

// loss returns the sum of ln(1+e^-z) over events (z signed by the outcome) plus the ridge.
func (q plattProblem) loss(c Platt) float64 {
	sum := q.ridge / 2 * ((c.Slope-1)*(c.Slope-1) + c.Intercept*c.Intercept)
	for i, x := range q.logits {
		z := c.Slope*x + c.Intercept
		if q.outcomes[i] {
			z = -z
		}
		sum += max(z, 0) + math.Log1p(math.Exp(-math.Abs(z)))
	}
	return sum
}

// derivatives holds gradient and second derivatives of the loss.
type derivatives struct {
	slope, intercept                      float64
	slopeSlope, cross, interceptIntercept float64
}

func (q plattProblem) derivatives(c Platt) derivatives {
	d := derivatives{
		slope: q.ridge * (c.Slope - 1), intercept: q.ridge * c.Intercept,
		slopeSlope: q.ridge, interceptIntercept: q.ridge,
	}
	for i, x := range q.logits {
		p := sigmoid(c.Slope*x + c.Intercept)
		residual, weight := p, p*(1-p)
		if q.outcomes[i] {
			residual = p - 1
		}
		d.slope += residual * x
		d.intercept += residual
		d.slopeSlope += weight * x * x
		d.cross += weight * x
		d.interceptIntercept += weight
	}
	return d
}

// step returns the Newton step to subtract; false when the second derivatives are singular.
func (d derivatives) step() (Platt, bool) {
	determinant := d.slopeSlope*d.interceptIntercept - d.cross*d.cross
	if !(determinant > 1e-12*d.slopeSlope*d.interceptIntercept) {
		return Platt{}, false
	}
	return Platt{
		Slope:     (d.interceptIntercept*d.slope - d.cross*d.intercept) / determinant,
		Intercept: (d.slopeSlope*d.intercept - d.cross*d.slope) / determinant,
	}, true
}
