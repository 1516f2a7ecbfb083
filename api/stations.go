package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"puenktlich/internal/rail"
	"puenktlich/internal/serving"
)

const (
	defaultHours = 2
	maxHours     = 12
)

// stations is the resource of stations and their boards.
type stations struct {
	live       Live
	past       Past
	names      func() []rail.Station
	clock      func() moment
	forecaster Forecaster
}

func (s *stations) list(c *gin.Context) error {
	c.JSON(http.StatusOK, gin.H{"stations": s.names()})
	return nil
}

// board is the answer for one station.
type board struct {
	Station        rail.Station       `json:"station"`
	Clock          moment             `json:"clock"`
	From           time.Time          `json:"from"`
	Until          time.Time          `json:"until"`
	KnownAt        time.Time          `json:"known_at"` // nothing observed later was used
	Model          string             `json:"model"`
	Version        int                `json:"version"`
	Digest         string             `json:"digest"`
	RequestID      string             `json:"request_id"`
	DataAgeSeconds *float64           `json:"data_age_seconds"`
	Stops          []serving.Forecast `json:"stops"` // ascending by planned time
}

func (s *stations) forecasts(c *gin.Context) error {
	clock := s.clock()
	station, err := s.find(c.Param("eva"))
	if err != nil {
		return err
	}
	from, until, err := s.span(c, clock.Now)
	if err != nil {
		return err
	}
	scene, err := sceneAt(c, s.live, s.past, scene{known: s.live, forecaster: s.forecaster, now: clock.Now}, "from", c.Query("from"))
	if err != nil {
		return err
	}
	events, err := eventsOf(scene.known, c.Query("event"), station.EVA, from, until)
	if err != nil {
		return err
	}
	explain, err := parseExplain(c, false)
	if err != nil {
		return err
	}
	// Of a past hour one forecasts with what was known when it began.
	at := clock.Now
	if from.Before(at) {
		at = from
	}
	callOf(c).asks()
	result, err := scene.forecaster.Answer(serving.Request{ID: requestID(c), Events: events, At: at, Explain: explain})
	if err != nil {
		return err
	}
	serverTiming(c, result.Timing)
	ref := result.Package.Ref
	around := board{Station: station, Clock: clock, From: from.In(rail.Berlin), Until: until.In(rail.Berlin), KnownAt: at.In(rail.Berlin),
		Model: ref.Model, Version: ref.Version, Digest: ref.Digest, RequestID: result.RequestID,
		DataAgeSeconds: serving.AgeSeconds(result.DataAge)}
	return write(c, func(body []byte) ([]byte, error) {
		return appendList(body, around, len(result.Forecasts), func(body []byte, i int) ([]byte, error) { return result.Forecasts[i].AppendJSON(body) })
	})
}

// find answers a station that has forecasts.
func (s *stations) find(text string) (rail.Station, error) {
	if !s.live.Ready() {
		return rail.Station{}, errNotFilled
	}
	return findStation(text, s.names())
}

var errNotFilled = unavailable("the live state is not filled yet; try again in a few seconds")

// span reads from and hours: [from, until).
func (s *stations) span(c *gin.Context, now time.Time) (from, until time.Time, err error) {
	from = now
	if text := c.Query("from"); text != "" {
		if from, err = parseTime("from", text); err != nil {
			return from, until, err
		}
	}
	earliest, latest := s.live.From(), now.Add(maxHours*time.Hour)
	if from.Before(earliest) && s.past == nil || from.After(latest) {
		return from, until, invalid("from=%s is out of reach: between %s and %s is known", c.Query("from"),
			earliest.In(rail.Berlin).Format(time.RFC3339), latest.In(rail.Berlin).Format(time.RFC3339))
	}
	hours := defaultHours
	if text := c.Query("hours"); text != "" {
		if hours, err = strconv.Atoi(text); err != nil || hours < 1 || hours > maxHours {
			return from, until, invalid("hours=%q: want a whole number from 1 to %d", text, maxHours)
		}
	}
	return from, from.Add(time.Duration(hours) * time.Hour), nil
}

func eventsOf(known Timetable, event string, eva int64, from, until time.Time) ([]rail.EventKey, error) {
	if event != "" {
		if _, err := parseEvent(event); err != nil {
			return nil, err
		}
	}
	var keys []rail.EventKey
	for _, plan := range known.Board(eva, from, until) {
		if event == "" || string(plan.Kind) == event {
			keys = append(keys, plan.Key())
		}
	}
	return keys, nil
}

func parseEvent(text string) (rail.EventKind, error) {
	switch kind := rail.EventKind(text); kind {
	case rail.Arrival, rail.Departure:
		return kind, nil
	}
	e := invalid("event=%q: want %s or %s", text, rail.Arrival, rail.Departure)
	e.Accepted = []string{string(rail.Arrival), string(rail.Departure)}
	return "", e
}
