package railsim

import (
	"fmt"
	"time"
)

// UnavailableError says that a station's changes cannot be had for a while.
// A server answers it with status 503.
type UnavailableError struct {
	EVA   int64
	AsOf  time.Time
	Until time.Time // from then on they can be had again
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("simulated railway: changes of %d at %s: not available until %s",
		e.EVA, e.AsOf.Format(time.RFC3339), e.Until.Format(time.RFC3339))
}

// outageBlock is the grid of outages: within a block, one lasts 2 to 10 minutes.
const outageBlock = 10 * time.Minute

const meanOutageShare = 0.6 // of a block, mean of an outage's length

func (r *Railway) outage(eva int64, at time.Time) error {
	if r.options.OutageRate == 0 {
		return nil
	}
	begin := at.Truncate(outageBlock)
	draw := r.seed.with(drawOutage, uint64(eva), uint64(begin.Unix()))
	if !draw.chance(r.options.OutageRate / meanOutageShare) {
		return nil
	}
	until := begin.Add(time.Duration(draw.with(1).between(2, 10) * float64(time.Minute)))
	if !at.Before(until) {
		return nil
	}
	return &UnavailableError{EVA: eva, AsOf: at, Until: until}
}
