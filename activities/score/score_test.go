package score

import (
	"strings"
	"testing"
	"time"

	"puenktlich/internal/feature"
	"puenktlich/internal/learn"
	"puenktlich/internal/rail"
)

// The expected identifier is the first half of a SHA-256 computed with Python's
// hashlib: a forecast that is made again keeps its row.
func TestIdentifiersAreStable(t *testing.T) {
	t.Parallel()
	digest, key := strings.Repeat("a", 64), rail.EventKey{Stop: "-12-2410290548-3", Kind: rail.Arrival}
	const want = "9dd21e06-e164-6a86-fad8-80cdabcb4550"
	if got := identify(digest, key, 60); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	departure := rail.EventKey{Stop: key.Stop, Kind: rail.Departure}
	seen := map[string]bool{want: true}
	for _, other := range []string{identify(strings.Repeat("b", 64), key, 60), identify(digest, departure, 60), identify(digest, key, 5), identify(digest, key, 6)} {
		if seen[other] {
			t.Errorf("%s stands for two forecasts", other)
		}
		seen[other] = true
	}
}

// The forecast bins are the domain's: one a minute up to 14 for what is known,
// 0 for nothing announced; a group never seen takes the base rate.
func TestBaselineIsTheCalibratedForecast(t *testing.T) {
	t.Parallel()
	planned := rail.Day("2024-10-29").Start()
	v := voice{baselines: learn.Baselines{Rate: 0.25, Forecast: map[int]map[string]float64{60: {"ICE|0": 0.125, "ICE|7": 0.75}}}}
	for _, tt := range []struct {
		name     string
		delay    int
		category string
		horizon  int
		want     float64
	}{
		{"on time announced", 0, "ICE", 60, 0.875},
		{"seven minutes announced", 7, "ICE", 60, 0.25},
		{"a delay never seen in training", 8, "ICE", 60, 0.75},
		{"a category never seen", 0, "RE", 60, 0.75},
		{"another horizon", 0, "ICE", 5, 0.75},
	} {
		known := feature.Knowledge{Plan: &rail.PlannedEvent{Kind: rail.Arrival, Train: rail.Train{Category: tt.category}},
			Own: feature.Observed{Planned: planned, Changed: planned.Add(time.Duration(tt.delay) * time.Minute)}}
		if got := v.baseline(&known, tt.horizon); got != tt.want {
			t.Errorf("%s: P(on time) %v, want %v", tt.name, got, tt.want)
		}
	}
}
