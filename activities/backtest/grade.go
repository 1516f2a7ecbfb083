package backtest

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"puenktlich/activities/beat"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Grade scores every contender's forecasts day by day on the events and horizons
// that all of them forecast, and writes the report.
func (a *Activities) Grade(ctx context.Context, in schemas.GradeInput) (schemas.BacktestResult, error) {
	defer beat.While(ctx)()
	var result schemas.BacktestResult
	report := schemas.BacktestReport{Name: in.Input.Name, First: in.Input.First, Days: in.Input.Nights, Contenders: in.Input.Contenders,
		Grading: in.Input.Grading, Graded: in.Graded, Seconds: in.Seconds}
	for _, ref := range in.Kept {
		var nights []schemas.BacktestNight
		body, err := a.Objects.GetContent(ctx, ref)
		if err == nil {
			err = json.Unmarshal(body, &nights)
		}
		if err != nil {
			return result, fmt.Errorf("nights of %s: %w", in.Input.Name, err)
		}
		report.Nights = append(report.Nights, nights...)
	}
	report.Nights = append(report.Nights, in.Nights...)
	for _, day := range rail.Days(rail.Day(in.Input.Nights.From), rail.Day(in.Input.Nights.To)) {
		scored, err := a.score(ctx, in, day)
		if err != nil {
			return result, err
		}
		report.Scores = append(report.Scores, scored)
	}
	body, err := json.Marshal(report)
	if err != nil {
		return result, fmt.Errorf("report of %s: %w", in.Input.Name, err)
	}
	if result.Report, err = a.Objects.PutContent(ctx, prefix(in.Input.Name), ".json", body); err != nil {
		return result, fmt.Errorf("report of %s: %w", in.Input.Name, err)
	}
	result.Nights = len(report.Nights)
	for _, c := range in.Input.Contenders {
		made := map[int]bool{}
		for _, n := range report.Nights {
			if n.Contender == c.Name && n.Trained > 0 {
				made[n.Trained] = true
			}
		}
		result.Retrained = append(result.Retrained, len(made))
	}
	return result, nil
}

// place is one event at one horizon.
type place struct {
	event   string
	horizon int32
}

// sides is what every contender forecast of a place.
type sides struct {
	late     bool
	pLate    []float64 // NaN where not forecast
	baseline float64
}

// score reads a day's forecasts of each contender's champion.
func (a *Activities) score(ctx context.Context, in schemas.GradeInput, day rail.Day) (schemas.BacktestDay, error) {
	var names []string
	for _, c := range in.Input.Contenders {
		names = append(names, c.Name)
	}
	if g := in.Graded; g != nil && string(day) >= g.Graded.From && string(day) < g.Graded.To {
		names = append(names, schemas.OracleName)
	}
	at := map[place]*sides{}
	for i, name := range names {
		query := schema.PredictionQuery{Model: in.Input.Name + "-" + name, Source: schema.FromBatch, DataSource: a.Name,
			From: string(day), Until: string(day.Add(1)), SettledUntil: in.AsOf}
		err := a.Store.PredictionsWithTruth(ctx, query, func(p schema.Prediction, o schema.Outcome) error {
			if p.Role != schema.RoleChampion || !o.Settled || o.Cancelled || o.Evidence != string(rail.ChangeObserved) {
				return nil
			}
			key := place{p.StopID + "/" + p.Kind, p.HorizonMinutes}
			held := at[key]
			if held == nil {
				held = &sides{late: !rail.OnTime(int(o.DelayMinutes)), pLate: make([]float64, len(names)), baseline: 1 - p.PBaseline}
				for j := range held.pLate {
					held.pLate[j] = math.NaN()
				}
				at[key] = held
			}
			held.pLate[i] = 1 - p.POnTime
			return nil
		})
		if err != nil {
			return schemas.BacktestDay{}, fmt.Errorf("forecasts of %s on %s: %w", name, day, err)
		}
	}
	return dayOf(day, names, at), nil
}

// dayOf is the scores on the places that everybody forecast. Sums go in no
// order that is the same twice, so they are rounded to what an order cannot
// change.
func dayOf(day rail.Day, names []string, at map[place]*sides) schemas.BacktestDay {
	d := schemas.BacktestDay{Day: string(day), Brier: map[string]float64{}}
	sums, baseline, late := make([]float64, len(names)), 0.0, 0
	events := map[string]bool{}
	for where, s := range at {
		if !s.complete() {
			continue
		}
		events[where.event] = true
		d.Forecasts++
		y := 0.0
		if s.late {
			y, late = 1, late+1
		}
		for i, p := range s.pLate {
			sums[i] += (p - y) * (p - y)
		}
		baseline += (s.baseline - y) * (s.baseline - y)
	}
	d.Events = len(events)
	if d.Forecasts == 0 {
		return d
	}
	n := float64(d.Forecasts)
	for i, name := range names {
		d.Brier[name] = rounded(sums[i] / n)
	}
	d.Baseline, d.LateRate = rounded(baseline/n), rounded(float64(late)/n)
	return d
}

func (s *sides) complete() bool {
	for _, p := range s.pLate {
		if math.IsNaN(p) {
			return false
		}
	}
	return !math.IsNaN(s.baseline)
}

func rounded(v float64) float64 { return math.Round(v*1e9) / 1e9 }
