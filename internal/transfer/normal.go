package transfer

import (
	"math"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/stat/distuv"
)

// maxCorrelation bounds the correlations that are told apart: beyond it the
// integral below would need more nodes.
const maxCorrelation = 0.9

// nodes of the Gauss-Legendre rule over [0, asin(correlation)].
const nodes = 20

var nodeAt, nodeWeight = func() (at, weight [nodes]float64) {
	quad.Legendre{}.FixedLocations(at[:], weight[:], 0, 1)
	return at, weight
}()

// copula is a Gaussian one, made ready for many evaluations.
type copula struct {
	weight, sin, scale [nodes]float64 // of each node: weight, sine of the angle, -1/(2 cos^2)
	independent        bool
}

// newCopula takes a correlation within maxCorrelation.
func newCopula(correlation float64) copula {
	c := copula{independent: correlation == 0}
	end := math.Asin(correlation)
	for i, at := range nodeAt {
		sin, cos := math.Sincos(end * at)
		c.weight[i], c.sin[i], c.scale[i] = end*nodeWeight[i]/(2*math.Pi), sin, -1/(2*cos*cos)
	}
	return c
}

// normal2 is P(X <= h, Y <= k) of two standard normal variables: Plackett's
// identity, integrated after the substitution sin(t) for the correlation, as in
// A. Genz, "Numerical computation of rectangular bivariate and trivariate normal and t
// probabilities", Statistics and Computing 14 (2004), eq. 3.
func (c *copula) normal2(h, k float64) float64 {
	p := distuv.UnitNormal.CDF(h) * distuv.UnitNormal.CDF(k)
	if c.independent || math.IsInf(h, 0) || math.IsInf(k, 0) {
		return p
	}
	squares, product := h*h+k*k, 2*h*k
	for i, sin := range c.sin {
		p += c.weight[i] * math.Exp((squares-product*sin)*c.scale[i])
	}
	return min(1, max(0, p))
}

// density is the integrand at an angle: 2 pi cos(t) times the density of the pair
// of correlation sin(t).
func density(h, k, angle float64) float64 {
	sin, cos := math.Sincos(angle)
	return math.Exp(-(h*h + k*k - 2*h*k*sin) / (2 * cos * cos))
}

// quantile is the standard normal value below which a share p lies; infinite for 0
// and 1.
func quantile(p float64) float64 {
	switch {
	case p <= 0:
		return math.Inf(-1)
	case p >= 1:
		return math.Inf(1)
	}
	return distuv.UnitNormal.Quantile(p)
}
