package api

import (
	"context"
	"time"

	"github.com/gin-gonic/gin"

	"puenktlich/internal/rail"
)

// scene is what a request is answered from: the live state, or what was known at a
// moment that it holds no more.
type scene struct {
	known      Timetable
	forecaster Forecaster
	// now is the present, or the moment asked about where the live state does not
	// hold it: names of trains are those of its day.
	now     time.Time
	earlier bool
}

// pastWithin bounds how long what was known then may take to be read.
const pastWithin = 20 * time.Second

// sceneAt is the scene of a moment; text is how the caller gave it, empty for now.
func sceneAt(c *gin.Context, live Live, past Past, now scene, name, text string) (scene, error) {
	if text == "" || past == nil {
		return now, nil
	}
	at, err := parseTime(name, text)
	if err != nil {
		return now, err
	}
	if !at.Before(live.From()) {
		return now, nil
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), pastWithin)
	defer cancel()
	known, forecaster, err := past.Known(ctx, at)
	return scene{known, forecaster, at, true}, err
}

// heldBack says that a moment is read from the store, which a call for many
// forecasts does not do.
func heldBack(live Timetable, at time.Time) *Error {
	return invalid("at=%s lies before what is held in memory, which begins at %s: ask for it by GET /v1/forecasts, which reads it from the store",
		at.In(rail.Berlin).Format(time.RFC3339), live.From().In(rail.Berlin).Format(time.RFC3339))
}
