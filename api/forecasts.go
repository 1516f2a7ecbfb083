package api

import (
	"fmt"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"puenktlich/internal/rail"
	"puenktlich/internal/serving"
)

// forecasts is the resource of forecasts of single events.
type forecasts struct {
	live       Live
	past       Past
	names      func() []rail.Station
	clock      func() moment
	forecaster Forecaster
	promise    func(*gin.Context) *promise
}

// single is the answer for one event, as it is written.
type single struct {
	Clock    moment           `json:"clock"`
	Forecast serving.Forecast `json:"forecast"`
}

// namesEvent are the query parameters that name an event.
func namesEvent(more ...string) []string {
	return append([]string{"stop_id", "station", "train", "date", "planned", "event"}, more...)
}

func (f *forecasts) get(c *gin.Context) error {
	clock, held := f.clock(), callOf(c)
	from, err := f.scene(c, clock)
	if err != nil {
		return err
	}
	plan, err := f.finder(from).event(asked{StopID: held.given("stop_id"), Station: held.given("station"), Train: held.given("train"),
		Date: held.given("date"), Planned: held.given("planned"), Event: held.given("event"), At: held.given("at")})
	if err != nil {
		return err
	}
	at, err := cutoff(from.known, held.given("at"), clock.Now, plan)
	if err != nil {
		return err
	}
	explain, err := parseExplain(c, true)
	if err != nil {
		return err
	}
	held.asks()
	promised := f.promise(c)
	defer func() {
		if !held.promised { // nothing was logged, or it was waited for
			promised.drop()
		}
	}()
	result, err := from.forecaster.Answer(serving.Request{ID: held.requestID, Events: []rail.EventKey{plan.Key()}, At: at, Explain: explain, Logged: promised.logged()})
	held.promised = result.Promised
	if err != nil {
		return err
	}
	if len(result.Forecasts) == 0 {
		return notNamedYet(plan, at)
	}
	serverTiming(c, result.Timing)
	return write(c, func(body []byte) ([]byte, error) {
		body = append(append(body, `{"clock":`...), clock.written...)
		body, err := result.Forecasts[0].AppendJSON(append(body, `,"forecast":`...))
		return append(body, '}'), err
	})
}

// present is the scene of the live state.
func (f *forecasts) present(clock moment) scene {
	return scene{known: f.live, forecaster: f.forecaster, now: clock.Now}
}

// scene is the one that a request asks about.
func (f *forecasts) scene(c *gin.Context, clock moment) (scene, error) {
	return sceneAt(c, f.live, f.past, f.present(clock), "at", callOf(c).given("at"))
}

func (f *forecasts) finder(from scene) *finder {
	return &finder{live: from.known, names: f.names, now: from.now, earlier: from.earlier}
}

func notNamedYet(plan *rail.PlannedEvent, at time.Time) *Error {
	return &Error{Kind: KindNotFound, Detail: fmt.Sprintf("at %s the timetable did not name %s yet; ask with a later at=", at.In(rail.Berlin).Format(time.RFC3339), plan.Key())}
}

// parseExplain reads whether reasons are wanted.
func parseExplain(c *gin.Context, otherwise bool) (bool, error) {
	text := callOf(c).given("explain")
	if text == "" {
		return otherwise, nil
	}
	explain, err := strconv.ParseBool(text)
	if err != nil {
		return false, invalid("explain=%q: want true or false", text)
	}
	return explain, nil
}

// cutoff is at, or now. A forecast is made before the planned time.
func cutoff(live Timetable, text string, now time.Time, plan *rail.PlannedEvent) (time.Time, error) {
	at := now
	if text != "" {
		var err error
		if at, err = parseTime("at", text); err != nil {
			return at, err
		}
	}
	planned := func() string { return plan.Planned.In(rail.Berlin).Format(time.RFC3339) }
	switch {
	case at.After(now):
		return at, invalid("at=%s lies in the future; it is %s", text, now.Format(time.RFC3339))
	case plan.Planned.Before(now) && plan.Planned.Before(live.From()): // which looks at a clock
		return at, invalid("the event was planned for %s; what was known of it is held back to %s", planned(), live.From().In(rail.Berlin).Format(time.RFC3339))
	case at.After(plan.Planned):
		return at, &Error{Kind: KindPassed, Detail: fmt.Sprintf("the event was planned for %s, which has passed; forecasts are made before it: ask with at=", planned())}
	}
	return at, nil
}
