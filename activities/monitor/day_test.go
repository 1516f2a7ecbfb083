package monitor

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"puenktlich/internal/drift"
	"puenktlich/internal/feature"
	"puenktlich/internal/forecast"
	"puenktlich/internal/modelpkg"
	"puenktlich/internal/rail"
	"puenktlich/internal/serving/servingtest"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// loaded is a package whose training knew forecast delays of 0, 0, 10 and one
// that was missing.
func loaded(t *testing.T) *modelpkg.Package {
	t.Helper()
	model, err := forecast.Load(servingtest.Artefact())
	must(t, err)
	reference, err := drift.NewReference("forecast_delay", []float64{0, 0, 10, math.NaN()}, 2)
	must(t, err)
	return &modelpkg.Package{Model: model, References: []drift.Reference{reference}, Report: schemas.Report{Horizons: []schemas.HorizonScore{
		{Minutes: 60, Score: schemas.Score{Brier: 0.2}}, {Minutes: 5, Score: schemas.Score{Brier: 0.1}}}}}
}

func logged(horizon int, delay, onTime, baseline float64) schema.Prediction {
	features := make([]float32, feature.Width())
	features[slices.Index(feature.Names(), "forecast_delay")] = float32(delay)
	return schema.Prediction{PredictionID: "p", HorizonMinutes: int32(horizon), Features: features, POnTime: onTime, PBaseline: baseline}
}

func ran(delay int) schema.Outcome {
	return schema.Outcome{Settled: true, DelayMinutes: int32(delay), Evidence: string(rail.ChangeObserved)}
}

func check(t *testing.T, name string, got *float64, want float64) {
	t.Helper()
	if got == nil || math.Abs(*got-want) > 1e-9 {
		t.Errorf("%s %v, want %v", name, got, want)
	}
}

func TestSignalsByHand(t *testing.T) {
	t.Parallel()
	d := newDay(loaded(t))
	must(t, d.add(logged(60, 0, 0.9, 1), ran(5)))
	must(t, d.add(logged(5, 0, 0.4, 0), ran(6)))
	must(t, d.add(logged(45, 10, 0.8, 1), ran(30)))
	// Counted as forecasts, scored by nothing: not settled, cancelled, not observed.
	must(t, d.add(logged(60, 10, 0.1, 0), schema.Outcome{}))
	must(t, d.add(logged(60, math.NaN(), 0.1, 0), schema.Outcome{Settled: true, Cancelled: true, Evidence: string(rail.ChangeObserved)}))
	must(t, d.add(logged(60, math.NaN(), 0.1, 0), schema.Outcome{Settled: true, Evidence: string(rail.PolledWithoutChange)}))
	var s schemas.Signals
	must(t, d.fill(&s))
	if s.Predictions != 6 || s.Events != 3 {
		t.Errorf("%d forecasts, %d events", s.Predictions, s.Events)
	}
	check(t, "Brier", s.Brier, (0.01+0.16+0.64)/3)
	check(t, "railway's Brier", s.BrierBaseline, 1.0/3) // one of three wrong
	check(t, "skill", s.Skill, 1-0.27*3)
	check(t, "late rate", s.LateRate, 2.0/3)
	check(t, "calibration error", s.ECE, (0.1+0.4+0.8)/3) // a bin for each
	check(t, "expected Brier", s.BrierExpected, 0.15)     // at 60 and 5 minutes; none is known at 45
	if len(s.Drift) != 1 || s.Drift[0].Feature != "forecast_delay" || s.Drift[0].MissingThen != 0.25 || math.Abs(s.Drift[0].MissingNow-2.0/6) > 1e-12 {
		t.Fatalf("drift %+v", s.Drift)
	}
	// Two of three were below ten minutes, two of four are.
	if got := s.Drift[0].KS; math.Abs(got-(2.0/3-0.5)) > 1e-12 {
		t.Errorf("KS %v, want 1/6", got)
	}
}

// signal is the value of one signal of a day, and its note.
func signal(t *testing.T, s schemas.Signals, name schemas.SignalName) (*float64, string) {
	t.Helper()
	found := s.Signal(name)
	if found == nil {
		t.Fatalf("no signal %s", name)
	}
	return found.Value, found.Note
}

func TestSignalListByHand(t *testing.T) {
	t.Parallel()
	d := newDay(loaded(t))
	must(t, d.add(logged(60, 0, 0.9, 1), ran(5)))
	must(t, d.add(logged(5, 0, 0.4, 0), ran(6)))
	must(t, d.add(logged(60, math.NaN(), 0.4, 0), schema.Outcome{}))
	must(t, d.add(logged(60, math.NaN(), 0.4, 0), schema.Outcome{}))
	var s schemas.Signals
	must(t, d.fill(&s))
	s.Signals = d.signals(s)
	if len(s.Signals) != len(schemas.SignalNames()) {
		t.Fatalf("%d signals for %d names", len(s.Signals), len(schemas.SignalNames()))
	}
	for name, want := range map[schemas.SignalName]float64{
		schemas.SignalEvents: 2, schemas.SignalBrierRatio: (0.01 + 0.16) / 2 / 0.15, schemas.SignalBias: math.Abs((0.1+0.6)/2 - 1.0/2),
		schemas.SignalMissing: 0.25,
	} {
		got, _ := signal(t, s, name)
		check(t, string(name), got, want)
	}
	if got, note := signal(t, s, schemas.SignalSkill); got != nil || note == "" { // the railway was right twice: no skill exists over it
		t.Errorf("skill %v, %q", got, note)
	}
	if got, note := signal(t, s, schemas.SignalCoverage); got != nil || note == "" {
		t.Errorf("a signal nobody measures: %v, %q", got, note)
	}
}

func TestSignalsOfADayWithoutTruth(t *testing.T) {
	t.Parallel()
	d := newDay(loaded(t))
	must(t, d.add(logged(60, 0, 0.9, 1), schema.Outcome{}))
	s := schemas.Signals{Day: "2024-10-30"}
	must(t, d.fill(&s))
	s.Signals = d.signals(s)
	for _, name := range []schemas.SignalName{schemas.SignalBrierRatio, schemas.SignalSkill, schemas.SignalECE, schemas.SignalBias} {
		if got, note := signal(t, s, name); got != nil || !strings.Contains(note, "none of 1 forecasts of 2024-10-30 has a truth") {
			t.Errorf("%s: %v, %q", name, got, note)
		}
	}
	if got, _ := signal(t, s, schemas.SignalFeatureDrift); got == nil {
		t.Error("drift needs no truth")
	}
}

func TestForecastsWithoutTruthOrBaseline(t *testing.T) {
	t.Parallel()
	var empty schemas.Signals
	must(t, newDay(loaded(t)).fill(&empty))
	if empty.Predictions != 0 || empty.Brier != nil || len(empty.Drift) != 0 {
		t.Errorf("nothing logged: %+v", empty)
	}
	d := newDay(loaded(t))
	must(t, d.add(logged(60, math.NaN(), 0.75, math.NaN()), ran(0)))
	var s schemas.Signals
	must(t, d.fill(&s))
	if s.BrierBaseline != nil || s.Skill != nil || s.Brier == nil || *s.Brier != 0.0625 {
		t.Errorf("a forecast without a baseline: %+v", s)
	}
	if _, err := json.Marshal(s); err != nil {
		t.Errorf("signals that cannot be stored: %v", err)
	}
	if got := s.Drift[0]; got.PSI != 0 || got.KS != 0 || got.MissingNow != 1 {
		t.Errorf("drift of no known value: %+v", got)
	}
}

func TestForecastOfOtherWidth(t *testing.T) {
	t.Parallel()
	p := logged(60, 0, 0.5, 1)
	p.Features = p.Features[1:]
	if err := newDay(loaded(t)).add(p, ran(0)); err == nil || !strings.Contains(err.Error(), "forecast p has") {
		t.Errorf("error %v", err)
	}
}
