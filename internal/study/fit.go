package study

import (
	"context"
	"fmt"
	"math"

	"puenktlich/internal/dataset"
	"puenktlich/internal/forecast"
	"puenktlich/internal/learn"
	"puenktlich/internal/rail"
)

var missing = float32(math.NaN())

// made is a model made by production's steps.
type made struct {
	model     *forecast.Model
	artefact  forecast.Artefact
	baselines learn.Baselines
	settings  learn.Settings
	rounds    int
	events    int
}

// fit takes the candidate with the lowest log loss by forward chaining inside
// the table's days, and trains it on all of them.
func (s Steps) fit(ctx context.Context, table *dataset.Table) (made, error) {
	ran := table.Ran()
	m := made{events: ran.Events()}
	var best learn.OutOfFold
	lowest := math.Inf(1)
	for i, settings := range s.Candidates(m.events) {
		s.tell("%d events: candidate of depth %d", m.events, settings.MaxDepth)
		oof, err := s.Trainer.CrossValidate(ctx, learn.Whole(table), settings)
		if err != nil {
			return m, err
		}
		_, loss := oof.Scores()
		if i == 0 || loss < lowest {
			best, m.settings, lowest = oof, settings, orInfinite(loss)
		}
	}
	m.rounds = best.Rounds
	s.tell("%d events: depth %d, %d rounds on all days", m.events, m.settings.MaxDepth, m.rounds)
	var err error
	if m.artefact, err = s.Trainer.Refit(ctx, learn.Whole(table), m.settings, best); err != nil {
		return m, err
	}
	if m.baselines, err = s.Trainer.FitBaselines(ctx, learn.Whole(ran)); err != nil {
		return m, err
	}
	m.model, err = forecast.Load(m.artefact)
	return m, err
}

// orInfinite is a loss that any other is below where there is none.
func orInfinite(loss float64) float64 {
	if math.IsNaN(loss) {
		return math.Inf(1)
	}
	return loss
}

// fitAndScore trains on one table and forecasts the rows of another.
func (s Steps) fitAndScore(ctx context.Context, train, test *dataset.Table) (scored, error) {
	m, err := s.fit(ctx, train)
	if err != nil {
		return scored{}, err
	}
	out := scored{parts: 1, trainEvents: m.events, depth: m.settings.MaxDepth, rounds: m.rounds}
	for i, row := range test.Rows {
		if !onGrid(row.Horizon) {
			continue
		}
		d, err := m.model.Forecast(test.Vector(i), float64(row.Horizon))
		if err != nil {
			return out, fmt.Errorf("%s: %w", row.Key(), err)
		}
		out.rows = append(out.rows, outcome{horizon: row.Horizon, late: row.Late(), block: blockOf(row),
			model: d.Late(), railway: m.baselines.LateByCalibratedForecast(row), announced: m.baselines.LateByForecast(row)})
	}
	return out, nil
}

func onGrid(horizon int) bool {
	for _, h := range rail.Horizons() {
		if h == horizon {
			return true
		}
	}
	return false
}

// blockOf names what is not independent: a station's events of three hours.
func blockOf(r dataset.Row) string {
	return fmt.Sprint(r.EVA, r.EventDay, r.Planned.Hour()/3)
}
