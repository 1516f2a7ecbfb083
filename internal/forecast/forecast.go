// Package forecast turns a feature vector into the forecast of one event: the
// chance that it is cancelled and, given that it runs, the distribution of its
// delay. Training's evaluation, the package's tests and serving all call it.
package forecast

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"puenktlich/internal/calibrate"
	"puenktlich/internal/forest"
	"puenktlich/internal/rail"
)

// Artefact is everything a forecast is made with, as it is stored.
type Artefact struct {
	FeatureVersion string   `json:"feature_version"`
	Features       []string `json:"features"`
	// Edges are the upper edges of the delay buckets in whole minutes,
	// inclusive; one more bucket lies above the last.
	Edges []int `json:"edges_minutes"`
	// Buckets and Cancel are models in XGBoost's JSON format. Cancel is absent
	// where the training days had too few cancellations; CancelRate holds then.
	Buckets     json.RawMessage    `json:"buckets"`
	Cancel      json.RawMessage    `json:"cancel,omitempty"`
	CancelRate  float64            `json:"cancel_rate"`
	Calibration calibrate.Horizons `json:"calibration"`
	// CancelCalibration is that of what Cancel gives; nil leaves it as it is.
	CancelCalibration *calibrate.Horizons `json:"cancel_calibration,omitempty"`
}

// Model is an Artefact made ready. It is safe for concurrent use.
type Model struct {
	artefact Artefact
	buckets  *forest.Forest
	cancel   *forest.Forest // nil without a cancellation model
	onTime   int            // index of the on-time edge
	cells    cells
}

// Load checks an artefact and makes it ready.
func Load(a Artefact) (*Model, error) {
	buckets, err := forest.Parse(a.Buckets)
	if err != nil {
		return nil, fmt.Errorf("load delay model: %w", err)
	}
	onTime := slices.Index(a.Edges, rail.LateMinutes-1)
	switch {
	case onTime < 0:
		return nil, fmt.Errorf("load delay model: edges %v lack the on-time edge %d", a.Edges, rail.LateMinutes-1)
	case !slices.IsSortedFunc(a.Edges, strictly):
		return nil, fmt.Errorf("load delay model: edges %v do not ascend", a.Edges)
	case buckets.Classes() != len(a.Edges)+1:
		return nil, fmt.Errorf("load delay model: %d classes for %d edges", buckets.Classes(), len(a.Edges))
	case buckets.Features() != len(a.Features):
		return nil, fmt.Errorf("load delay model: %d features in the trees, %d in the artefact", buckets.Features(), len(a.Features))
	}
	m := &Model{artefact: a, buckets: buckets, onTime: onTime}
	if len(a.Cancel) > 0 {
		if m.cancel, err = forest.Parse(a.Cancel); err != nil {
			return nil, fmt.Errorf("load cancellation model: %w", err)
		}
		if m.cancel.Classes() != 1 || m.cancel.Features() != len(a.Features) {
			return nil, fmt.Errorf("load cancellation model: %d classes and %d features in the trees: want 1 and %d", m.cancel.Classes(), m.cancel.Features(), len(a.Features))
		}
	}
	return m, nil
}

// strictly refuses equal neighbours.
func strictly(x, y int) int { return cmp.Or(cmp.Compare(x, y), -1) }

// Artefact is what the model was made from; its slices are shared.
func (m *Model) Artefact() Artefact { return m.artefact }

// FeatureVersion is the catalogue the model was trained on.
func (m *Model) FeatureVersion() string { return m.artefact.FeatureVersion }

// Features are the columns of a vector, in order.
func (m *Model) Features() []string { return m.artefact.Features }

// Distribution is the forecast of one event.
type Distribution struct {
	// Edges are whole minutes; Cumulative[i] is P(delay <= Edges[i] | runs).
	Edges      []int
	Cumulative []float64
	Cancelled  float64 // P(cancelled)
	onTime     int
}

// OnTime is P(delay <= 5 min | runs).
func (d Distribution) OnTime() float64 { return d.Cumulative[d.onTime] }

// Late is P(delay >= 6 min | runs).
func (d Distribution) Late() float64 { return 1 - d.OnTime() }

// ErrNoProbability says that a model has no forecast for a vector: leaves of its trees
// add up to more than a float32 holds. The model is at fault, not the vector.
var ErrNoProbability = errors.New("the trees add up to no probability: leaves overflow; roll back to another package and train again")

// Forecast answers for one vector (NaN = not known) at a horizon in minutes.
// It fails on infinite values, and with ErrNoProbability.
func (m *Model) Forecast(vector []float32, horizonMinutes float64) (Distribution, error) {
	if len(vector) != len(m.artefact.Features) {
		return Distribution{}, fmt.Errorf("forecast: %d values for %d features", len(vector), len(m.artefact.Features))
	}
	if err := m.buckets.Check(vector); err != nil {
		return Distribution{}, fmt.Errorf("forecast: %w", err)
	}
	held := m.cellOf(vector)
	if none(held.cumulative, held.cancelled) {
		return Distribution{}, fmt.Errorf("forecast: %w", ErrNoProbability)
	}
	cumulative, cancelled := make([]float64, len(held.cumulative)), held.cancelled
	m.artefact.Calibration.ApplyCumulative(cumulative, held.cumulative, horizonMinutes)
	if c := m.artefact.CancelCalibration; c != nil && m.cancel != nil {
		p := []float64{cancelled}
		c.ApplyCumulative(p, p, horizonMinutes)
		cancelled = p[0]
	}
	return Distribution{Edges: m.artefact.Edges, Cumulative: cumulative, Cancelled: cancelled, onTime: m.onTime}, nil
}

// none says that one of the two is not a number. A softmax has it in all of its values
// or in none, and so has what is summed from its first on.
func none(cumulative []float64, cancelled float64) bool {
	return math.IsNaN(cumulative[0]) || math.IsNaN(cancelled)
}

// raw is the uncalibrated cumulative distribution.
func (m *Model) raw(vector []float32) []float64 {
	margins := make([]float32, m.buckets.Classes())
	m.buckets.Margin(margins, vector)
	probabilities := make([]float64, len(margins))
	m.buckets.Probabilities(probabilities, margins)
	return Cumulate(probabilities)
}

// Cumulate turns the probabilities of the buckets, the last one open, into the
// cumulative probabilities at their edges, one fewer, each at most 1.
func Cumulate(buckets []float64) []float64 {
	cumulative := make([]float64, len(buckets)-1)
	cumulate(cumulative, buckets)
	return cumulative
}

func cumulate(dst, buckets []float64) {
	sum := 0.0
	for i := range dst {
		sum += buckets[i]
		dst[i] = min(sum, 1)
	}
}

// uncalibrated is P(cancelled) before calibration.
func (m *Model) uncalibrated(vector []float32) float64 {
	if m.cancel == nil {
		return m.artefact.CancelRate
	}
	var margin [1]float32
	var p [1]float64
	m.cancel.Margin(margin[:], vector)
	m.cancel.Probabilities(p[:], margin[:])
	return p[0]
}

// Quantile is the smallest edge whose cumulative probability reaches level, in
// whole minutes; beyond is true where only the open bucket reaches it, and the
// minutes are then the last edge.
func (d Distribution) Quantile(level float64) (minutes int, beyond bool) {
	for i, p := range d.Cumulative {
		if p >= level {
			return d.Edges[i], false
		}
	}
	return d.Edges[len(d.Edges)-1], true
}

// Contribution is one feature's share in a forecast, in margin units (log
// odds of being late against on time, summed over the buckets' margins).
type Contribution struct {
	Feature string  `json:"feature"`
	Value   float64 `json:"value"` // positive: towards late
}

// Contributions explains one forecast: the exact contributions to the margins
// of the late buckets less those of the punctual ones, each side weighted by
// its buckets' probabilities, in catalogue order.
func (m *Model) Contributions(vector []float32) []Contribution {
	return slices.Clone(m.cellOf(vector).explain(m, vector))
}

func (m *Model) contributions(vector []float32) []Contribution {
	classes, width := m.buckets.Classes(), len(m.artefact.Features)
	all := make([]float64, classes*(width+1))
	m.buckets.Contributions(all, vector)
	margins, probabilities := make([]float32, classes), make([]float64, classes)
	m.buckets.Margin(margins, vector)
	m.buckets.Probabilities(probabilities, margins)
	weights := sideWeights(probabilities, m.onTime)
	out := make([]Contribution, width)
	for j := range out {
		out[j].Feature = m.artefact.Features[j]
		for class := range classes {
			out[j].Value += weights[class] * all[class*(width+1)+j]
		}
	}
	return out
}

// sideWeights shares +1 among the late buckets and -1 among the punctual ones.
func sideWeights(probabilities []float64, onTime int) []float64 {
	var late, punctual float64
	for class, p := range probabilities {
		if class > onTime {
			late += p
		} else {
			punctual += p
		}
	}
	weights := make([]float64, len(probabilities))
	for class, p := range probabilities {
		if class > onTime {
			weights[class] = p / max(late, 1e-12)
		} else {
			weights[class] = -p / max(punctual, 1e-12)
		}
	}
	return weights
}
