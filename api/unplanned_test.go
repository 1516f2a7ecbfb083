package api

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

// changed adds a change of an event to the store and waits until it is followed.
func (h *house) changed(t *testing.T, change rail.Change) {
	t.Helper()
	if err := h.db.InsertChanges(t.Context(), schema.Batch{Token: string(change.Stop), Source: "test", Group: "main"}, []rail.Change{change}); err != nil {
		t.Fatal(err)
	}
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for observed := false; !observed; _, observed = h.live.Unplanned(change.Key(), begin) {
		select {
		case <-deadline.C:
			t.Fatalf("the change was not followed within a minute: %v", h.live.Fault())
		case <-tick.C:
		}
	}
}

// TestAnAddedTrainIsToldAsTheRailwayTellsIt: a train that the railway added stands in
// no plan. However it is asked for, the answer is the same one: no forecast of
// ours, and the railway's own, labelled so.
func TestAnAddedTrainIsToldAsTheRailwayTellsIt(t *testing.T) {
	t.Parallel()
	h := open(t)
	polled := begin.Add(-time.Minute)
	added := rail.Change{EVA: 8000105, Stop: "-77-2410291000-1", Kind: rail.Departure, Seq: uint64(polled.UnixMilli())<<20 + 900, PolledAt: polled,
		Planned: begin.Add(20 * time.Minute), Changed: begin.Add(27 * time.Minute), Status: rail.StatusAdded, Platform: "9",
		Train: rail.Train{Category: "ICE", Number: "2592"}}
	h.changed(t, added)
	d := read(t)
	for name, query := range map[string]string{
		"by stop":              "stop_id=" + string(added.Stop),
		"by name":              "station=8000105&train=ICE+2592",
		"by name and time":     "station=8000105&train=2592&planned=10:35&event=departure",
		"at an earlier minute": "stop_id=" + string(added.Stop) + "&at=" + url.QueryEscape(polled.Format(time.RFC3339)),
	} {
		a := h.get(t, "/v1/forecasts?"+query)
		var p struct {
			Type    string
			Railway map[string]any
		}
		if err := json.Unmarshal(a.raw, &p); err != nil {
			t.Fatal(err)
		}
		if a.status != 422 || p.Type != "urn:puenktlich:problem:no-plan" || !strings.Contains(string(a.raw), "the railway added after the timetable was published") {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
			continue
		}
		for field, want := range map[string]any{"train": "ICE 2592", "planned": "2024-10-29T10:35:00+01:00", "time": "2024-10-29T10:42:00+01:00", "delay_minutes": 7.0,
			"cancelled": false, "platform": "9", "stop_id": string(added.Stop), "event": "departure"} {
			if p.Railway[field] != want {
				t.Errorf("%s: %s is %v, want %v", name, field, p.Railway[field], want)
			}
		}
		if source, _ := p.Railway["source"].(string); !strings.HasPrefix(source, "the railway's own forecast, not one of a model") {
			t.Errorf("%s: source %q", name, source)
		}
		for _, problem := range d.check(d.Components.Schemas["Problem"], a.body, "") {
			t.Errorf("%s: shape: %s", name, problem)
		}
	}
	var many batch
	h.post(t, "/v1/forecasts", fmt.Sprintf(`{"events": [{"stop_id": %q}, {"station": "8000105", "train": "ICE 2592"}]}`, added.Stop)).into(t, &many)
	for i := range 2 {
		if p := many.Answers[i].Problem; p == nil || p.Status != 422 || p.Railway == nil || *p.Railway.DelayMinutes != 7 {
			t.Errorf("in a batch: %+v", many.Answers[i])
		}
	}
	for name, query := range map[string]string{
		"before it was added":  "stop_id=" + string(added.Stop) + "&at=" + url.QueryEscape(polled.Add(-time.Minute).Format(time.RFC3339)),
		"at another time":      "station=8000105&train=ICE+2592&planned=10:36",
		"its arrival":          "station=8000105&train=ICE+2592&event=arrival",
		"on another day":       "station=8000105&train=ICE+2592&date=2024-10-30",
		"another train's name": "station=8000105&train=ICE+2593",
	} {
		if a := h.get(t, "/v1/forecasts?"+query); a.status != 404 || strings.Contains(string(a.raw), "railway\":") {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
}

// TestAChangeWithoutAPlanIsNotCalledAdded: its plan was not seen, which is all that
// is known.
func TestAChangeWithoutAPlanIsNotCalledAdded(t *testing.T) {
	t.Parallel()
	h := open(t)
	polled := begin.Add(-time.Minute)
	change := rail.Change{EVA: 8000105, Stop: "-78-2410291000-1", Kind: rail.Arrival, Seq: uint64(polled.UnixMilli())<<20 + 901, PolledAt: polled, Changed: begin.Add(25 * time.Minute)}
	h.changed(t, change)
	a := h.get(t, "/v1/forecasts?stop_id="+string(change.Stop))
	if a.status != 422 || !strings.Contains(string(a.raw), "its plan was not") || !strings.Contains(string(a.raw), `"time":"2024-10-29T10:40:00+01:00","delay_minutes":null`) {
		t.Errorf("%d %s", a.status, a.raw)
	}
}
