package learn

import (
	"context"
	"math"

	"puenktlich/internal/dataset"
)

// inputs turn a vector of features into numbers of mean 0 and deviation 1 over
// the training rows, whose means and deviations they hold. A feature that never
// varies is left out.
type inputs struct {
	known   []scale // values of a feature
	unknown []scale // indicators that a feature is not known
}

// scale standardises one column.
type scale struct {
	column          int
	mean, deviation float64
}

// width is the number of inputs.
func (in inputs) width() int { return len(in.known) + len(in.unknown) }

// fill writes 1 for the intercept and the inputs of a vector to x.
func (in inputs) fill(x []float64, vector []float32) {
	x[0] = 1
	for i, s := range in.known {
		value := float64(vector[s.column])
		if math.IsNaN(value) {
			value = s.mean
		}
		x[1+i] = (value - s.mean) / s.deviation
	}
	for i, s := range in.unknown {
		value := 0.0
		if v := vector[s.column]; v != v {
			value = 1
		}
		x[1+len(in.known)+i] = (value - s.mean) / s.deviation
	}
}

// moments are mean and sum of squared deviations, gathered one value at a time
// (B. P. Welford, Technometrics 4 (1962)).
type moments struct{ n, mean, squares float64 }

func (m *moments) add(value float64) {
	m.n++
	delta := value - m.mean
	m.mean += delta / m.n
	m.squares += delta * (value - m.mean)
}

// fitInputs learns means and deviations from the training rows alone.
func fitInputs(ctx context.Context, data Data) (inputs, error) {
	columns := len(data.source.Names())
	values, rows := make([]moments, columns), 0.0
	err := data.each(ctx, func(batch *dataset.Table) error {
		for i, v := range batch.Features {
			if v == v {
				values[i%columns].add(float64(v))
			}
		}
		rows += float64(len(batch.Rows))
		return nil
	})
	var in inputs
	for column, m := range values {
		// Of the known values alone: imputed ones would make it smaller.
		if deviation := math.Sqrt(m.squares / m.n); m.n > 0 && deviation > 1e-9*max(1, math.Abs(m.mean)) {
			in.known = append(in.known, scale{column, m.mean, deviation})
		}
		if missing := 1 - m.n/rows; missing > 0 && missing < 1 {
			in.unknown = append(in.unknown, scale{column, missing, math.Sqrt(missing * (1 - missing))})
		}
	}
	return in, err
}
