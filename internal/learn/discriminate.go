package learn

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"slices"

	"puenktlich/internal/dataset"
	"puenktlich/internal/metric"
	"puenktlich/internal/rail"
)

// Numbers of the classifier that tells two sets of rows apart.
const (
	apartFolds = 2
	apartRidge = 10
	apartLate  = 60 // minutes: what a row of the second set is labelled with
)

// Separation is how well a classifier tells the rows of two sets apart.
type Separation struct {
	AUC  float64 // mean over folds, each on rows of trips it was not fitted on; 0.5 = not at all
	Rows int
	// Features are the features it goes by, the sum of the sizes of their
	// coefficients on standardised inputs, the greatest first.
	Features []Weight
}

// Weight is one feature's part in a Separation.
type Weight struct {
	Feature string
	Weight  float64
}

// TellApart fits logistic regressions that tell rows of current from rows of
// reference. The rows of a trip are on one side of each fold, since those of one
// event at several horizons are nearly the same. Both tables must be of the same
// features. The same rows give the same answer. Source: J. H. Friedman, "On
// multivariate goodness-of-fit and two-sample testing", PHYSTAT 2003; D. Lopez-Paz and
// M. Oquab, "Revisiting classifier two-sample tests", ICLR 2017.
func TellApart(ctx context.Context, reference, current *dataset.Table) (Separation, error) {
	if !slices.Equal(reference.Names, current.Names) {
		return Separation{}, fmt.Errorf("tell rows apart: %d features beside %d others", len(reference.Names), len(current.Names))
	}
	both := dataset.New(reference.Version, reference.Names, reference.Units)
	label(both, reference, 0)
	label(both, current, apartLate)
	out := Separation{AUC: math.NaN(), Rows: len(both.Rows)}
	sum, folds, weights := 0.0, 0, map[string]float64{}
	for fold := range apartFolds {
		train := both.Filter(func(r dataset.Row) bool { return foldOf(r.Trip) != fold })
		test := both.Filter(func(r dataset.Row) bool { return foldOf(r.Trip) == fold })
		if !bothSides(train) || !bothSides(test) {
			continue
		}
		fitted, err := regression{ridge: apartRidge}.Fit(ctx, Task{Name: "days apart", Train: Data{source: Whole(train)}})
		if err != nil {
			return out, err
		}
		onTime := make([]float64, len(test.Rows))
		if err := fitted.OnTime(onTime, test); err != nil {
			return out, err
		}
		p, second := make([]float64, len(onTime)), make([]bool, len(onTime))
		for i, v := range onTime {
			p[i], second[i] = 1-v, test.Rows[i].DelayMinutes == apartLate
		}
		sum, folds = sum+metric.AUC(p, second), folds+1
		fitted.(fittedRegression).weigh(both.Names, weights)
	}
	if folds == 0 {
		return out, nil
	}
	out.AUC = sum / float64(folds)
	for _, name := range both.Names {
		if weights[name] > 0 {
			out.Features = append(out.Features, Weight{name, weights[name] / float64(folds)})
		}
	}
	slices.SortStableFunc(out.Features, func(a, b Weight) int {
		switch {
		case a.Weight > b.Weight:
			return -1
		case a.Weight < b.Weight:
			return 1
		}
		return 0
	})
	return out, nil
}

// label appends rows as if they had been so late.
func label(to, from *dataset.Table, minutes int) {
	for i, row := range from.Rows {
		to.Append(dataset.Row{Trip: row.Trip, EventDay: row.EventDay, DelayMinutes: minutes, Evidence: rail.ChangeObserved}, from.Vector(i))
	}
}

func foldOf(trip string) int {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(trip))
	return int(sum.Sum32()>>8) % apartFolds
}

func bothSides(t *dataset.Table) bool {
	late := 0
	for _, row := range t.Rows {
		if row.DelayMinutes == apartLate {
			late++
		}
	}
	return late > 0 && late < len(t.Rows)
}

// weigh adds the sizes of the coefficients by feature.
func (f fittedRegression) weigh(names []string, weights map[string]float64) {
	for i, s := range f.inputs.known {
		weights[names[s.column]] += math.Abs(f.weights[1+i])
	}
	for i, s := range f.inputs.unknown {
		weights[names[s.column]] += math.Abs(f.weights[1+len(f.inputs.known)+i])
	}
}
