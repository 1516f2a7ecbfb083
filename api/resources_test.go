package api

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/internal/serving/servingtest"
	schema "puenktlich/schemas/clickhouse"
)

// The trains of the house are RE 4601, 4602 and 4603 of the line 54; 4602 leaves
// Frankfurt at 11:05 and is forecast nine minutes late.
func TestATrainHasManyNames(t *testing.T) {
	t.Parallel()
	h := open(t)
	late := string(departure(2, 50).Stop)
	tests := []struct{ query, want string }{
		{"station=8000105&train=RE+4602", late},
		{"station=8000105&train=re4602&event=departure&date=2024-10-29", late},
		{"station=frankfurt+(main)+hbf&train=4602", late},
		{"station=FRANKFURT+MAIN+HBF&train=RE-54&planned=11:05", late},
		{"station=8000105&train=54&planned=11:05", late},
		{"station=8000105&train=RE54&planned=09:45&at=2024-10-29T09:30", string(departure(3, -30).Stop)},
	}
	for _, test := range tests {
		var got single
		h.get(t, "/v1/forecasts?"+test.query).into(t, &got)
		if string(got.Forecast.StopID) != test.want {
			t.Errorf("%s is %s, want %s", test.query, got.Forecast.StopID, test.want)
		}
	}
}

func TestWhatWasMeantIsOffered(t *testing.T) {
	t.Parallel()
	h := open(t)
	late := string(departure(2, 50).Stop)
	tests := []struct {
		query  string
		status int
		detail string
		near   string
	}{
		{"station=8000105&train=RE+54", 409, `train="RE 54" is the name of 3 departures at Frankfurt(Main)Hbf on 2024-10-29: add planned=HH:MM`, string(departure(1, 30).Stop)},
		{"station=8000105&train=RE+4622", 404, `no event of a train "RE 4622" at Frankfurt(Main)Hbf on 2024-10-29`, late},
		{"station=8000105&train=RE+4602&planned=11:06", 404, `a train "RE 4602" at 11:06`, late},
		{"station=8000105&train=RE+4602&event=arrival", 404, "no arrival of a train", late},
		{"station=Frankfort+Main+Hbf&train=RE+4602", 404, `no station "Frankfort Main Hbf" here`, "8000105"},
		{"station=8000105&train=RE+4602&date=2024-10-27", 404, "nothing is held of Frankfurt(Main)Hbf on 2024-10-27", ""},
		{"station=8000105&train=RE+4602&date=29.10.2024", 400, `date="29.10.2024": want a day, YYYY-MM-DD`, ""},
		{"station=8000105&train=RE+4602&planned=11.05", 400, `planned="11.05": want the planned time`, ""},
		{"station=8000105&train=RE+4602&event=through", 400, `event="through": want arrival or departure`, ""},
		{"station=8000105", 400, "name the event by stop_id", ""},
		{"station=8000105&train=" + strings.Repeat("x", 101), 400, "no name of more than 100 bytes", ""},
		{"train=ICE+592", 400, "name the event by stop_id", ""},
		{"train=ICE+592&stop_id=" + url.QueryEscape(late), 400, "names an event alone", ""},
	}
	for _, test := range tests {
		a := h.get(t, "/v1/forecasts?"+test.query)
		detail, _ := a.body["detail"].(string)
		if a.status != test.status || !strings.Contains(detail, test.detail) {
			t.Errorf("%s: %d %s\nwant %d with %q", test.query, a.status, a.raw, test.status, test.detail)
		}
		if near, _ := a.body["near"].([]any); test.near != "" && (len(near) == 0 || near[0].(map[string]any)["id"] != test.near) {
			t.Errorf("%s: near %v, want %s first", test.query, near, test.near)
		}
	}
}

func TestManyForecastsInOneCall(t *testing.T) {
	t.Parallel()
	h := open(t)
	late, gone := departure(2, 50).Stop, departure(3, -30).Stop
	body := fmt.Sprintf(`{"events": [{"stop_id": %q}, {"station": "8000105", "train": "RE 4601"}, {"station": "8000105", "train": "RE 9"},
		{"stop_id": %q}, {"stop_id": %q, "at": "2024-10-29T09:15"}, {"stop_id": %q, "at": "2024-10-29T06:00"}, {"stop_id": %q}]}`, late, gone, gone, gone, late)
	a := h.post(t, "/v1/forecasts", body)
	var got batch
	a.into(t, &got)
	want := []any{"RE 4602", "RE 4601", 404, 422, "RE 4603", 400, "RE 4602"} // 400: a moment that memory does not hold
	if len(got.Answers) != len(want) {
		t.Fatalf("%d answers: %s", len(got.Answers), a.raw)
	}
	for i, answer := range got.Answers {
		switch want := want[i].(type) {
		case string:
			if answer.Problem != nil || answer.Forecast == nil || answer.Forecast.Train != want || len(answer.Forecast.Reasons) != 0 {
				t.Errorf("answer %d is %+v, want a forecast of %s", i, answer, want)
				continue
			}
			if _, waits, err := h.log.Find(answer.Forecast.PredictionID); !waits || err != nil || answer.Forecast.RequestID != got.RequestID {
				t.Errorf("answer %d was given and is not in the log under the request: %v", i, err)
			}
		case int:
			if answer.Forecast != nil || answer.Problem == nil || answer.Problem.Status != want || answer.Problem.Detail == "" {
				t.Errorf("answer %d is %+v, want a problem %d", i, answer, want)
			}
		}
	}
	if horizon := got.Answers[4].Forecast.HorizonMinutes; horizon != 30 {
		t.Errorf("the past forecast has horizon %v, want 30", horizon)
	}
	if got.Answers[0].Forecast.POnTime != got.Answers[6].Forecast.POnTime || math.Abs(got.Answers[0].Forecast.POnTime-(1-servingtest.Confident)) > 1e-6 {
		t.Errorf("P(on time) %v and %v", got.Answers[0].Forecast.POnTime, got.Answers[6].Forecast.POnTime)
	}
	d := read(t)
	for _, problem := range d.check(d.Components.Schemas["Batch"], a.body, "") {
		t.Errorf("shape: %s", problem)
	}
	explained := h.post(t, "/v1/forecasts", fmt.Sprintf(`{"explain": true, "events": [{"stop_id": %q}]}`, late))
	explained.into(t, &got)
	if len(got.Answers[0].Forecast.Reasons) != 1 {
		t.Errorf("asked for reasons: %s", explained.raw)
	}
}

func TestWrongBodies(t *testing.T) {
	t.Parallel()
	h := open(t)
	tests := []struct {
		body   string
		status int
		detail string
	}{
		{``, 400, "the body is empty"},
		{`{`, 400, "the body ends within"},
		{`[]`, 400, "the body is a JSON array"},
		{`{"events": []}`, 400, "0 events: give 1 to 1000"},
		{`{"events": [` + strings.Repeat(`{},`, 1000) + `{}]}`, 400, "1001 events: give 1 to 1000"},
		{`{"event": []}`, 400, `unknown field "event"`},
		{`{"events": [{"stopid": "x"}]}`, 400, `unknown field "stopid"`},
		{`{"events": [{"stop_id": 7}]}`, 400, "events.stop_id is a JSON number at byte 25: want a string"},
		{`{"events": [{"stop_id": NaN}]}`, 400, "the body is no JSON at byte 25"},
		{`{"events": {}}`, 400, "events is a JSON object at byte 12: want a list"},
		{`{"explain": "yes", "events": []}`, 400, "explain is a JSON string at byte 17: want true or false"},
		{`{"events": [{}]} {}`, 400, "goes on after its JSON object"},
		{`{"events": [{"stop_id": "` + strings.Repeat("x", 1<<20) + `"}]}`, 413, "more than 1048576 bytes"},
	}
	for _, test := range tests {
		a := h.post(t, "/v1/forecasts", test.body)
		if detail, _ := a.body["detail"].(string); a.status != test.status || !strings.Contains(detail, test.detail) {
			t.Errorf("%.60s: %d %s\nwant %d with %q", test.body, a.status, a.raw, test.status, test.detail)
		}
	}
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/forecasts", strings.NewReader(`{"events": [{}]}`))
	request.Header.Set("Content-Type", "text/plain")
	if a := h.send(t, request); a.status != 415 {
		t.Errorf("text: %d %s", a.status, a.raw)
	}
	if a := h.do(t, http.MethodDelete, "/v1/forecasts"); a.status != 405 || !strings.Contains(string(a.raw), "GET and POST") && !strings.Contains(string(a.raw), "POST and GET") {
		t.Errorf("DELETE: %d %s", a.status, a.raw)
	}
}

func TestABoardWithReasons(t *testing.T) {
	t.Parallel()
	h := open(t)
	var b board
	h.get(t, boardPath+"?explain=true").into(t, &b)
	for _, stop := range b.Stops {
		if len(stop.Reasons) != 1 || stop.Reasons[0].Text == "" {
			t.Errorf("%s has reasons %+v, want the one split of the tiny model", stop.Train, stop.Reasons)
		}
	}
}

// A forecast of 10:15 for 11:05 is followed: it waits, it arrives in the store,
// somebody says what happened, the event settles twelve minutes late.
func TestAPredictionAndWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	h := open(t)
	var b board
	h.get(t, boardPath).into(t, &b)
	id := b.Stops[1].PredictionID
	var before, after logged
	h.get(t, "/v1/predictions/"+id).into(t, &before)
	if before.Truth != nil || !strings.Contains(before.TruthNote, "has not settled") || len(before.Reasons) != 1 || before.Reasons[0].Feature != "forecast_delay" {
		t.Errorf("before: %+v", before)
	}
	if err := h.log.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	said := h.post(t, "/v1/feedback", fmt.Sprintf(`{"prediction_id": %q, "kind": "outcome", "delay_minutes": 13, "comment": "platform 7, waited"}`, id))
	if said.status != 200 || said.body["prediction_id"] != id {
		t.Fatalf("feedback: %d %s", said.status, said.raw)
	}
	event := departure(2, 50)
	settled := rail.Truth{EVA: event.EVA, Stop: event.Stop, Kind: event.Kind, Planned: event.Planned, Actual: event.Planned.Add(12 * time.Minute),
		Evidence: rail.ChangeObserved, LastSeen: event.Planned.Add(13 * time.Minute)}
	if err := h.db.InsertTruth(t.Context(), schema.Batch{Token: "truth", Source: "test"}, begin.Add(3*time.Hour), []rail.Truth{settled}); err != nil {
		t.Fatal(err)
	}
	a := h.get(t, "/v1/predictions/"+id)
	a.into(t, &after)
	if after.Truth == nil || *after.Truth.DelayMinutes != 12 || *after.Truth.OnTime || after.Truth.Evidence != "change_observed" || after.TruthNote != "" {
		t.Errorf("after: %s", a.raw)
	}
	if len(after.Feedback) != 1 || after.Feedback[0].Kind != "outcome" || *after.Feedback[0].DelayMinutes != 13 || after.Feedback[0].Comment != "platform 7, waited" {
		t.Errorf("feedback: %s", a.raw)
	}
	d := read(t)
	for _, problem := range d.check(d.Components.Schemas["Prediction"], a.body, "") {
		t.Errorf("shape: %s", problem)
	}
}

func TestWrongFeedback(t *testing.T) {
	t.Parallel()
	h := open(t)
	var b board
	h.get(t, boardPath).into(t, &b)
	id := b.Stops[0].PredictionID
	tests := []struct {
		body   string
		status int
		detail string
	}{
		{`{"kind": "useful"}`, 400, `prediction_id="": forecasts carry it`},
		{`{"prediction_id": "nobody", "kind": "useless"}`, 404, `no prediction "nobody" was logged here`},
		{`{"prediction_id": "ID", "kind": "good"}`, 400, `kind="good": want outcome, useful or useless`},
		{`{"prediction_id": "ID", "kind": "outcome"}`, 400, "an outcome is either delay_minutes or cancelled=true"},
		{`{"prediction_id": "ID", "kind": "outcome", "cancelled": true, "delay_minutes": 1}`, 400, "either"},
		{`{"prediction_id": "ID", "kind": "useless", "delay_minutes": 1}`, 400, "belong to the kind outcome"},
		{`{"prediction_id": "ID", "kind": "outcome", "delay_minutes": 1441}`, 400, "delay_minutes=1441: want -60 to 1440"},
		{`{"prediction_id": "ID", "kind": "outcome", "delay_minutes": 1.5}`, 400, "want a whole number"},
		{`{"prediction_id": "ID", "kind": "useless", "comment": "ask me@example.org"}`, 400, "nothing personal is kept"},
		{`{"prediction_id": "ID", "kind": "useless", "comment": "call 0151 234 5678"}`, 400, "nothing personal is kept"},
		{`{"prediction_id": "ID", "kind": "useless", "comment": "` + strings.Repeat("ü", 281) + `"}`, 400, "281 characters, at most 280"},
		{`{"prediction_id": "ID", "kind": "useless", "comment": "a\u0007"}`, 400, "control characters"},
		{`{"prediction_id": "ID", "kind": "useless", "name": "Anna"}`, 400, `unknown field "name"`},
	}
	for _, test := range tests {
		a := h.post(t, "/v1/feedback", strings.ReplaceAll(test.body, "ID", id))
		if detail, _ := a.body["detail"].(string); a.status != test.status || !strings.Contains(detail, test.detail) {
			t.Errorf("%s: %d %s\nwant %d with %q", test.body, a.status, a.raw, test.status, test.detail)
		}
	}
	if heard, err := h.db.FeedbackOn(t.Context(), id); err != nil || len(heard) != 0 {
		t.Errorf("kept of what was refused: %+v, %v", heard, err)
	}
}

func TestScoresAndAlerts(t *testing.T) {
	t.Parallel()
	h := open(t)
	row := schema.Score{Model: "punctuality", Version: 7, Digest: servingtest.Ref(7).Digest, Role: schema.RoleChampion, Source: schema.FromPanel, DataSource: "test",
		Evidence: "change_observed", FromDay: "2024-10-28", UntilDay: "2024-10-29", HorizonMinutes: 30, Metric: "brier", Value: 0.11, Lower: 0.1, Upper: 0.12,
		Baseline: "db_forecast_calibrated", BaselineValue: 0.13, Events: 812, Days: 1, ScoredAt: begin.Add(-time.Hour)}
	ece, sliced, elsewhere := row, row, row
	ece.Metric, ece.Lower, ece.Upper, ece.BaselineValue, ece.Baseline = "ece", math.NaN(), math.NaN(), math.NaN(), ""
	sliced.SliceKind, sliced.Slice = "product", "ICE"
	elsewhere.DataSource = "other"
	if err := h.db.SaveScores(t.Context(), "scores", []schema.Score{row, ece, sliced, elsewhere}); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]int{"": 2, "?metric=brier": 1, "?slices=true": 3, "?from=2024-10-29": 0} {
		var got scoresAnswer
		a := h.get(t, "/v1/models/punctuality/scores"+query)
		a.into(t, &got)
		if len(got.Scores) != want || got.Reliability != nil {
			t.Errorf("%q: %d scores, want %d: %s", query, len(got.Scores), want, a.raw)
		}
		if query == "?metric=brier" {
			s := got.Scores[0]
			if *s.Value != 0.11 || *s.Low != 0.1 || *s.High != 0.12 || s.Baseline != "db_forecast_calibrated" || *s.BaselineValue != 0.13 || s.Events != 812 || s.Days != 1 || *s.HorizonMinutes != 30 {
				t.Errorf("score %s", a.raw)
			}
		}
	}
	firing := schema.Alert{AlertID: "a1", Name: "coverage", Severity: "warning", State: schema.AlertFiring, Subject: "main", Summary: "Half of the hours were not polled.", Details: `{"share": "0.5"}`, RaisedAt: begin, Version: 1}
	over := firing
	over.AlertID, over.State, over.ResolvedAt = "a2", schema.AlertResolved, begin.Add(time.Minute)
	for _, alert := range []schema.Alert{firing, over} {
		if err := h.db.SaveAlert(t.Context(), alert); err != nil {
			t.Fatal(err)
		}
	}
	d := read(t)
	for query, want := range map[string]string{"": "a1", "?state=resolved": "a2", "?state=all": "a1 a2"} {
		var got alertsAnswer
		a := h.get(t, "/v1/alerts"+query)
		a.into(t, &got)
		var ids []string
		for _, alert := range got.Alerts {
			ids = append(ids, alert.ID)
		}
		if strings.Join(ids, " ") != want {
			t.Errorf("%q: %v, want %s", query, ids, want)
		}
		for _, problem := range d.check(d.Components.Schemas["Alerts"], a.body, "") {
			t.Errorf("shape: %s", problem)
		}
	}
	if a := h.get(t, "/v1/alerts?state=loud"); a.status != 400 {
		t.Errorf("state=loud: %d %s", a.status, a.raw)
	}
	if a := h.get(t, "/v1/models/punctuality/scores?from=2024-10-30&until=2024-10-29"); a.status != 400 {
		t.Errorf("days the wrong way round: %d %s", a.status, a.raw)
	}
}

// The panel called 80 % four times, and three of the trains were on time.
func TestReliabilityOfThePanel(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.settle(t, 4, func(int) float64 { return 0.8 }, func(n int) int { return 3 + n })
	a := h.get(t, "/v1/models/punctuality/scores")
	var got scoresAnswer
	a.into(t, &got)
	want := `{"from":"2024-10-29","until":"2024-10-30","horizon_minutes":30,"events":4,"days":1,"bins":[{"called":0.8,"mean_forecast":0.8,"events":4,"on_time":3}]}`
	if body, err := json.Marshal(got.Reliability); err != nil || string(body) != want {
		t.Errorf("got  %s\nwant %s", body, want)
	}
	d := read(t)
	for _, problem := range d.check(d.Components.Schemas["Scores"], a.body, "") {
		t.Errorf("shape: %s", problem)
	}
}
