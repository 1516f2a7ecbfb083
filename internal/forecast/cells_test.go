package forecast_test

import (
	"slices"
	"sync"
	"testing"

	"puenktlich/internal/feature"
	"puenktlich/internal/forecast"
)

// What is remembered of other rows must never show: one model that has seen them
// all answers as one that has seen none.
func TestWhatIsRememberedHasTheBitsOfWhatIsMade(t *testing.T) {
	t.Parallel()
	cancel := func(a *forecast.Artefact) { a.Cancel = cancelTrees(t, a.Buckets) }
	m := load(t, cancel)
	rows, horizons := random(60)
	var together sync.WaitGroup
	for range 4 {
		together.Go(func() {
			for step := range 3 {
				for i := range horizons {
					row := slices.Clone(rows[i*feature.Width() : (i+1)*feature.Width()])
					for k := range row {
						row[k] += float32(step) * 0.01 * row[k]
					}
					got, err := m.Forecast(row, horizons[i])
					if err != nil {
						t.Error(err)
						return
					}
					because := m.Contributions(row)
					fresh := load(t, cancel)
					want, err := fresh.Forecast(row, horizons[i])
					if err != nil || !slices.Equal(got.Cumulative, want.Cumulative) || got.Cancelled != want.Cancelled {
						t.Errorf("row %d, step %d: %+v, by a new model %+v, %v", i, step, got, want, err)
					}
					if !slices.Equal(because, fresh.Contributions(row)) {
						t.Errorf("row %d, step %d: other contributions than by a new model", i, step)
					}
					clear(got.Cumulative) // they are the caller's
					clear(because)
				}
			}
		})
	}
	together.Wait()
}
