package monitor

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/internal/scoring"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// rescoreDays is how many days before the measured one are scored again where
// their truth has changed since.
const rescoreDays = 7

// judge reads the day's panel forecasts with their truth, scores everyone who
// forecast, and makes the champion's signals; where the panel has none of the
// champion's, those of a batch.
func (n *measuring) judge(ctx context.Context) error {
	for _, source := range []schema.PredictionSource{schema.FromPanel, schema.FromBatch} {
		n.s.Source, n.tally, n.own = string(source), scoring.NewTally(n.baselines), owned{}
		if err := n.a.Store.Judged(ctx, n.query(source, n.day), n.taker()); err != nil {
			return err
		}
		if err := n.saveScores(ctx, n.tally, source, n.day); err != nil {
			return err
		}
		if len(n.forecasts) > 0 {
			break
		}
	}
	if len(n.forecasts) == 0 {
		n.s.Source = ""
	}
	n.truthSignals()
	return nil
}

func (n *measuring) query(source schema.PredictionSource, day rail.Day) schema.JudgedQuery {
	q := schema.JudgedQuery{Model: n.s.Model, Source: source, DataSource: n.a.Name, From: string(day), Until: string(day.Add(1)), AsOf: n.asOf}
	if n.loaded != nil {
		q.OwnDelayAt = slices.Index(n.loaded.Model.Features(), "forecast_delay") + 1
	}
	return q
}

// taker visits the forecasts of the measured day.
func (n *measuring) taker() func(*schema.Judged) error {
	last, edges := "", n.edges()
	return func(j *schema.Judged) error {
		if jumped(j) {
			n.jumped++
			return nil
		}
		row, scored := scoring.Row(0), false
		if scoring.Scored(j) {
			row, scored = n.tally.Add(j, edges)
		}
		place := fmt.Sprintf("%s/%s/%d", j.StopID, j.Kind, j.HorizonMinutes)
		if j.Digest != n.ref.Digest || place == last { // in two roles on one day
			return nil
		}
		last = place
		n.take(j)
		if scored && j.Outcome.Evidence == string(rail.ChangeObserved) {
			n.own.add(row, j)
		}
		return nil
	}
}

// owned are the rows of the champion's package on observed changes, whatever its
// role was when it made them, each event at each horizon once.
type owned struct {
	rows   []scoring.Row
	events int
	last   string
}

func (o *owned) add(row scoring.Row, j *schema.Judged) {
	if event := j.StopID + "/" + j.Kind; event != o.last {
		o.events, o.last = o.events+1, event
	}
	o.rows = append(o.rows, row)
}

// edges of the delay buckets.
func (n *measuring) edges() []int {
	if n.loaded == nil {
		return rail.BucketEdges() // a distribution of another length has no CRPS
	}
	return n.loaded.Model.Artefact().Edges
}

// jumped says that a forecast of the grid was not made when its horizon says: a
// clock was wrong, and what it knew belongs to another moment.
func jumped(j *schema.Judged) bool {
	if j.Source != schema.FromPanel && j.Source != schema.FromBatch {
		return false
	}
	off := j.Planned.Sub(j.PredictedAt) - time.Duration(j.HorizonMinutes)*time.Minute
	return off.Abs() > time.Minute
}

func (n *measuring) take(j *schema.Judged) {
	p := 1 - j.POnTime
	if !(p >= 0 && p <= 1) {
		n.refused++
		return
	}
	m := made{p: p, horizon: j.HorizonMinutes, predicted: j.PredictedAt, settled: j.SettledAt}
	if scoring.Scored(j) && j.Outcome.Evidence == string(rail.ChangeObserved) {
		m.scored, m.late = true, !rail.OnTime(int(j.Outcome.DelayMinutes))
	}
	n.forecasts = append(n.forecasts, m)
}

func (n *measuring) saveScores(ctx context.Context, tally *scoring.Tally, source schema.PredictionSource, day rail.Day) error {
	rows := tally.Rows(scoring.Labels{Model: n.s.Model, Source: source, DataSource: n.a.Name, From: string(day), Until: string(day.Add(1)), ScoredAt: n.asOf})
	if len(rows) == 0 {
		return nil
	}
	return n.a.Store.SaveScores(ctx, n.token("scores/"+string(day), rows), rows)
}

// rescore scores earlier days again whose truth was revised since they were
// scored. The rows before stay: they say what was believed when.
func (n *measuring) rescore(ctx context.Context) error {
	from := n.day.Add(-rescoreDays)
	marks, err := n.a.Store.TruthMarks(ctx, schema.TruthQuery{Source: n.a.Name, From: string(from), Until: string(n.day), SettledUntil: n.asOf})
	if err != nil || len(marks) == 0 {
		return err
	}
	scored, err := n.a.Store.Scores(ctx, schema.MonitorQuery{Model: n.s.Model, From: string(from), Until: string(n.day), AsOf: n.asOf, DataSource: n.a.Name, Metrics: []string{"brier"}, Slices: []string{""}})
	if err != nil {
		return err
	}
	for _, mark := range marks {
		for _, source := range stale(scored, mark) {
			tally, edges := scoring.NewTally(n.baselines), n.edges()
			err := n.a.Store.Judged(ctx, n.query(source, rail.Day(mark.Day)), func(j *schema.Judged) error {
				if scoring.Scored(j) && !jumped(j) {
					tally.Add(j, edges)
				}
				return nil
			})
			if err != nil {
				return err
			}
			if err := n.saveScores(ctx, tally, source, rail.Day(mark.Day)); err != nil {
				return err
			}
		}
	}
	return nil
}

// stale are the sources of which a day was scored, and last before its newest
// truth.
func stale(scored []schema.Score, mark schema.TruthMark) []schema.PredictionSource {
	last := map[schema.PredictionSource]time.Time{}
	for _, s := range scored {
		if s.FromDay == mark.Day && s.UntilDay == string(rail.Day(mark.Day).Add(1)) && s.ScoredAt.After(last[s.Source]) {
			last[s.Source] = s.ScoredAt
		}
	}
	var sources []schema.PredictionSource
	for _, source := range []schema.PredictionSource{schema.FromPanel, schema.FromBatch} {
		if at, found := last[source]; found && at.Before(mark.Settled) {
			sources = append(sources, source)
		}
	}
	return sources
}

// champion is the cell of the champion's forecasts of the day at a horizon.
func (n *measuring) champion(horizon int32) scoring.Group {
	return scoring.Group{Voice: scoring.Voice{Version: uint32(n.ref.Version), Digest: n.ref.Digest, Role: schema.RoleChampion, Evidence: string(rail.ChangeObserved)}, Horizon: horizon}
}

// truthSignals fills the figures on truth and the signals made of them.
func (n *measuring) truthSignals() {
	n.s.Predictions = len(n.forecasts)
	f := n.tally.Of(n.champion(0), n.own.rows, n.own.events)
	n.s.Events = f.Forecasts
	n.board.measured(schemas.SignalEvents, float64(n.s.Events), n.s.Predictions, "")
	if n.jumped+n.refused > 0 {
		n.board.note(schemas.SignalEvents, "%d forecasts were not made when their horizon says and %d are no probabilities: left out", n.jumped, n.refused)
	}
	if n.s.Events == 0 {
		for _, name := range []schemas.SignalName{schemas.SignalBrierRatio, schemas.SignalRelativeBrier, schemas.SignalSkill, schemas.SignalECE, schemas.SignalBias, schemas.SignalEstimateGap} {
			n.board.missing(name, "none of %d forecasts of %s has a truth", n.s.Predictions, n.day)
		}
		return
	}
	skill := f.Skill[3]
	n.s.Brier, n.s.BrierBaseline, n.s.Skill = exists(f.Brier.Estimate), exists(f.BaselineBrier[3]), exists(skill.Estimate)
	n.s.ECE, n.s.LateRate, n.s.MeanForecast = exists(f.ECE.Estimate), exists(f.LateRate), exists(f.MeanForecast)
	n.bias = f.LateRate - f.MeanForecast
	n.s.BrierExpected = n.expected(func(h schemas.HorizonScore) float64 { return h.Brier })
	n.baselineExpected = n.expected(func(h schemas.HorizonScore) float64 { return h.Baselines.DBForecastCalibrated.Brier })
	why := "the package's evaluation has no score at these horizons"
	if n.loaded == nil {
		why = n.gone
	}
	n.board.measured(schemas.SignalBrierRatio, ratio(n.s.Brier, n.s.BrierExpected), n.s.Events, why)
	if n.s.BrierExpected != nil && *n.s.BrierExpected > 0 {
		n.board.bounded(schemas.SignalBrierRatio, f.Brier.Low / *n.s.BrierExpected, f.Brier.High / *n.s.BrierExpected)
	}
	n.board.measured(schemas.SignalRelativeBrier, n.relative(f.Brier.Estimate, f.BaselineBrier[3]), n.s.Events, "the package's evaluation, or the day, has no score of the railway's calibrated forecast")
	n.board.measured(schemas.SignalSkill, skill.Estimate, n.s.Events, "the forecasts were logged without the railway's calibrated forecast, or that was never wrong")
	n.board.bounded(schemas.SignalSkill, skill.Low, skill.High)
	n.board.measured(schemas.SignalECE, f.ECE.Estimate, n.s.Events, "")
	n.board.bounded(schemas.SignalECE, f.ECE.Low, f.ECE.High)
	n.board.measured(schemas.SignalBias, math.Abs(n.bias), n.s.Events, "")
	n.board.measured(schemas.SignalEstimateGap, math.Abs(f.Gap.Estimate), n.s.Events, "")
	low, high := absolute(f.Gap.Low, f.Gap.High)
	n.board.bounded(schemas.SignalEstimateGap, low, high)
}

// absolute is the interval of a size whose signed interval is given.
func absolute(low, high float64) (float64, float64) {
	if low <= 0 && high >= 0 {
		return 0, max(-low, high)
	}
	return min(math.Abs(low), math.Abs(high)), max(math.Abs(low), math.Abs(high))
}

// relative is how much worse a night's Brier score is than the evaluation's, over how
// much worse the railway's calibrated forecast is; NaN where one is not known.
func (n *measuring) relative(brier, baseline float64) float64 {
	return ratio(exists(brier), n.s.BrierExpected) / ratio(exists(baseline), n.baselineExpected)
}

// expected is a Brier score of the evaluation on the same mix of horizons.
func (n *measuring) expected(of func(schemas.HorizonScore) float64) *float64 {
	if n.loaded == nil {
		return nil
	}
	byHorizon := map[int32]float64{}
	for _, h := range n.loaded.Report.Horizons {
		byHorizon[int32(h.Minutes)] = of(h)
	}
	sum, rows := 0.0, 0
	for _, m := range n.forecasts {
		if brier, found := byHorizon[m.horizon]; found && m.scored {
			sum, rows = sum+brier, rows+1
		}
	}
	if rows == 0 {
		return nil
	}
	mean := sum / float64(rows)
	return &mean
}
