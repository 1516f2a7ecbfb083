package monitor

import (
	"fmt"
	"math"

	"puenktlich/internal/drift"
	"puenktlich/internal/metric"
	"puenktlich/internal/modelpkg"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

const eceBins = 10

// dayMargin is how far beyond the strangest day of training a day must lie to
// be drift.
const dayMargin = 1.5

// day gathers what the signals are made from.
type day struct {
	loaded      *modelpkg.Package
	predictions int
	source      schema.PredictionSource
	late        []bool
	p, baseline []float64 // P(late)
	horizon     []int
	columns     [][]float64 // by drift reference
	index       []int       // of each reference in the feature vector
}

func newDay(loaded *modelpkg.Package) *day {
	d := &day{loaded: loaded, columns: make([][]float64, len(loaded.References))}
	position := map[string]int{}
	for i, name := range loaded.Model.Features() {
		position[name] = i
	}
	for _, reference := range loaded.References {
		d.index = append(d.index, position[reference.Feature])
	}
	return d
}

func (d *day) add(p schema.Prediction, o schema.Outcome) error {
	d.predictions++
	if want := len(d.loaded.Model.Features()); len(p.Features) != want {
		return fmt.Errorf("forecast %s has %d features, the package %d", p.PredictionID, len(p.Features), want)
	}
	for i, at := range d.index {
		d.columns[i] = append(d.columns[i], float64(p.Features[at]))
	}
	if !o.Settled || o.Cancelled || o.Evidence != string(rail.ChangeObserved) {
		return nil
	}
	d.late = append(d.late, !rail.OnTime(int(o.DelayMinutes)))
	d.p = append(d.p, 1-p.POnTime)
	d.baseline = append(d.baseline, 1-p.PBaseline)
	d.horizon = append(d.horizon, int(p.HorizonMinutes))
	return nil
}

// fill computes the signals.
func (d *day) fill(s *schemas.Signals) error {
	s.Source = string(d.source)
	s.Predictions, s.Events, s.Horizons = d.predictions, len(d.late), rail.Horizons()
	for i, reference := range d.loaded.References {
		if len(d.columns[i]) == 0 {
			break
		}
		counts := reference.NewCounts()
		if err := reference.Add(&counts, d.columns[i]); err != nil {
			return err
		}
		r, err := drift.Compare(reference, counts)
		if err != nil {
			return err
		}
		s.Drift = append(s.Drift, schemas.FeatureDrift{Feature: r.Feature, PSI: number(r.PSI), Limit: dayMargin * reference.DayPSI, KS: number(r.KS), JS: number(r.JensenShannon),
			MissingNow: r.CurrentMissing, MissingThen: r.ReferenceMissing})
	}
	if len(d.late) == 0 {
		return nil
	}
	brier, db := metric.Brier(d.p, d.late), metric.Brier(d.baseline, d.late)
	s.Brier, s.BrierBaseline, s.Skill = exists(brier), exists(db), exists(metric.Skill(brier, db))
	s.ECE, s.LateRate, s.BrierExpected = exists(metric.ECE(d.p, d.late, eceBins)), exists(metric.LateRate(d.late)), d.expected()
	return nil
}

// expected is the evaluation's Brier score on the same mix of horizons.
func (d *day) expected() *float64 {
	byHorizon := map[int]float64{}
	for _, h := range d.loaded.Report.Horizons {
		byHorizon[h.Minutes] = h.Brier
	}
	sum, n := 0.0, 0
	for _, h := range d.horizon {
		if brier, found := byHorizon[h]; found {
			sum, n = sum+brier, n+1
		}
	}
	if n == 0 {
		return nil
	}
	mean := sum / float64(n)
	return &mean
}

// exists is nil for a figure that does not exist, which JSON cannot carry.
func exists(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// number replaces a statistic that does not exist, which JSON cannot carry.
func number(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}
