package monitor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/drift"
	"puenktlich/internal/feature"
	"puenktlich/internal/forecast"
	"puenktlich/internal/modelpkg"
	"puenktlich/internal/rail"
	"puenktlich/internal/serving/servingtest"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// crown answers one champion, or an error.
type crown struct {
	loaded *modelpkg.Package
	err    error
}

func (c *crown) Champion(context.Context, string) (*modelpkg.Package, schemas.PackageRef, error) {
	return c.loaded, schemas.PackageRef{Model: schemas.DefaultModel, Version: 7, Digest: "d7"}, c.err
}

// days of the tests: ten of training, then the one that is measured.
const (
	firstDay = rail.Day("2024-10-20")
	measured = rail.Day("2024-10-30")
)

// perDay events of a day, at all hours from six to 21.
const perDay = 64

// railway is a small world on real servers: its champion forecasts late with the
// chance the tiny model gives, and events are late as often.
type railway struct {
	*house
	crown  *crown
	random *rand.Rand
	// shift moves the forecast delay of the measured day; away makes another
	// feature missing in every row.
	shift float64
	away  bool
	line  func(i int) string
	next  func(i int) string // station after the event
	late  float64            // what is added to the chance of being late
}

func newRailway(t *testing.T) *railway {
	t.Helper()
	r := &railway{house: newHouse(t), random: rand.New(rand.NewPCG(7, 7)), line: func(i int) string { return fmt.Sprintf("RE%d", i%6) }, next: func(int) string { return "Mainz Hbf" }}
	model, err := forecast.Load(servingtest.Artefact())
	require.NoError(t, err)
	body, err := json.Marshal(servingtest.Baselines())
	require.NoError(t, err)
	loaded := &modelpkg.Package{Model: model, Baselines: body, Report: schemas.Report{TrainDays: schemas.DayRange{From: string(firstDay), To: string(measured)}}}
	for _, h := range rail.Horizons() {
		loaded.Report.Horizons = append(loaded.Report.Horizons, schemas.HorizonScore{Minutes: h, Score: schemas.Score{Brier: 0.2}})
	}
	r.crown = &crown{loaded: loaded}
	r.Champions = r.crown
	return r
}

// vector is the features of one event.
func (r *railway) vector(day rail.Day) []float32 {
	v := make([]float32, feature.Width())
	for i := range v {
		v[i] = float32(math.NaN())
	}
	names := feature.Names()
	delay := math.Floor(r.random.ExpFloat64() * 4)
	if day == measured {
		delay += r.shift
	}
	v[slices.Index(names, "forecast_delay")] = float32(delay)
	v[slices.Index(names, "horizon")] = 5 // constant
	if other := slices.Index(names, "dwell"); other >= 0 && !(r.away && day == measured) {
		v[other] = float32(r.random.IntN(10))
	}
	return v
}

// learn makes the references of the training days.
func (r *railway) learn() {
	r.t.Helper()
	names := feature.Names()
	byDay, all := map[rail.Day][][]float32{}, [][]float32{}
	for _, day := range rail.Days(firstDay, measured) {
		for range perDay {
			v := r.vector(day)
			byDay[day], all = append(byDay[day], v), append(all, v)
		}
	}
	for column, name := range names {
		values := values(all, column)
		if !slices.ContainsFunc(values, func(v float64) bool { return !math.IsNaN(v) }) {
			continue
		}
		reference, err := drift.NewReference(name, values, 10)
		require.NoError(r.t, err)
		for _, day := range rail.Days(firstDay, measured) {
			counts := reference.NewCounts()
			for _, v := range byDay[day] {
				reference.Count(&counts, float64(v[column]))
			}
			reference.Days = append(reference.Days, drift.DayCounts{Day: string(day), Counts: counts})
		}
		r.crown.loaded.References = append(r.crown.loaded.References, reference)
	}
}

func values(rows [][]float32, column int) []float64 {
	out := make([]float64, len(rows))
	for i, v := range rows {
		out[i] = float64(v[column])
	}
	return out
}

// plan writes the plan of a day.
func (r *railway) plan(day rail.Day) []rail.PlannedEvent {
	r.t.Helper()
	var events []rail.PlannedEvent
	for i := range perDay {
		planned := day.Start().Add(6*time.Hour + time.Duration(i*15)*time.Minute)
		stop := rail.StopID(fmt.Sprintf("%d-%s-2", 1000+i, rail.FormatTime(planned.Add(-time.Hour))))
		ref, err := stop.Parse()
		require.NoError(r.t, err)
		events = append(events, rail.PlannedEvent{EVA: 8000105, Stop: stop, Kind: rail.Departure, Trip: ref.Trip(), ServiceDay: day, Index: 2,
			Train: rail.Train{Category: "RE", Number: fmt.Sprint(i), Operator: "80", Class: rail.Regional}, Line: r.line(i), Planned: planned, Path: []string{r.next(i)}, PolledAt: day.Start().Add(-time.Hour)})
	}
	require.NoError(r.t, r.db.InsertPlan(r.t.Context(), schema.Batch{Token: "plan/" + string(day), Source: "test", Group: "g"}, events, uint64(day.Start().Unix())<<20))
	return events
}

// forecast logs the panel's forecasts of events, one horizon.
func (r *railway) forecast(day rail.Day, events []rail.PlannedEvent, source schema.PredictionSource) []schema.Prediction {
	r.t.Helper()
	var rows []schema.Prediction
	for i, e := range events {
		v := r.vector(day)
		d, err := r.crown.loaded.Model.Forecast(v, 60)
		require.NoError(r.t, err)
		rows = append(rows, schema.Prediction{RequestID: "r", PredictionID: fmt.Sprintf("%s-%d", day, i), Source: source, DataSource: "test", Group: "g", Model: schemas.DefaultModel, Version: 7,
			Digest: "d7", Role: schema.RoleChampion, Instance: "a", EVA: e.EVA, StopID: string(e.Stop), Kind: string(e.Kind), EventDay: string(day), Planned: e.Planned,
			PredictedAt: e.Planned.Add(-time.Hour), HorizonMinutes: 60, Features: v, Cumulative: d.Cumulative, POnTime: d.OnTime(), PCancelled: 0.01, PBaseline: 0.7})
	}
	require.NoError(r.t, r.db.InsertPredictions(r.t.Context(), "p/"+string(day), rows))
	return rows
}

// settle decides what became of events: late as often as was forecast, or more.
func (r *railway) settle(day rail.Day, rows []schema.Prediction, events []rail.PlannedEvent, at time.Time) {
	r.t.Helper()
	var truths []rail.Truth
	for i, e := range events {
		delay := 0
		chance := 0.3
		if len(rows) > 0 {
			chance = 1 - rows[i].POnTime
		}
		if r.random.Float64() < chance+r.late {
			delay = 8
		}
		truths = append(truths, rail.Truth{EVA: e.EVA, Stop: e.Stop, Kind: e.Kind, Planned: e.Planned, Actual: e.Planned.Add(time.Duration(delay) * time.Minute), Evidence: rail.ChangeObserved,
			LastSeen: e.Planned.Add(time.Hour)})
	}
	require.NoError(r.t, r.db.InsertTruth(r.t.Context(), schema.Batch{Token: fmt.Sprint("truth/", day, at.Unix()), Source: "test", Group: "g"}, at, truths))
}

// live makes the training days and the measured one, and measures it.
func (r *railway) build() ([]schema.Prediction, []rail.PlannedEvent) {
	r.t.Helper()
	r.learn()
	for _, day := range rail.Days(firstDay, measured) {
		r.settle(day, nil, r.plan(day), day.End().Add(3*time.Hour))
	}
	events := r.plan(measured)
	return r.forecast(measured, events, schema.FromPanel), events
}

var morning = measured.End().Add(4 * time.Hour)

func (r *railway) measure(in schemas.MonitorInput) schemas.Signals {
	r.t.Helper()
	in.Model = schemas.DefaultModel
	if in.AsOf.IsZero() {
		in.AsOf = morning
	}
	s, err := r.Measure(r.t.Context(), in)
	require.NoError(r.t, err)
	body, err := json.Marshal(s)
	require.NoError(r.t, err, "signals that cannot be stored")
	require.Less(r.t, len(body), 64<<10)
	require.Len(r.t, s.Signals, len(schemas.SignalNames()))
	for _, one := range s.Signals {
		if one.Value == nil {
			require.NotEmpty(r.t, one.Note, "%s has neither a value nor a reason", one.Name)
		}
	}
	return s
}

func valueOf(t *testing.T, s schemas.Signals, name schemas.SignalName) float64 {
	t.Helper()
	one := s.Signal(name)
	require.NotNil(t, one.Value, "%s: %s", name, one.Note)
	return *one.Value
}

func TestAnOrdinaryDay(t *testing.T) {
	t.Parallel()
	r := newRailway(t)
	rows, events := r.build()
	r.settle(measured, rows, events, measured.End().Add(2*time.Hour))
	s := r.measure(schemas.MonitorInput{Day: string(measured)})
	require.Equal(t, perDay, s.Events)
	late, brier, promised := 0.0, 0.0, 0.0
	scored, err := r.db.Scores(t.Context(), schema.MonitorQuery{Model: schemas.DefaultModel, From: string(measured), Until: string(measured.Add(1)), AsOf: morning, Metrics: []string{"brier"}, Slices: []string{"", "hour", "product", "station"}})
	require.NoError(t, err)
	count := 0
	require.NoError(t, r.db.Judged(t.Context(), schema.JudgedQuery{Model: schemas.DefaultModel, Source: schema.FromPanel, DataSource: "test", From: string(measured), Until: string(measured.Add(1)), AsOf: morning}, func(j *schema.Judged) error {
		y, p := 0.0, 1-j.POnTime
		if j.Outcome.DelayMinutes >= 6 {
			y = 1
		}
		late, brier, promised, count = late+y, brier+(p-y)*(p-y), promised+p*(1-p), count+1
		return nil
	}))
	n := float64(count)
	require.InDelta(t, brier/n, *s.Brier, 1e-12)
	require.InDelta(t, brier/n/0.2, valueOf(t, s, schemas.SignalBrierRatio), 1e-12)
	require.InDelta(t, math.Abs(brier-promised)/n, valueOf(t, s, schemas.SignalEstimateGap), 1e-12)
	require.Zero(t, valueOf(t, s, schemas.SignalFeatureDrift), "%+v", s.Drift)
	require.Zero(t, valueOf(t, s, schemas.SignalNewCategories))
	require.InDelta(t, 0.0, valueOf(t, s, schemas.SignalMissing), 0.05)
	require.NotNil(t, s.Signal(schemas.SignalLabelDrift).Limit)
	require.Less(t, valueOf(t, s, schemas.SignalLabelDrift), *s.Signal(schemas.SignalLabelDrift).Limit)
	require.True(t, s.Signal(schemas.SignalFeatureDrift).Uncertain, "ten days know no seasons")
	kinds := map[string]bool{}
	for _, row := range scored {
		kinds[row.SliceKind] = true
	}
	require.Equal(t, map[string]bool{"": true, "hour": true, "product": true, "station": true}, kinds)
}

func TestWhatDriftsIsNamed(t *testing.T) {
	t.Parallel()
	r := newRailway(t)
	r.shift, r.away, r.late = 6, true, 0.3
	r.line = func(i int) string { return fmt.Sprintf("RE%d", i%6) }
	rows, events := r.build()
	r.settle(measured, rows, events, measured.End().Add(2*time.Hour))
	s := r.measure(schemas.MonitorInput{Day: string(measured)})
	var drifted []string
	for _, f := range s.Drift {
		if f.Drifted {
			drifted = append(drifted, f.Feature)
		}
	}
	require.ElementsMatch(t, []string{"forecast_delay", "dwell"}, drifted, "the constant one has not moved: %+v", s.Drift)
	require.InDelta(t, 1, valueOf(t, s, schemas.SignalFeatureDrift), 1e-12, "the model goes by the forecast delay alone")
	require.InDelta(t, 1, valueOf(t, s, schemas.SignalMissing), 1e-12)
	label := s.Signal(schemas.SignalLabelDrift)
	require.Greater(t, *label.Value, *label.Limit)
	stored, err := r.db.Drift(t.Context(), schema.MonitorQuery{Model: schemas.DefaultModel, From: string(measured), Until: string(measured.Add(1)), AsOf: morning})
	require.NoError(t, err)
	exceeded := map[string]bool{}
	for _, d := range stored {
		if d.Exceeded {
			exceeded[d.Subject+" "+d.Name+" "+d.Statistic] = true
		}
	}
	require.True(t, exceeded["feature forecast_delay psi"] && exceeded["feature dwell missing_rise"] && exceeded["label delay js_distance"], "%v", exceeded)
}

// An explosion of lines: no training day had one of them.
func TestCategoriesExplode(t *testing.T) {
	t.Parallel()
	r := newRailway(t)
	r.learn()
	for _, day := range rail.Days(firstDay, measured) {
		r.plan(day)
	}
	r.line = func(i int) string { return fmt.Sprintf("X%d", i) }
	r.forecast(measured, r.plan(measured), schema.FromPanel)
	s := r.measure(schemas.MonitorInput{Day: string(measured)})
	require.InDelta(t, 1, valueOf(t, s, schemas.SignalNewCategories), 1e-12)
	require.Contains(t, s.Signal(schemas.SignalNewCategories).Note, "column line")
}

func TestADayWithoutTruth(t *testing.T) {
	t.Parallel()
	r := newRailway(t)
	rows, _ := r.build()
	s := r.measure(schemas.MonitorInput{Day: string(measured)})
	for _, name := range []schemas.SignalName{schemas.SignalBrierRatio, schemas.SignalSkill, schemas.SignalECE, schemas.SignalBias, schemas.SignalEstimateGap, schemas.SignalConceptDrift, schemas.SignalBiasDrift, schemas.SignalSliceBiasDrift, schemas.SignalLabelDrift, schemas.SignalUnknown} {
		require.Nil(t, s.Signal(name).Value, "%s", name)
	}
	require.Contains(t, s.Signal(schemas.SignalBrierRatio).Note, "none of 64 forecasts of 2024-10-30 has a truth")
	require.Zero(t, valueOf(t, s, schemas.SignalFeatureDrift), "drift needs no truth")
	// What the forecasts promise is stored.
	estimates, err := r.db.Estimates(t.Context(), schema.MonitorQuery{Model: schemas.DefaultModel, From: string(measured), Until: string(measured.Add(1)), AsOf: morning})
	require.NoError(t, err)
	promised := 0.0
	for _, p := range rows {
		promised += p.POnTime * (1 - p.POnTime)
	}
	at := slices.IndexFunc(estimates, func(e schema.Estimate) bool { return e.Metric == "brier" && e.HorizonMinutes == 0 })
	require.InDelta(t, promised/perDay, estimates[at].Estimate, 1e-12)
	require.EqualValues(t, perDay, estimates[at].Forecasts)
	require.True(t, math.IsNaN(estimates[at].Realized))
}

// A light run at noon estimates what has no truth; the night grades that on the
// same forecasts, and not on those that had settled by noon.
func TestEstimatesAreGradedOnTheSameForecasts(t *testing.T) {
	t.Parallel()
	r := newRailway(t)
	rows, events := r.build()
	noon := measured.Start().Add(14 * time.Hour)
	half := perDay / 2
	r.settle(measured, rows[:half/2], events[:half/2], noon.Add(-time.Hour))
	light := r.measure(schemas.MonitorInput{Light: true, AsOf: noon})
	require.Equal(t, string(measured), light.Day)
	require.Nil(t, light.Signal(schemas.SignalFeatureDrift).Value, "a light run judges nothing")
	r.settle(measured, rows[half/2:], events[half/2:], measured.End().Add(2*time.Hour))
	r.measure(schemas.MonitorInput{Day: string(measured)})
	estimates, err := r.db.Estimates(t.Context(), schema.MonitorQuery{Model: schemas.DefaultModel, From: string(measured), Until: string(measured.Add(1)), AsOf: morning})
	require.NoError(t, err)
	at := slices.IndexFunc(estimates, func(e schema.Estimate) bool { return e.Metric == "brier" && e.HorizonMinutes == 0 })
	made := estimates[at]
	open, expected := 0, 0.0
	for i, p := range rows {
		if i >= half/2 && !p.PredictedAt.After(noon) {
			open, expected = open+1, expected+p.POnTime*(1-p.POnTime)
		}
	}
	require.Positive(t, open)
	require.EqualValues(t, open, made.Graded)
	require.EqualValues(t, open, made.Forecasts)
	require.InDelta(t, expected/float64(open), made.Expected, 1e-12)
	require.InDelta(t, made.Estimate, made.Expected, 1e-12, "all of them ran")
	require.Equal(t, morning, made.GradedAt)
}

// A revision of an earlier day's truth is seen in the next night; what was scored
// before stays readable.
func TestLateRevisionsChangeScores(t *testing.T) {
	t.Parallel()
	r := newRailway(t)
	rows, events := r.build()
	r.settle(measured, rows, events, measured.End().Add(2*time.Hour))
	before := r.measure(schemas.MonitorInput{Day: string(measured)})
	r.late = 1 // all of them after all
	next := measured.Add(1)
	r.settle(measured, rows, events, next.End().Add(2*time.Hour))
	r.late = 0
	other := r.plan(next)
	r.settle(next, r.forecast(next, other, schema.FromPanel), other, next.End().Add(2*time.Hour))
	r.measure(schemas.MonitorInput{Day: string(next), AsOf: next.End().Add(4 * time.Hour)})
	read := func(revisions bool, asOf time.Time) []float64 {
		scores, err := r.db.Scores(t.Context(), schema.MonitorQuery{Model: schemas.DefaultModel, From: string(measured), Until: string(next), AsOf: asOf, Revisions: revisions, Metrics: []string{"brier"}, Slices: []string{""}})
		require.NoError(t, err)
		var values []float64
		for _, s := range scores {
			if s.HorizonMinutes == 0 {
				values = append(values, s.Value)
			}
		}
		return values
	}
	revised := 0.0
	for _, p := range rows {
		revised += p.POnTime * p.POnTime
	}
	require.InDeltaSlice(t, []float64{revised / perDay, *before.Brier}, read(true, next.End().Add(4*time.Hour)), 1e-12)
	require.InDeltaSlice(t, []float64{revised / perDay}, read(false, next.End().Add(4*time.Hour)), 1e-12)
	require.InDeltaSlice(t, []float64{*before.Brier}, read(false, morning), 1e-12)
	// Measured again with the same moment: nothing is written twice.
	r.measure(schemas.MonitorInput{Day: string(next), AsOf: next.End().Add(4 * time.Hour)})
	require.Len(t, read(true, next.End().Add(4*time.Hour)), 2)
}

func TestClockJumpsAndNonsenseAreLeftOut(t *testing.T) {
	t.Parallel()
	r := newRailway(t)
	r.learn()
	events := r.plan(measured)
	rows := r.forecast(measured, events, schema.FromBatch)
	var odd []schema.Prediction
	for i, p := range rows[:3] {
		p.PredictionID, p.HorizonMinutes = fmt.Sprint("odd", i), 30
		p.PredictedAt = p.Planned.Add(-30 * time.Minute)
		odd = append(odd, p)
	}
	odd[0].PredictedAt = odd[0].Planned.Add(2 * time.Hour) // after the event
	odd[1].POnTime = math.NaN()
	odd[2].Features = odd[2].Features[1:]
	require.NoError(t, r.db.InsertPredictions(t.Context(), "odd", odd))
	r.settle(measured, rows, events, measured.End().Add(2*time.Hour))
	s := r.measure(schemas.MonitorInput{Day: string(measured)})
	require.Equal(t, perDay+1, s.Events, "the one of another width is a forecast like others")
	require.Contains(t, s.Signal(schemas.SignalEvents).Note, "1 forecasts were not made when their horizon says and 1 are no probabilities")
	require.Nil(t, r.measure(schemas.MonitorInput{Day: string(measured), AsOf: measured.Start()}).Signal(schemas.SignalSkill).Value, "as of a moment before everything")
}

func TestAPackageThatCannotBeRead(t *testing.T) {
	t.Parallel()
	r := newRailway(t)
	rows, events := r.build()
	r.settle(measured, rows, events, measured.End().Add(2*time.Hour))
	r.crown.loaded, r.crown.err = nil, fmt.Errorf("fetch: %w", schemas.ErrObjectMissing)
	s := r.measure(schemas.MonitorInput{Day: string(measured)})
	require.Contains(t, s.Fault, "the package of punctuality@7 cannot be read")
	require.NotNil(t, s.Brier, "what was forecast can still be scored")
	require.Nil(t, s.Signal(schemas.SignalBrierRatio).Value)
	require.Nil(t, s.Signal(schemas.SignalFeatureDrift).Value)
	r.crown.err = errors.New("connection refused")
	_, err := r.Measure(t.Context(), schemas.MonitorInput{Model: schemas.DefaultModel, Day: string(measured), AsOf: morning})
	require.ErrorContains(t, err, "connection refused", "a store that is away is asked again")
}

func TestADayThatWasNeverThere(t *testing.T) {
	t.Parallel()
	r := newRailway(t)
	s := r.measure(schemas.MonitorInput{Day: "2023-01-01"})
	require.Zero(t, s.Predictions)
	for _, one := range s.Signals {
		if one.Name != schemas.SignalEvents {
			require.Nil(t, one.Value, "%s", one.Name)
		}
	}
}
