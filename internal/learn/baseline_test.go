package learn

import (
	"fmt"
	"math"
	"testing"
	"time"

	"puenktlich/internal/dataset"
	"puenktlich/internal/rail"
)

// eight events at 60 minutes before, four of them at 5 minutes too.
func dozen() *dataset.Table {
	t := dataset.New("test", nil, nil)
	add := func(event, horizon int, category string, kind rail.EventKind, forecast, delay int) {
		t.Append(dataset.Row{Stop: rail.StopID(fmt.Sprintf("%d-2410291000-1", event)), Kind: kind, EventDay: "2024-10-29", Horizon: horizon,
			Category: category, DBDelay: forecast, DelayMinutes: delay, Evidence: rail.ChangeObserved,
			Planned: time.Date(2024, 10, 29, 10, event, 0, 0, time.UTC)}, nil)
	}
	add(1, 60, "ICE", rail.Arrival, 0, 0)
	add(2, 60, "ICE", rail.Arrival, 0, 7)
	add(3, 60, "ICE", rail.Departure, 10, 12)
	add(4, 60, "RE", rail.Arrival, 0, 2)
	add(5, 60, "RE", rail.Arrival, 0, 5)
	add(6, 60, "RE", rail.Departure, -2, -1)
	add(7, 60, "RE", rail.Departure, 15, 20)
	add(8, 60, "RE", rail.Departure, 19, 4)
	add(1, 5, "ICE", rail.Arrival, 0, 0)
	add(2, 5, "ICE", rail.Arrival, 6, 7)
	add(3, 5, "ICE", rail.Departure, 12, 12)
	add(4, 5, "RE", rail.Arrival, 1, 2)
	return t
}

func TestBaselinesByHand(t *testing.T) {
	t.Parallel()
	b, err := (Trainer{}).FitBaselines(t.Context(), Whole(dozen()))
	if err != nil {
		t.Fatal(err)
	}
	if b.Events != 8 || b.Rate != 3.0/8 {
		t.Errorf("%d events, rate %v; want 8, 0.375: an event counts once, however many horizons it has", b.Events, b.Rate)
	}
	tests := []struct {
		name, category string
		kind           rail.EventKind
		horizon        int
		forecast       int
		byCategory     float64 // 20 events at the base rate are 7.5 late ones
		calibrated     float64 // 5 events are 1.875
		raw            float64
	}{
		{"one of two late", "ICE", rail.Arrival, 60, 0, 8.5 / 22, 2.875 / 7, 0},
		{"departures apart, the forecast's bin is not", "ICE", rail.Departure, 60, 0, 8.5 / 21, 2.875 / 7, 0},
		{"one of one late", "ICE", rail.Departure, 60, 10, 8.5 / 21, 2.875 / 6, 1},
		{"none of two late", "RE", rail.Arrival, 60, 0, 7.5 / 22, 1.875 / 7, 0},
		{"early", "RE", rail.Departure, 60, -5, 8.5 / 23, 1.875 / 6, 0},
		{"15 and 19 share the tens", "RE", rail.Departure, 60, 17, 8.5 / 23, 2.875 / 7, 1},
		{"another horizon", "ICE", rail.Arrival, 5, 0, 8.5 / 22, 1.875 / 6, 0},
		{"six minutes are late", "ICE", rail.Arrival, 5, 6, 8.5 / 22, 2.875 / 6, 1},
		{"five are not; a bin never seen", "ICE", rail.Arrival, 5, 5, 8.5 / 22, 0.375, 0},
		{"a horizon never seen", "RE", rail.Arrival, 30, 0, 7.5 / 22, 0.375, 0},
		{"a category never seen", "S", rail.Arrival, 60, 0, 0.375, 0.375, 0},
	}
	for _, test := range tests {
		row := dataset.Row{Category: test.category, Kind: test.kind, Horizon: test.horizon, DBDelay: test.forecast}
		for what, pair := range map[string][2]float64{
			"by category": {b.LateByCategory(row), test.byCategory}, "calibrated": {b.LateByCalibratedForecast(row), test.calibrated},
			"forecast": {b.LateByForecast(row), test.raw},
		} {
			if math.Abs(pair[0]-pair[1]) > 1e-12 {
				t.Errorf("%s: %s %v, want %v", test.name, what, pair[0], pair[1])
			}
		}
	}
}

func TestForecastBins(t *testing.T) {
	t.Parallel()
	bins := map[string][]int{"early": {-60, -2}, "-1": {-1}, "0": {0}, "14": {14}, "10s": {15, 19}, "20s": {20, 29}, "50s": {50, 59}, "60s": {60}, "above": {61, 500}}
	for want, delays := range bins {
		for _, delay := range delays {
			if got := forecastBin(delay); got != want {
				t.Errorf("%d minutes are in bin %s, want %s", delay, got, want)
			}
		}
	}
}

func TestNoBaselinesOfNothing(t *testing.T) {
	t.Parallel()
	if _, err := (Trainer{}).FitBaselines(t.Context(), Whole(dataset.New("test", nil, nil))); err == nil {
		t.Error("no error")
	}
}
