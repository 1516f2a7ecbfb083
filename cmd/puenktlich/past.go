package main

import (
	"context"
	"errors"
	"time"

	"puenktlich/api"
	"puenktlich/internal/livestate"
	"puenktlich/internal/serving"
)

// past answers moments that the live state holds no more, with the champion of now
// and the knowledge of then.
type past struct {
	known   *livestate.Past
	options serving.Options // of the forecaster; State is that of the moment
}

// Known reads a moment from the store.
func (p past) Known(ctx context.Context, at time.Time) (api.Timetable, api.Forecaster, error) {
	known, err := p.known.At(ctx, at)
	var early *livestate.TooEarlyError
	switch {
	case errors.As(err, &early):
		return nil, nil, api.Unknown("%v", early)
	case errors.Is(err, context.DeadlineExceeded):
		return nil, nil, err
	case err != nil:
		return nil, nil, api.Away("what was known then cannot be read from the store at the moment; forecasts of now go on")
	}
	o := p.options
	o.State = known
	return known, serving.NewForecaster(o), nil
}
