package api

import (
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"puenktlich/internal/serving/servingtest"
)

const boardPath = "/v1/stations/8000105/forecasts"

func TestBoard(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.get(t, boardPath+"?hours=2")
	var b board
	a.into(t, &b)
	if len(b.Stops) != 2 || b.Station.Name != "Frankfurt(Main)Hbf" || b.Version != 7 || b.Digest != servingtest.Ref(7).Digest {
		t.Fatalf("%d stops: %s", len(b.Stops), a.raw)
	}
	onTime, late := b.Stops[0], b.Stops[1]
	if onTime.Train != "RE 4601" || late.Train != "RE 4602" || late.Direction != "Würzburg Hbf" || *late.Railway.DelayMinutes != 9 {
		t.Errorf("stops %s", a.raw)
	}
	if math.Abs(onTime.POnTime-servingtest.Confident) > 1e-6 || math.Abs(late.POnTime-(1-servingtest.Confident)) > 1e-6 {
		t.Errorf("P(on time) %v and %v", onTime.POnTime, late.POnTime)
	}
	if !strings.Contains(string(a.raw), `"planned":"2024-10-29T10:45:00+01:00"`) || b.Clock.Ended || b.Clock.Note != "" {
		t.Errorf("times or clock: %s", a.raw)
	}
	if got := a.header.Get("Server-Timing"); !regexp.MustCompile(`^auth;dur=[0-9.]+, parse;dur=[0-9.]+, features;dur=[0-9.]+, predict;dur=[0-9.]+, log;dur=[0-9.]+$`).MatchString(got) {
		t.Errorf("Server-Timing %q", got)
	}
	// The newest poll applied was that of the train in 30 minutes, 40 minutes ago;
	// the one of the late train was 20 minutes ago.
	if *b.DataAgeSeconds != 20*60 {
		t.Errorf("data age %v s", *b.DataAgeSeconds)
	}
	for _, stop := range b.Stops {
		if _, waits, err := h.log.Find(stop.PredictionID); !waits || err != nil {
			t.Errorf("prediction %s was answered and is not in the log: %v", stop.PredictionID, err)
		}
	}
}

func TestAnEarlierTimeIsAnsweredWithWhatWasKnownThen(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.clock.end()
	a := h.get(t, boardPath+"?hours=1&from="+url.QueryEscape("2024-10-29T08:30:00Z"))
	var b board
	a.into(t, &b)
	if len(b.Stops) != 1 || b.Stops[0].Train != "RE 4603" || !b.KnownAt.Equal(time.Date(2024, 10, 29, 8, 30, 0, 0, time.UTC)) {
		t.Fatalf("%s", a.raw)
	}
	if !b.Clock.Ended || !strings.Contains(b.Clock.Note, "have ended at 2024-10-29T10:15:00+01:00") || !strings.Contains(b.Clock.Note, "from=") {
		t.Errorf("clock %+v", b.Clock)
	}
	local := h.get(t, boardPath+"?hours=1&from=2024-10-29T09:30")
	if local.status != http.StatusOK || len(local.body["stops"].([]any)) != 1 {
		t.Errorf("German local time: %d %s", local.status, local.raw)
	}
}

func TestSingleForecastHasReasons(t *testing.T) {
	t.Parallel()
	h := open(t)
	stop := url.QueryEscape(string(departure(2, 50).Stop))
	var with, without single
	h.get(t, "/v1/forecasts?event=departure&stop_id="+stop).into(t, &with)
	h.get(t, "/v1/forecasts?explain=false&stop_id="+stop).into(t, &without)
	if len(with.Forecast.Reasons) != 1 || len(without.Forecast.Reasons) != 0 || with.Forecast.POnTime != without.Forecast.POnTime {
		t.Errorf("reasons %+v and %+v", with.Forecast.Reasons, without.Forecast.Reasons)
	}
	var past single
	h.get(t, "/v1/forecasts?at=2024-10-29T08:15:00Z&stop_id="+url.QueryEscape(string(departure(3, -30).Stop))).into(t, &past)
	if past.Forecast.HorizonMinutes != 30 {
		t.Errorf("horizon %v of a past moment, want 30", past.Forecast.HorizonMinutes)
	}
}

func TestPredictionBeforeAndAfterItIsShipped(t *testing.T) {
	t.Parallel()
	h := open(t)
	var b board
	h.get(t, boardPath).into(t, &b)
	id := b.Stops[1].PredictionID
	var before, after logged
	h.get(t, "/v1/predictions/"+id).into(t, &before)
	if err := h.log.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.get(t, "/v1/predictions/"+id).into(t, &after)
	if before.Shipped || !after.Shipped {
		t.Errorf("shipped %v, then %v", before.Shipped, after.Shipped)
	}
	delay := slices.IndexFunc(after.Features, func(f featureValue) bool { return f.Name == "forecast_delay" })
	if delay < 0 || *after.Features[delay].Value != 9 || after.RequestID != b.RequestID || after.POnTime != b.Stops[1].POnTime {
		t.Errorf("stored as %+v", after)
	}
	for i := range before.Features {
		x, y := before.Features[i].Value, after.Features[i].Value
		if (x == nil) != (y == nil) || x != nil && *x != *y {
			t.Errorf("feature %s: %v on disk, %v in the store", before.Features[i].Name, x, y)
		}
	}
}

func TestWrongRequests(t *testing.T) {
	t.Parallel()
	h := open(t)
	stop := url.QueryEscape(string(departure(2, 50).Stop))
	passed := url.QueryEscape(string(departure(3, -30).Stop))
	tests := []struct {
		path   string
		status int
		detail string
		near   string
	}{
		{boardPath + "?houres=2", 400, `unknown query parameter "houres": this route takes ["from" "hours" "event" "explain"]`, ""},
		{boardPath + "?hours=2&hours=3", 400, `"hours" is given 2 times`, ""},
		{boardPath + "?hours=0", 400, `hours="0": want a whole number from 1 to 12`, ""},
		{boardPath + "?hours=13", 400, `hours="13": want a whole number from 1 to 12`, ""},
		{boardPath + "?hours=NaN", 400, `hours="NaN"`, ""},
		{boardPath + "?from=yesterday", 400, `from="yesterday": want a time such as`, ""},
		{boardPath + "?from=2024-10-29T23:00", 400, "is out of reach: between 2024-10-29T07:15:00+01:00 and 2024-10-29T22:15:00+01:00", ""},
		{boardPath + "?event=through", 400, `event="through": want arrival or departure`, ""},
		{"/v1/stations/8000106/forecasts", 404, `no station "8000106" here`, "8000105"},
		{"/v1/stations/frankfurt/forecasts", 404, `no station "frankfurt" here`, "8000105"},
		{"/v1/stations/frankfrt/forecasts", 404, `no station "frankfrt" here`, "8000105"},
		{"/v1/stations/zzzzzzzzzzzz/forecasts", 404, "no station", ""},
		{"/v1/stations?x=1", 400, "this route takes none", ""},
		{"/v1/forecasts", 400, "name the event by stop_id", ""},
		{"/v1/forecasts?stop_id=x", 400, `stop_id="x": want tripHash-YYMMDDHHMM-index`, ""},
		{boardPath + "?explain=perhaps", 400, `explain="perhaps": want true or false`, ""},
		{"/v1/forecasts?stop_id=1-2410290900-1", 404, "no departure of stop", ""},
		{"/v1/forecasts?event=arrival&stop_id=" + stop, 404, "no arrival of stop", string(departure(2, 50).Stop)},
		{"/v1/forecasts?at=2024-10-29T23:00&stop_id=" + stop, 400, "lies in the future", ""},
		{"/v1/forecasts?explain=perhaps&stop_id=" + stop, 400, `explain="perhaps": want true or false`, ""},
		{"/v1/forecasts?stop_id=" + passed, 422, "was planned for 2024-10-29T09:45:00+01:00, which has passed", ""},
		{"/v1/forecasts?at=2024-10-29T06:00&stop_id=" + passed, 404, "in the timetable as it was known at 2024-10-29T06:00:00+01:00", ""},
		{"/v1/predictions/none", 404, `no prediction "none"`, ""},
		{"/v1/predictions/a%20b", 400, "is no id of a prediction", ""},
		{"/v1/models/punctual", 404, `no model "punctual"`, "punctuality"},
		{"/v3", 404, "there is nothing at /v3", ""},
	}
	for _, test := range tests {
		a := h.get(t, test.path)
		detail, _ := a.body["detail"].(string)
		if a.status != test.status || !strings.Contains(detail, test.detail) || a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s\nwant %d with %q", test.path, a.status, a.raw, test.status, test.detail)
		}
		if near, found := a.body["near"].([]any); test.near != "" && (!found || near[0].(map[string]any)["id"] != test.near) {
			t.Errorf("%s: near %v, want %s first", test.path, a.body["near"], test.near)
		}
		if id := a.header.Get("X-Request-Id"); id == "" || a.body["request_id"] != id {
			t.Errorf("%s: request id %v, header %q", test.path, a.body["request_id"], id)
		}
	}
	if a := h.do(t, http.MethodPost, boardPath); a.status != 405 {
		t.Errorf("POST to a board: %d %s", a.status, a.raw)
	}
}

func TestNothingToServeYet(t *testing.T) {
	t.Parallel()
	h := build(t)
	a := h.get(t, "/readyz")
	if missing, _ := a.body["missing"].([]any); a.status != 503 || len(missing) != 2 {
		t.Errorf("ready without anything: %d %s", a.status, a.raw)
	}
	if a := h.get(t, boardPath); a.status != 503 || a.header.Get("Retry-After") == "" {
		t.Errorf("board without a live state: %d %s", a.status, a.raw)
	}
	h.plan(t, 1, 30, 0)
	h.follow(t)
	if a := h.get(t, boardPath); a.status != 503 || !strings.Contains(string(a.raw), "no champion is loaded yet") {
		t.Errorf("board without a champion: %d %s", a.status, a.raw)
	}
	if err := h.champion.Load(t.Context(), servingtest.Ref(1)); err != nil {
		t.Fatal(err)
	}
	if a := h.get(t, "/readyz"); a.status != 200 || a.body["ready"] != true {
		t.Errorf("ready: %d %s", a.status, a.raw)
	}
	if a := h.get(t, "/healthz"); a.status != 200 {
		t.Errorf("alive: %d %s", a.status, a.raw)
	}
}

// Forecasts go on while ClickHouse and the registry are away, and say so.
func TestServedWhileTheStoresAreAway(t *testing.T) {
	t.Parallel()
	h := open(t)
	if err := h.db.Close(); err != nil {
		t.Fatal(err)
	}
	h.registry.away = true
	var b board
	h.get(t, boardPath).into(t, &b)
	if len(b.Stops) != 2 {
		t.Errorf("%d stops", len(b.Stops))
	}
	if a := h.get(t, "/v1/models/punctuality"); a.status != 200 || a.body["registry"] != "unavailable" || a.body["serving"].(map[string]any)["version"] != 7.0 {
		t.Errorf("model: %d %s", a.status, a.raw)
	}
	if a := h.get(t, "/v1/predictions/"+b.Stops[0].PredictionID); a.status != 200 {
		t.Errorf("a prediction on disk: %d %s", a.status, a.raw)
	}
	if a := h.get(t, "/v1/predictions/another"); a.status != 503 {
		t.Errorf("a prediction that may be in the store: %d %s", a.status, a.raw)
	}
	if a := h.get(t, "/readyz"); a.status != 200 {
		t.Errorf("ready: %d %s", a.status, a.raw)
	}
}

func TestNothingIsAnsweredUnlogged(t *testing.T) {
	t.Parallel()
	h := open(t)
	if err := h.log.Close(); err != nil {
		t.Fatal(err)
	}
	if a := h.get(t, boardPath); a.status != 503 || !strings.Contains(string(a.raw), "could not be logged") || strings.Contains(string(a.raw), "p_on_time") {
		t.Errorf("%d %s", a.status, a.raw)
	}
}
