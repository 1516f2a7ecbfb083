package metric

import "slices"

// ROCPoint is one threshold of a receiver operating characteristic.
type ROCPoint struct {
	FalseAlarms float64 `json:"false_alarms"` // share of the events on time that are called late
	Hits        float64 `json:"hits"`         // share of the late events that are
}

// ROC returns the curve from (0,0), where nothing is called late, to (1,1), one point for
// each different forecast; the area under it is AUC. Nil when only one class is present.
// Source: T. Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters 27
// (2006), algorithm 1.
func ROC(p []float64, y []bool) []ROCPoint {
	requireSame(len(p), len(y))
	late := 0
	for _, v := range y {
		if v {
			late++
		}
	}
	onTime := len(y) - late
	if late == 0 || onTime == 0 {
		return nil
	}
	curve := []ROCPoint{{}}
	hits, alarms := 0, 0
	for _, g := range slices.Backward(ties(p, y)) {
		hits, alarms = hits+g.late, alarms+g.events-g.late
		curve = append(curve, ROCPoint{float64(alarms) / float64(onTime), float64(hits) / float64(late)})
	}
	return curve
}
