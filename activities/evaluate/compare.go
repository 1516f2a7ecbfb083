package evaluate

import (
	"fmt"

	"puenktlich/internal/dataset"
	"puenktlich/internal/forecast"
	"puenktlich/internal/metric"
	"puenktlich/schemas"
)

// chargeChampion forecasts the scored rows with the champion too.
func (s *sample) chargeChampion(champion *forecast.Model, table *dataset.Table, all part) error {
	for _, i := range all.at {
		d, err := champion.Forecast(table.Vector(i), float64(s.rows[i].Horizon))
		if err != nil {
			return fmt.Errorf("champion: %s at %d min: %w", s.rows[i].Key(), s.rows[i].Horizon, err)
		}
		if !probability(d.Late()) {
			return fmt.Errorf("champion: %s at %d min: P(late) is %v, no probability: its package is damaged, roll back", s.rows[i].Key(), s.rows[i].Horizon, d.Late())
		}
		s.cost[championCost][i] = squared(d.Late(), s.late[i])
	}
	return nil
}

// compare reads the paired difference off the figures of a part.
func (s *sample) compare(minutes, rows int, f figures) schemas.HorizonComparison {
	d := f[differenceChampion]
	within := verdict(metric.Interval{Low: -d.High, High: -d.Low}) // less is better
	return schemas.HorizonComparison{Minutes: minutes, Rows: rows, Brier: f[brierCost].Estimate, ChampionBrier: f[championCost].Estimate,
		Difference: estimate(d), Within: within, Verdict: s.enough(within)}
}

// judged puts together what was measured and with whom.
func judged(measured *schemas.Comparison, r rival) *schemas.Comparison {
	if measured == nil || r.comparison == nil {
		return r.comparison
	}
	measured.Champion, measured.Note = r.comparison.Champion, r.comparison.Note
	return measured
}
