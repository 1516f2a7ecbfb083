package learn

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"puenktlich/internal/dataset"
)

const (
	maxNewtonSteps = 50
	maxHalvings    = 30
	// gradientTolerance is per row of data.
	gradientTolerance = 1e-9
)

// regression is logistic regression of late or not: it minimises the sum of
// log losses plus ridge/2 times the sum of squared coefficients, the intercept
// left out, by Newton's method. Its inputs are standardised; one that is not
// known is the mean of the training rows, and says so in an indicator.
type regression struct{ ridge float64 }

// Fit passes over the rows twice to learn means and deviations, and once a
// Newton step.
func (l regression) Fit(ctx context.Context, task Task) (Fitted, error) {
	inputs, err := fitInputs(ctx, task.Train)
	if err != nil {
		return nil, err
	}
	problem := logisticProblem{data: task.Train, inputs: inputs, ridge: l.ridge}
	weights, curve, err := problem.newton(ctx, task)
	if err != nil {
		return nil, fmt.Errorf("%s: logistic regression: %w", task.Name, err)
	}
	return fittedRegression{inputs, weights, curve}, nil
}

// logisticProblem is the penalised loss on the training rows. Its weights are
// the intercept and one for each input.
type logisticProblem struct {
	data   Data
	inputs inputs
	ridge  float64
}

// slope is the loss at a point with its first and second derivatives.
type slope struct {
	rows     int
	loss     float64 // with the penalty
	penalty  float64
	gradient []float64
	hessian  *mat.SymDense
}

func (s slope) mean() float64 { return (s.loss - s.penalty) / float64(s.rows) }

// newton minimises the convex loss by Newton's method with halved steps.
func (q logisticProblem) newton(ctx context.Context, task Task) ([]float64, Curve, error) {
	var curve Curve
	at := make([]float64, 1+q.inputs.width())
	here, err := q.slope(ctx, at)
	for step := 1; err == nil; step++ {
		curve.Train, curve.Best = append(curve.Train, here.mean()), step
		task.Share.tell(float64(step)/maxNewtonSteps, "%s, step %d, log loss %.4f", task.Name, step, here.mean())
		if norm(here.gradient) <= gradientTolerance*float64(here.rows) {
			return at, curve, nil
		}
		if step == maxNewtonSteps {
			return nil, curve, fmt.Errorf("no minimum found in %d steps: give a larger lambda", step)
		}
		var next []float64
		if next, here, err = q.step(ctx, at, here); err == nil && next == nil {
			return at, curve, nil // rounding leaves nothing to gain
		}
		at = next
	}
	return nil, curve, err
}

// step goes a Newton step, halved until the loss falls; nil where it does not.
func (q logisticProblem) step(ctx context.Context, at []float64, here slope) ([]float64, slope, error) {
	var factor mat.Cholesky
	if !factor.Factorize(here.hessian) {
		return nil, here, errors.New("the inputs determine each other or the outcome: give a larger lambda")
	}
	var direction mat.VecDense
	if err := factor.SolveVecTo(&direction, mat.NewVecDense(len(at), here.gradient)); err != nil && !conditioned(err) {
		return nil, here, fmt.Errorf("solve for a step: %w", err)
	}
	share := 1.0
	for range maxHalvings {
		next := make([]float64, len(at))
		for i := range next {
			next[i] = at[i] - share*direction.AtVec(i)
		}
		there, err := q.slope(ctx, next)
		if err != nil {
			return nil, here, err
		}
		if there.loss < here.loss {
			return next, there, nil
		}
		share /= 2
	}
	return nil, here, nil
}

// conditioned says that an error is the warning of an ill-conditioned system,
// whose solution the halving of steps can still use.
func conditioned(err error) bool {
	var condition mat.Condition
	return errors.As(err, &condition) && !math.IsInf(float64(condition), 1)
}

// slope passes over the rows once.
func (q logisticProblem) slope(ctx context.Context, at []float64) (slope, error) {
	n := len(at)
	s := slope{gradient: make([]float64, n), hessian: mat.NewSymDense(n, nil)}
	raw, x := s.hessian.RawSymmetric(), make([]float64, n)
	err := q.data.each(ctx, func(batch *dataset.Table) error {
		for i, row := range batch.Rows {
			q.inputs.fill(x, batch.Vector(i))
			z := dot(at, x)
			p := logistic(z)
			residual, weight := p, p*(1-p)
			if row.Late() {
				residual, z = p-1, -z
			}
			s.loss += max(z, 0) + math.Log1p(math.Exp(-math.Abs(z)))
			for j, xj := range x {
				s.gradient[j] += residual * xj
				line, wx := raw.Data[j*raw.Stride:], weight*xj
				for k := j; k < n; k++ {
					line[k] += wx * x[k]
				}
			}
		}
		s.rows += len(batch.Rows)
		return nil
	})
	for j := 1; j < n; j++ {
		s.penalty += q.ridge / 2 * at[j] * at[j]
		s.gradient[j] += q.ridge * at[j]
		raw.Data[j*raw.Stride+j] += q.ridge
	}
	s.loss += s.penalty
	return s, err
}

// logistic is 1/(1+e^-z), without overflow.
func logistic(z float64) float64 {
	if z >= 0 {
		return 1 / (1 + math.Exp(-z))
	}
	e := math.Exp(z)
	return e / (1 + e)
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

func norm(v []float64) float64 { return math.Sqrt(dot(v, v)) }

type fittedRegression struct {
	inputs  inputs
	weights []float64
	curve   Curve
}

func (f fittedRegression) Curve() Curve { return f.curve }

func (f fittedRegression) OnTime(out []float64, rows *dataset.Table) error {
	x := make([]float64, len(f.weights))
	for i := range rows.Rows {
		f.inputs.fill(x, rows.Vector(i))
		out[i] = 1 - logistic(dot(f.weights, x))
	}
	return nil
}
