package api

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"puenktlich/internal/rail"
)

// TestAnEarlierMomentIsReadFromTheStore: what the live state held when it was asked is
// what the store gives hours later, when the live state holds it no more.
func TestAnEarlierMomentIsReadFromTheStore(t *testing.T) {
	t.Parallel()
	h := open(t)
	stop := url.QueryEscape(string(departure(2, 50).Stop))
	asked := "/v1/forecasts?stop_id=" + stop + "&at=" + url.QueryEscape(begin.Format(time.RFC3339))
	var then, later single
	h.get(t, asked).into(t, &then)
	if then.Forecast.DataAgeSeconds == nil || then.Forecast.HorizonMinutes != 50 {
		t.Fatalf("%+v", then.Forecast)
	}
	var board, boardLater board
	h.get(t, "/v1/stations/8000105/forecasts?hours=2&from="+url.QueryEscape(begin.Format(time.RFC3339))).into(t, &board)
	h.clock.set(begin.Add(9 * time.Hour))
	h.get(t, asked).into(t, &later)
	if later.Forecast.DataAgeSeconds != nil {
		t.Errorf("the age of what the store gives is not known: %v", *later.Forecast.DataAgeSeconds)
	}
	if then.Forecast.POnTime != later.Forecast.POnTime || then.Forecast.PCancelled != later.Forecast.PCancelled || *then.Forecast.Railway.DelayMinutes != *later.Forecast.Railway.DelayMinutes ||
		!then.Forecast.KnownAt.Equal(later.Forecast.KnownAt) {
		t.Errorf("then %+v, later %+v", then.Forecast, later.Forecast)
	}
	h.get(t, "/v1/stations/8000105/forecasts?hours=2&from="+url.QueryEscape(begin.Format(time.RFC3339))).into(t, &boardLater)
	if len(board.Stops) == 0 || len(board.Stops) != len(boardLater.Stops) {
		t.Fatalf("%d stops then, %d later", len(board.Stops), len(boardLater.Stops))
	}
	for i := range board.Stops {
		if board.Stops[i].StopID != boardLater.Stops[i].StopID || board.Stops[i].POnTime != boardLater.Stops[i].POnTime {
			t.Errorf("stop %d: then %+v, later %+v", i, board.Stops[i], boardLater.Stops[i])
		}
	}
	if _, found, err := h.log.Find(later.Forecast.PredictionID); err != nil || !found {
		t.Errorf("it is logged like any other: %v, %v", found, err)
	}
	for name, tt := range map[string]struct {
		path   string
		status int
		says   string
	}{
		"before anything is kept": {"/v1/forecasts?stop_id=" + stop + "&at=2024-10-20T12:00", 404, "the first timetable that is kept is of 2024-10-29"},
		"a board before that":     {"/v1/stations/8000105/forecasts?from=2024-10-20T12:00", 404, "the first timetable that is kept is of 2024-10-29"},
		"after the train":         {"/v1/forecasts?stop_id=" + stop + "&at=" + url.QueryEscape(begin.Add(51*time.Minute).Format(time.RFC3339)), 422, "which has passed"},
		"a train of that day":     {"/v1/forecasts?station=8000105&train=RE+9999&at=" + url.QueryEscape(begin.Format(time.RFC3339)), 404, "on " + string(rail.DayOf(begin))},
		"no moment at all":        {"/v1/forecasts?stop_id=" + stop + "&at=yesterday", 400, "at="},
	} {
		if a := h.get(t, tt.path); a.status != tt.status || !strings.Contains(string(a.raw), tt.says) {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
	var many batch
	h.post(t, "/v1/forecasts", `{"events": [{"stop_id": "`+string(departure(2, 50).Stop)+`", "at": "`+begin.Format(time.RFC3339)+`"}]}`).into(t, &many)
	if p := many.Answers[0].Problem; p == nil || !strings.Contains(p.Detail, "GET /v1/forecasts") && !strings.Contains(p.Detail, "held") {
		t.Errorf("in a batch: %+v", many.Answers[0])
	}
}
