package study

import (
	"context"
	"fmt"
	"hash/fnv"

	"puenktlich/internal/dataset"
	"puenktlich/internal/metric"
	"puenktlich/internal/rail"
)

// Point is one point of the learning curve.
type Point struct {
	Days   int     // of training, the newest ones
	Share  float64 // of their trips
	Events int
	Skill  metric.Interval
	// Railway is the Brier score of the railway's forecast calibrated on the
	// same days, Brier the model's: skill alone would not show that the baseline
	// learns too.
	Brier, Railway float64
}

// shares of the trips of the training days.
var shares = []float64{0.25, 0.5, 1}

// curve tests the last day on models of ever more of the days before it: parts
// of the newest day first, then whole days.
func (s Steps) curve(ctx context.Context, table *dataset.Table, days []rail.Day) ([]Point, error) {
	last := len(days) - 1
	test := table.Filter(func(r dataset.Row) bool { return r.EventDay == days[last] }).Ran()
	var points []Point
	for n := 1; n <= last; n++ {
		for _, share := range shares {
			if n > 1 && share < 1 {
				continue
			}
			train := table.Filter(func(r dataset.Row) bool {
				return r.EventDay >= days[last-n] && r.EventDay < days[last] && kept(r.Trip, share)
			})
			s.tell("learning curve: %d days, %.0f %% of the trips", n, 100*share)
			part, err := s.fitAndScore(ctx, train, test)
			if err != nil {
				return nil, fmt.Errorf("%d days, %.0f %% of the trips: %w", n, 100*share, err)
			}
			point := Point{Days: n, Share: share, Events: part.trainEvents}
			model, railway, blocks := losses(part.rows)
			point.Brier, point.Railway = mean(model), mean(railway)
			point.Skill = skillOf(model, railway, blocks)
			points = append(points, point)
		}
	}
	return points, nil
}

// kept draws a share of the trips, the same ones each time.
func kept(trip string, share float64) bool {
	h := fnv.New64a()
	h.Write([]byte(trip))
	return float64(h.Sum64()%1000) < 1000*share
}
