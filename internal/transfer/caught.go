package transfer

import "math"

// Delay is what is forecast of one event's delay, given that it runs:
// Cumulative[i] is P(delay <= Edges[i]), ascending, the edges in whole minutes; what
// is left lies above the last edge.
type Delay struct {
	Edges      []int
	Cumulative []float64
}

// minutes is a Delay at every whole minute: at[i] is P(delay <= first+i). Each bucket
// is spread evenly over its minutes, the open one over as many as the gap before it
// has; what lies below the first edge counts as that edge.
type minutes struct {
	first int
	at    []float64
}

func (d Delay) minutes() minutes {
	m := minutes{first: d.Edges[0], at: []float64{d.Cumulative[0]}}
	for i := 1; i < len(d.Edges); i++ {
		m.spread(d.Edges[i]-d.Edges[i-1], d.Cumulative[i])
	}
	last := len(d.Edges) - 1
	m.spread(d.Edges[last]-d.Edges[max(0, last-1)], 1)
	return m
}

// spread goes on to a cumulative probability in so many equal steps.
func (m *minutes) spread(width int, to float64) {
	from := m.at[len(m.at)-1]
	for i := 1; i < width; i++ {
		m.at = append(m.at, from+(to-from)*float64(i)/float64(width))
	}
	m.at = append(m.at, max(from, to))
}

// upTo is P(delay <= minute).
func (m minutes) upTo(minute int) float64 {
	i := minute - m.first
	switch {
	case i < 0:
		return 0
	case i >= len(m.at):
		return 1
	}
	return m.at[i]
}

// Caught is the probability in [0,1] that the departing train still stands there:
// P(arrival delay - departure delay <= spareMinutes), given that both run.
// spareMinutes is the planned gap less the time it takes to change. The correlation
// is that of a Gaussian copula, within [-0.9, 0.9]; 0 is independence.
func Caught(arrival, departure Delay, spareMinutes int, correlation float64) float64 {
	a, d := arrival.minutes(), departure.minutes()
	joint := newCopula(max(-maxCorrelation, min(maxCorrelation, correlation)))
	sum, below := 0.0, 0.0
	for i, upTo := range d.at {
		arrived := a.upTo(d.first + i + spareMinutes)
		switch {
		case upTo == below:
		case joint.independent || arrived == 0 || arrived == 1:
			sum += arrived * (upTo - below)
		default:
			h := quantile(arrived)
			sum += joint.normal2(h, quantile(upTo)) - joint.normal2(h, quantile(below))
		}
		below = upTo
	}
	return math.Min(1, math.Max(0, sum))
}
