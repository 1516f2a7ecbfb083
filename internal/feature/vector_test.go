package feature

import (
	"math"
	"regexp"
	"testing"

	"puenktlich/internal/rail"
)

var nan = math.NaN()

// expect compares named features; the rest is not looked at.
func expect(t *testing.T, k *Knowledge, h *History, want map[string]float64) {
	t.Helper()
	vector := make([]float32, Width())
	Vector(vector, k, h)
	seen := 0
	for i, name := range Names() {
		w, ok := want[name]
		if !ok {
			continue
		}
		seen++
		if got := float64(vector[i]); got != float64(float32(w)) && !(math.IsNaN(got) && math.IsNaN(w)) {
			t.Errorf("%s = %g, want %g", name, got, w)
		}
	}
	if seen != len(want) {
		t.Errorf("%d of %d names are in the catalogue", seen, len(want))
	}
}

func TestVectorOfALonelyEvent(t *testing.T) {
	t.Parallel()
	p := event(t, "77-2410290904-4", rail.Arrival, "10:30") // left its origin at 08:04 UTC
	k := at(t, holding(Options{}, []rail.PlannedEvent{p}), p, "09:00")
	want := map[string]float64{
		"horizon": 90, "is_departure": 0, "is_long_distance": 0, "is_regional": 1, "is_suburban": 0,
		"is_ice": 0, "stop_index": 4, "path_stops": 2, "trip_minutes": 146, "dwell": nan,
		"forecast_delay": nan, "forecast_in": nan, "forecast_age": nan, "forecast_trend_15": nan, "forecast_trend_30": nan,
		"forecast_trend_first": nan, "forecast_count": 0,
		"cancelled": 0, "reasons": 0, "reason_age": nan, "qualities": 0, "disruptions": 0, "platform_changed": 0, "path_change": 0,
		"other_delay": nan, "other_age": nan, "other_cancelled": 0, "ready_margin": nan,
		"upstream_delay": nan, "upstream_stops": nan, "passed_delay": nan, "passed_age": nan, "trip_cancelled": nan,
		"previous_run_delay": nan, "turn_minutes": nan, "previous_run_cancelled": 0,
		"station_events": 0, "station_late": nan, "station_delay": nan, "station_cancelled": nan, "ahead_late": nan,
		"line_delay": nan, "line_late": nan, "line_cancelled": nan, "section_delay": nan,
		"history_late_category": nan, "history_excess_line": nan, "history_excess_train": nan,
		"history_cancelled_line": nan,
	}
	expect(t, &k, nil, want)
	if len(want) != Width() {
		t.Errorf("%d of %d features are named here; say of the others what they are when nothing is known", len(want), Width())
	}
}

func TestVectorOfADepartureInTrouble(t *testing.T) {
	t.Parallel()
	p := event(t, "77-2410290900-4", rail.Departure, "10:30")
	arrival := event(t, "77-2410290900-4", rail.Arrival, "10:24")
	first := poll(t, p, "09:30", "10:31")
	first.Path = "Hanau Hbf"
	first.Messages = []rail.Message{{ID: "r1", Type: "d", Code: 36, Time: clock(t, "09:40")}, {ID: "r2", Type: "h"}}
	second := poll(t, p, "10:10", "10:40")
	second.Platform = "6"
	same := poll(t, arrival, "10:10", "10:35")
	s := holding(Options{}, []rail.PlannedEvent{p, arrival}, first, second, same)
	k := at(t, s, p, "10:20")
	expect(t, &k, nil, map[string]float64{
		"horizon": 10, "is_departure": 1, "dwell": 6,
		"forecast_delay": 10, "forecast_in": 20, "forecast_age": 10, "forecast_trend_15": 9, "forecast_trend_30": 9,
		"forecast_trend_first": 9, "forecast_count": 2,
		"reasons": 1, "reason_age": 40, "disruptions": 1, "platform_changed": 1, "path_change": -1,
		"other_delay": 11, "other_age": 10, "ready_margin": -5, // arrives 10:35, should leave 10:30
	})
}

func TestReadyMarginOfATurn(t *testing.T) {
	t.Parallel()
	p := event(t, "77-2410291040-1", rail.Departure, "10:40")
	ended := event(t, "11-2410290900-9", rail.Arrival, "10:20")
	late := poll(t, ended, "10:00", "10:33")
	gone := poll(t, ended, "10:10", "")
	gone.Status = rail.StatusCancelled
	s := holding(Options{}, []rail.PlannedEvent{p, ended}, late, gone)
	for cutOff, want := range map[string]map[string]float64{
		"09:59": {"ready_margin": 20, "previous_run_delay": nan, "turn_minutes": 20, "previous_run_cancelled": 0},
		"10:00": {"ready_margin": 7, "previous_run_delay": 13, "turn_minutes": 20, "previous_run_cancelled": 0},
		"10:10": {"ready_margin": nan, "previous_run_delay": 13, "turn_minutes": 20, "previous_run_cancelled": 1},
	} {
		k := at(t, s, p, cutOff)
		expect(t, &k, nil, want)
	}
}

func TestVectorOfTraffic(t *testing.T) {
	t.Parallel()
	s, asked, _ := trafficWorld(t)
	k := at(t, s, asked, "11:03")
	expect(t, &k, nil, map[string]float64{
		"station_events": 5, "station_late": 2. / 3, "station_delay": 71. / 3, "station_cancelled": 0.2, "ahead_late": 0,
		"line_delay": 5.5, "line_late": 0.5, "line_cancelled": 0.25, "section_delay": 6,
	})
}

func TestCatalogueIsWellFormed(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	name := regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	for _, f := range Catalogue() {
		if !name.MatchString(f.Name) || seen[f.Name] {
			t.Errorf("name %q is malformed or twice", f.Name)
		}
		seen[f.Name] = true
		if f.Unit == "" || f.Source == "" || f.KnownAt == "" || f.Group == "" || f.Meaning == "" {
			t.Errorf("%s: incomplete: %+v", f.Name, f)
		}
	}
	if v := Version(); !regexp.MustCompile(`^f1-[0-9a-f]{8}$`).MatchString(v) {
		t.Errorf("version %q", v)
	}
}
