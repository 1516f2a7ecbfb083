package monitor

import (
	"fmt"
	"math"

	"puenktlich/schemas"
)

// board gathers a night's signals by name.
type board map[schemas.SignalName]schemas.Signal

// measured sets a signal's value; NaN is none, and why then says so.
func (b board) measured(name schemas.SignalName, value float64, events int, why string) {
	s := schemas.Signal{Name: name, Value: exists(value), Events: events}
	if s.Value == nil {
		s.Note = why
	}
	b[name] = s
}

// missing sets a signal without a value.
func (b board) missing(name schemas.SignalName, format string, args ...any) {
	b[name] = schemas.Signal{Name: name, Note: fmt.Sprintf(format, args...)}
}

// list answers every signal once, in the order of their names' list.
func (b board) list() []schemas.Signal {
	all := make([]schemas.Signal, 0, len(schemas.SignalNames()))
	for _, name := range schemas.SignalNames() {
		s, found := b[name]
		if !found {
			s = schemas.Signal{Name: name, Note: "not measured"}
		}
		all = append(all, s)
	}
	return all
}

// signals makes the list from the figures of the day.
func (d *day) signals(s schemas.Signals) []schemas.Signal {
	b := board{}
	b.measured(schemas.SignalEvents, float64(s.Events), s.Predictions, "")
	d.truthSignals(b, s)
	d.driftSignals(b, s)
	return b.list()
}

func (d *day) truthSignals(b board, s schemas.Signals) {
	if s.Events == 0 {
		for _, name := range []schemas.SignalName{schemas.SignalBrierRatio, schemas.SignalSkill, schemas.SignalECE, schemas.SignalBias} {
			b.missing(name, "none of %d forecasts of %s has a truth", s.Predictions, s.Day)
		}
		return
	}
	b.measured(schemas.SignalBrierRatio, ratio(s.Brier, s.BrierExpected), s.Events, "the package's evaluation has no score at these horizons")
	b.measured(schemas.SignalSkill, value(s.Skill), s.Events, "the forecasts were logged without the railway's calibrated forecast")
	b.measured(schemas.SignalECE, value(s.ECE), s.Events, "")
	b.measured(schemas.SignalBias, math.Abs(mean(d.p)-value(s.LateRate)), s.Events, "")
}

func (d *day) driftSignals(b board, s schemas.Signals) {
	if len(s.Drift) == 0 {
		for _, name := range []schemas.SignalName{schemas.SignalFeatureDrift, schemas.SignalMissing} {
			b.missing(name, "%d forecasts of %s and %d reference distributions: nothing to compare", s.Predictions, s.Day, len(d.loaded.References))
		}
		return
	}
	share, uncertain := 0.0, false
	importance, err := d.loaded.Model.Artefact().Importance()
	rise := math.Inf(-1)
	for _, f := range s.Drift {
		weight := 1 / float64(len(s.Drift))
		if err == nil {
			weight = importance.Share[f.Feature]
		}
		if f.PSI > max(schemas.DefaultPolicy().MaxPSI, f.Limit) {
			share += weight
		}
		uncertain = uncertain || f.Limit == 0
		rise = max(rise, f.MissingNow-f.MissingThen)
	}
	b.measured(schemas.SignalFeatureDrift, share, s.Predictions, "")
	b.measured(schemas.SignalMissing, rise, s.Predictions, "")
	drift := b[schemas.SignalFeatureDrift]
	drift.Uncertain = uncertain
	b[schemas.SignalFeatureDrift] = drift
}

// ratio is NaN unless both exist and the second is positive.
func ratio(a, b *float64) float64 {
	if a == nil || b == nil || *b <= 0 {
		return math.NaN()
	}
	return *a / *b
}

// value is NaN for a figure that does not exist.
func value(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
