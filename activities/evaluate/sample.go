package evaluate

import (
	"fmt"
	"time"

	"puenktlich/internal/dataset"
	"puenktlich/internal/forecast"
	"puenktlich/internal/learn"
	"puenktlich/internal/rail"
)

// minDays is from how many test days on intervals are drawn over days; below them
// they are drawn over blocks of one station and three hours.
const minDays = 10

// chunk rows are forecast at a time, so that only forecasting is timed.
const chunk = 4096

// sample is every row of the test days with what was forecast of it, all slices of
// one length.
type sample struct {
	rows         []dataset.Row
	ran          []bool    // scored: ran, and a change was observed
	late         []bool    // truth of those that ran
	p            []float64 // P(late)
	cancelled    []float64 // P(cancelled)
	cost         [columns][]float64
	baseline     [baselines][]float64 // P(late) of each
	edges        []float64            // of the delay buckets, minutes
	block        []int32              // rows of one block are not independent
	days         int                  // with an event that ran
	microseconds float64              // of one forecast, on the mean
}

// forecastAll forecasts every row. A forecast that is no probability is an error
// that names its event.
func forecastAll(model *forecast.Model, b learn.Baselines, table *dataset.Table) (*sample, error) {
	if err := checkFit(model, table); err != nil {
		return nil, err
	}
	n := len(table.Rows)
	s := &sample{rows: table.Rows, ran: make([]bool, n), late: make([]bool, n), p: make([]float64, n), cancelled: make([]float64, n)}
	for c := range s.cost {
		s.cost[c] = make([]float64, n)
	}
	for k := range s.baseline {
		s.baseline[k] = make([]float64, n)
	}
	var taken time.Duration
	for from := 0; from < n; from += chunk {
		to := min(from+chunk, n)
		begun := time.Now()
		answers, err := answer(model, table, from, to)
		taken += time.Since(begun)
		if err != nil {
			return nil, err
		}
		for i, d := range answers {
			s.take(from+i, d, b)
		}
	}
	if n > 0 {
		s.microseconds = float64(taken.Microseconds()) / float64(n)
	}
	s.block, s.days = blocksOf(s)
	return s, nil
}

// answer forecasts the rows from..to.
func answer(model *forecast.Model, table *dataset.Table, from, to int) ([]forecast.Distribution, error) {
	answers := make([]forecast.Distribution, 0, to-from)
	for i := from; i < to; i++ {
		row := table.Rows[i]
		d, err := model.Forecast(table.Vector(i), float64(row.Horizon))
		if err != nil {
			return nil, fmt.Errorf("%s at %d min: %w", row.Key(), row.Horizon, err)
		}
		if !probability(d.Late()) || !probability(d.Cancelled) {
			return nil, fmt.Errorf("%s at %d min: P(late) is %v and P(cancelled) %v, no probabilities: the model is damaged, train it again", row.Key(), row.Horizon, d.Late(), d.Cancelled)
		}
		answers = append(answers, d)
	}
	return answers, nil
}

func probability(p float64) bool { return p >= 0 && p <= 1 }

// take keeps what a forecast of row i says and costs.
func (s *sample) take(i int, d forecast.Distribution, b learn.Baselines) {
	row := s.rows[i]
	s.ran[i] = !row.Cancelled && row.Evidence == rail.ChangeObserved
	s.late[i], s.p[i], s.cancelled[i] = row.Late(), d.Late(), d.Cancelled
	if s.ran[i] {
		s.charge(i, d, b)
	}
}

// place is what makes a block where there are few days.
type place struct {
	eva   int64
	day   rail.Day
	hours int
}

// blocksOf numbers rows that are not independent alike: by day, or with fewer than
// minDays days by station and three hours.
func blocksOf(s *sample) (block []int32, days int) {
	byDay, byPlace := map[rail.Day]int32{}, map[place]int32{}
	day, here := make([]int32, len(s.rows)), make([]int32, len(s.rows))
	number := func(i int) {
		r := s.rows[i]
		day[i] = numbered(byDay, r.EventDay)
		here[i] = numbered(byPlace, place{r.EVA, r.EventDay, r.Planned.Hour() / 3})
	}
	for i, ran := range s.ran {
		if ran {
			number(i)
		}
	}
	days = len(byDay)
	for i, ran := range s.ran {
		if !ran {
			number(i)
		}
	}
	if days >= minDays {
		return day, days
	}
	return here, days
}

// numbered is the number of a key, in the order in which they first come.
func numbered[K comparable](numbers map[K]int32, key K) int32 {
	n, known := numbers[key]
	if !known {
		n = int32(len(numbers))
		numbers[key] = n
	}
	return n
}

// how says what the intervals of a sample are drawn over.
func (s *sample) how() string {
	if s.days >= minDays {
		return fmt.Sprintf("95 %% bootstrap over %d days", s.days)
	}
	return fmt.Sprintf("95 %% bootstrap over blocks of one station and three hours, within these %d days only", s.days)
}
