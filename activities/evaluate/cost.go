package evaluate

import (
	"math"
	"slices"

	"puenktlich/internal/forecast"
	"puenktlich/internal/learn"
	"puenktlich/internal/metric"
)

// column is one figure of each row, whose mean over rows is a score.
type column int

// The columns. Losses of P(late), then of the delay distribution.
const (
	brierCost column = iota
	logLossCost
	sharpness // p(1-p)
	rateCost  // Brier scores of the baselines
	categoryCost
	dbCost
	dbCalibratedCost
	championCost
	crps
	crpsDB // of the railway's forecast as a certain one
	medianError
	errorDB
	pinball10
	pinball50
	pinball90
	width80   // minutes between the quantiles 0.1 and 0.9
	covered80 // 1 where the delay lies in their buckets or between
	columns
)

// baselines are as many, in the order of their columns.
const baselines = 4

// charge fills the columns of row i but the champion's.
func (s *sample) charge(i int, d forecast.Distribution, b learn.Baselines) {
	row, late, p := s.rows[i], s.late[i], s.p[i]
	s.cost[brierCost][i] = squared(p, late)
	s.cost[logLossCost][i] = surprise(p, late)
	s.cost[sharpness][i] = p * (1 - p)
	for k, rate := range [baselines]float64{b.Rate, b.LateByCategory(row), b.LateByForecast(row), b.LateByCalibratedForecast(row)} {
		s.baseline[k][i] = rate
		s.cost[int(rateCost)+k][i] = squared(rate, late)
	}
	if s.edges == nil {
		s.edges = minutes(d.Edges)
	}
	delay := float64(row.DelayMinutes)
	s.cost[crps][i] = metric.CRPS(d.Cumulative, s.edges, delay)
	s.cost[crpsDB][i] = metric.CRPS(certain(s.edges, row.DBDelay), s.edges, delay)
	low, median, high := quantile(d, 0.1), quantile(d, 0.5), quantile(d, 0.9)
	s.cost[medianError][i] = math.Abs(delay - median)
	s.cost[errorDB][i] = math.Abs(delay - float64(row.DBDelay))
	s.cost[pinball10][i] = metric.Pinball(0.1, low, delay)
	s.cost[pinball50][i] = metric.Pinball(0.5, median, delay)
	s.cost[pinball90][i] = metric.Pinball(0.9, high, delay)
	s.cost[width80][i] = high - low
	at := bucket(d.Edges, row.DelayMinutes)
	s.cost[covered80][i] = indicator(reached(d, 0.1) <= at && at <= reached(d, 0.9))
}

// bucket is the index of the bucket that holds a delay.
func bucket(edges []int, delay int) int {
	k, _ := slices.BinarySearch(edges, delay)
	return k
}

// reached is the index of the bucket in which a distribution reaches level.
func reached(d forecast.Distribution, level float64) int {
	for k, p := range d.Cumulative {
		if p >= level {
			return k
		}
	}
	return len(d.Cumulative)
}

func squared(p float64, late bool) float64 {
	return (p - indicator(late)) * (p - indicator(late))
}

// surprise is the log loss in nats; NaN of a forecast of exactly 0 or 1.
func surprise(p float64, late bool) float64 {
	if p <= 0 || p >= 1 {
		return math.NaN()
	}
	if late {
		return -math.Log(p)
	}
	return -math.Log1p(-p)
}

func minutes(edges []int) []float64 {
	out := make([]float64, len(edges))
	for k, e := range edges {
		out[k] = float64(e)
	}
	return out
}

// certain is the distribution of one delay that is sure.
func certain(edges []float64, delay int) []float64 {
	out := make([]float64, len(edges))
	for k, e := range edges {
		out[k] = indicator(float64(delay) <= e)
	}
	return out
}

// quantile in minutes. The open bucket counts as its lower edge and the gap before
// it, as in metric.CRPS.
func quantile(d forecast.Distribution, level float64) float64 {
	edge, beyond := d.Quantile(level)
	if !beyond {
		return float64(edge)
	}
	last := len(d.Edges) - 1
	if last == 0 {
		return float64(edge + 1)
	}
	return float64(2*edge - d.Edges[last-1])
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
