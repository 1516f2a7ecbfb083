package plot

import (
	"math"
	"strconv"
)

// Range is a closed span of an axis.
type Range struct{ Low, High float64 }

// spanOf is the smallest range of the finite values, false without any.
func spanOf(values ...[]float64) (Range, bool) {
	r := Range{math.Inf(1), math.Inf(-1)}
	for _, part := range values {
		for _, v := range part {
			if !finite(v) {
				continue
			}
			r.Low, r.High = min(r.Low, v), max(r.High, v)
		}
	}
	return r, r.Low <= r.High
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// ticksWanted is about how many an axis has.
const ticksWanted = 6

// axis maps values to a side of the drawing.
type axis struct {
	span     Range
	from, to float64 // where Low and High lie in the drawing
	ticks    []float64
	percent  bool
}

// newAxis widens a span to whole ticks of 1, 2 or 5 times a power of ten, which
// are at least smallest apart.
func newAxis(span Range, smallest, from, to float64) axis {
	if span.High <= span.Low {
		pad := max(math.Abs(span.Low)*0.1, 0.5)
		span = Range{span.Low - pad, span.High + pad}
	}
	step := max(smallest, niceStep((span.High-span.Low)/ticksWanted))
	first, last := math.Floor(span.Low/step+1e-9), math.Ceil(span.High/step-1e-9)
	a := axis{span: Range{first * step, last * step}, from: from, to: to}
	for i := first; i <= last; i++ {
		a.ticks = append(a.ticks, i*step)
	}
	return a
}

// fixedAxis keeps a span and its ticks as they are.
func fixedAxis(span Range, ticks []float64, from, to float64) axis {
	return axis{span: span, from: from, to: to, ticks: ticks}
}

func niceStep(rough float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, factor := range []float64{1, 2, 5} {
		if rough <= factor*power*(1+1e-9) {
			return factor * power
		}
	}
	return 10 * power
}

func (a axis) at(v float64) float64 {
	return a.from + (v-a.span.Low)/(a.span.High-a.span.Low)*(a.to-a.from)
}

func (a axis) label(v float64) string {
	suffix := ""
	if a.percent {
		v, suffix = 100*v, "\u00a0%"
	}
	return strconv.FormatFloat(round(v), 'f', -1, 64) + suffix
}

// round takes away the digits that only floating point has put there.
func round(v float64) float64 {
	if v == 0 {
		return 0
	}
	scale := math.Pow(10, 9-math.Ceil(math.Log10(math.Abs(v))))
	if rounded := math.Round(v*scale) / scale; math.Abs(rounded) > 1e-12 {
		return rounded
	}
	return 0
}
