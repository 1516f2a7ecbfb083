package forest

import "math"

// Probabilities fills out with the probabilities of margins (both rows x
// Classes): the sigmoid for a binary model, P(label = 1), and for classes the
// softmax, which sums to 1 in each row. It computes in float64; XGBoost does in
// float32, so the last digits differ (below 1e-6). It panics if the lengths
// differ or are not whole rows.
func (f *Forest) Probabilities(out []float64, margins []float32) {
	if len(out) != len(margins) || len(out)%f.classes != 0 {
		panic("forest: Probabilities needs as many values out as in, in whole rows")
	}
	if f.objective == BinaryLogistic {
		for i, margin := range margins {
			out[i] = 1 / (1 + math.Exp(-float64(margin)))
		}
		return
	}
	for start := 0; start < len(out); start += f.classes {
		softmax(out[start:start+f.classes], margins[start:start+f.classes])
	}
}

// softmax subtracts the largest margin first, so that no exponential overflows.
func softmax(out []float64, margins []float32) {
	largest := math.Inf(-1)
	for _, margin := range margins {
		largest = max(largest, float64(margin))
	}
	sum := 0.0
	for i, margin := range margins {
		out[i] = math.Exp(float64(margin) - largest)
		sum += out[i]
	}
	for i := range out {
		out[i] /= sum
	}
}
