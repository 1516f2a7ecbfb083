package calibrate

import "slices"

// Centre moves the forecasts of each fold by one constant in log odds, so that their
// mean is the share that came. What a calibration is then fitted on still says how
// sure forecasts should be, and no longer by how much the days of the fold were later
// than those before them: a model that has learned those days, and counts them most,
// knows it. A fold in which all or none came stays as it is. p and came are one a
// forecast, folds ascend or not; the error is that of [Fit].
func Centre(p []float64, came []bool, fold []int) ([]float64, error) {
	if err := checkEvents(p, came); err != nil {
		return nil, err
	}
	centred := slices.Clone(p)
	members := map[int][]int{}
	for i := range p {
		members[fold[i]] = append(members[fold[i]], i)
	}
	for _, rows := range members {
		share := 0.0
		for _, i := range rows {
			if came[i] {
				share += 1 / float64(len(rows))
			}
		}
		if share == 0 || share > 1-1e-12 {
			continue
		}
		by := offset(p, rows, share)
		for _, i := range rows {
			centred[i] = sigmoid(logit(clip(p[i])) + by)
		}
	}
	return centred, nil
}

// offset finds by bisection what added to the log odds makes the mean the share; the
// mean grows with it.
func offset(p []float64, rows []int, share float64) float64 {
	low, high := -40.0, 40.0
	for range 60 {
		middle, mean := (low+high)/2, 0.0
		for _, i := range rows {
			mean += sigmoid(logit(clip(p[i]))+middle) / float64(len(rows))
		}
		if mean < share {
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2
}
