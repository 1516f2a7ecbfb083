package metric

import (
	"cmp"
	"math"
	"slices"
)

// AUC returns the probability that a late event was given a higher p than one on time,
// ties counting half; 0.5 is no discrimination. NaN when only one class is present or any
// p is NaN. It is the Mann-Whitney statistic over its maximum, with average ranks for
// ties. Source: J. A. Hanley and B. J. McNeil, Radiology 143 (1982).
func AUC(p []float64, y []bool) float64 {
	requireSame(len(p), len(y))
	late, rankSum, start := 0, 0.0, 0
	for _, g := range ties(p, y) {
		if math.IsNaN(g.p) {
			return math.NaN()
		}
		averageRank := float64(start) + float64(g.events+1)/2
		rankSum += averageRank * float64(g.late)
		late += g.late
		start += g.events
	}
	onTime := len(p) - late
	if late == 0 || onTime == 0 {
		return math.NaN()
	}
	l := float64(late)
	return (rankSum - l*(l+1)/2) / (l * float64(onTime))
}

// tie is the group of all events with the same forecast.
type tie struct {
	p            float64
	events, late int
}

// ties groups events by forecast, ascending; NaN comes first, each NaN alone.
func ties(p []float64, y []bool) []tie {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(p[i], p[j]) })
	var groups []tie
	for _, i := range order {
		if n := len(groups); n == 0 || groups[n-1].p != p[i] {
			groups = append(groups, tie{p: p[i]})
		}
		g := &groups[len(groups)-1]
		g.events++
		if y[i] {
			g.late++
		}
	}
	return groups
}
