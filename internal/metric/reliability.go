package metric

import "math"

// Bin is one point of a reliability curve: events with neighbouring forecasts.
type Bin struct {
	Events       int     `json:"events"`
	Low          float64 `json:"low"`           // smallest forecast in the bin
	High         float64 `json:"high"`          // largest forecast in the bin
	MeanForecast float64 `json:"mean_forecast"` // mean of p
	LateRate     float64 `json:"late_rate"`     // share that was late
}

// Reliability returns the reliability curve over at most bins bins of equal mass, forecasts
// ascending, none empty; nil without events or bins. Equal forecasts never part: they all
// go to the bin in which the first of them falls, bin floor(r*bins/n) for the first one's
// rank r counted from 0. So the curve does not depend on the order of the events, and there
// are fewer bins than asked for when many forecasts are equal.
func Reliability(p []float64, y []bool, bins int) []Bin {
	requireSame(len(p), len(y))
	if bins <= 0 {
		return nil
	}
	var curve []Bin
	rank, current, sum, late := 0, -1, 0.0, 0
	for _, g := range ties(p, y) {
		if b := rank * bins / len(p); b != current {
			current, sum, late = b, 0, 0
			curve = append(curve, Bin{Low: g.p})
		}
		rank, late = rank+g.events, late+g.late
		sum += g.p * float64(g.events)
		last := &curve[len(curve)-1]
		last.Events, last.High = last.Events+g.events, g.p
		last.MeanForecast = sum / float64(last.Events)
		last.LateRate = float64(late) / float64(last.Events)
	}
	return curve
}

// ECE returns the expected calibration error, the mean over events of |mean forecast - late
// rate| of their bin, in [0,1], lower is better; NaN without events. Bins are those of
// Reliability. It is biased upwards on few events. Sources: M. P. Naeini, G. Cooper,
// M. Hauskrecht, AAAI 2015; bins of equal mass: K. Nguyen and B. O'Connor, EMNLP 2015.
func ECE(p []float64, y []bool, bins int) float64 {
	curve := Reliability(p, y, bins)
	if len(curve) == 0 {
		return math.NaN()
	}
	sum := 0.0
	for _, b := range curve {
		sum += float64(b.Events) * math.Abs(b.MeanForecast-b.LateRate)
	}
	return sum / float64(len(p))
}
