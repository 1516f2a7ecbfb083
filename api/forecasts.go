package api

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"puenktlich/internal/rail"
	"puenktlich/internal/serving"
)

// forecasts is the resource of single forecasts.
type forecasts struct {
	live       Live
	clock      func() moment
	forecaster Forecaster
}

// single is the answer for one event.
type single struct {
	Clock    moment           `json:"clock"`
	Forecast serving.Forecast `json:"forecast"`
}

func (f *forecasts) get(c *gin.Context) error {
	clock := f.clock()
	plan, err := f.find(c.Query("stop_id"), c.Query("event"))
	if err != nil {
		return err
	}
	at, err := f.cutoff(c.Query("at"), clock.Now, plan)
	if err != nil {
		return err
	}
	explain := true
	if text := c.Query("explain"); text != "" {
		if explain, err = strconv.ParseBool(text); err != nil {
			return invalid("explain=%q: want true or false", text)
		}
	}
	callOf(c).asks()
	result, err := f.forecaster.Answer(serving.Request{ID: requestID(c), Events: []rail.EventKey{plan.Key()}, At: at, Explain: explain})
	if err != nil {
		return err
	}
	if len(result.Forecasts) == 0 {
		return &Error{Kind: KindNotFound, Detail: fmt.Sprintf("at %s the timetable did not name %s yet; ask with a later at=", at.In(rail.Berlin).Format(time.RFC3339), plan.Key())}
	}
	serverTiming(c, result.Timing)
	c.JSON(http.StatusOK, single{clock, result.Forecasts[0]})
	return nil
}

// find answers the event that was named. A stop with one event needs no event.
func (f *forecasts) find(stop, event string) (*rail.PlannedEvent, error) {
	if _, err := rail.StopID(stop).Parse(); err != nil {
		return nil, invalid("stop_id=%q: want tripHash-YYMMDDHHMM-index, as the stops of a board have it", stop)
	}
	if !f.live.Ready() {
		return nil, errNotFilled
	}
	kinds := []rail.EventKind{rail.Departure, rail.Arrival}
	if event != "" {
		kind, err := parseEvent(event)
		if err != nil {
			return nil, err
		}
		kinds = []rail.EventKind{kind}
	}
	var other []Match
	for _, kind := range []rail.EventKind{rail.Departure, rail.Arrival} {
		plan, found := f.live.Plan(rail.EventKey{Stop: rail.StopID(stop), Kind: kind})
		if found && kind == kinds[0] || found && event == "" {
			return plan, nil
		}
		if found {
			other = append(other, Match{stop, string(kind)})
		}
	}
	return nil, &Error{Kind: KindNotFound, Near: other, Detail: fmt.Sprintf("no %s of stop %q in the timetable that is held; a board lists what there is", kinds[0], stop)}
}

// cutoff is at, or now. A forecast is made before the planned time.
func (f *forecasts) cutoff(text string, now time.Time, plan *rail.PlannedEvent) (time.Time, error) {
	at := now
	if text != "" {
		var err error
		if at, err = parseTime("at", text); err != nil {
			return at, err
		}
	}
	planned := plan.Planned.In(rail.Berlin).Format(time.RFC3339)
	switch {
	case at.After(now):
		return at, invalid("at=%s lies in the future; it is %s", text, now.Format(time.RFC3339))
	case plan.Planned.Before(f.live.From()):
		return at, invalid("the event was planned for %s; what was known of it is held back to %s", planned, f.live.From().In(rail.Berlin).Format(time.RFC3339))
	case at.After(plan.Planned):
		return at, &Error{Kind: KindPassed, Detail: fmt.Sprintf("the event was planned for %s, which has passed; forecasts are made before it: ask with at=", planned)}
	}
	return at, nil
}
