package rail_test

import (
	"testing"
	"time"

	"puenktlich/internal/rail"
)

// Deutsche Bahn counts up to 5:59 as punctual.
func TestDelays(t *testing.T) {
	t.Parallel()
	planned := utc(t, "2024-10-27T00:58:00Z") // before the clock goes back
	tests := []struct {
		delay  int
		onTime bool
		bucket int
	}{
		{-60, true, 0}, {-2, true, 0}, {-1, true, 0}, {0, true, 1}, {1, true, 2}, {2, true, 2}, {3, true, 3}, {5, true, 3},
		{6, false, 4}, {9, false, 4}, {10, false, 5}, {14, false, 5}, {15, false, 6}, {29, false, 6}, {30, false, 7}, {600, false, 7},
	}
	for _, test := range tests {
		actual := planned.Add(time.Duration(test.delay) * time.Minute)
		if got := rail.DelayMinutes(planned, actual); got != test.delay {
			t.Errorf("%d minutes are %d", test.delay, got)
		}
		if rail.OnTime(test.delay) != test.onTime || rail.Bucket(test.delay) != test.bucket {
			t.Errorf("%d minutes: on time %v, bucket %d; want %v, %d", test.delay, rail.OnTime(test.delay), rail.Bucket(test.delay), test.onTime, test.bucket)
		}
		for _, cancelled := range []bool{false, true} {
			truth := rail.Truth{Planned: planned, Actual: actual, Cancelled: cancelled}
			if truth.Late() != (!test.onTime && !cancelled) {
				t.Errorf("%d minutes, cancelled %v: late %v", test.delay, cancelled, truth.Late())
			}
		}
	}
	if edges := rail.BucketEdges(); edges[rail.OnTimeEdge] != rail.LateMinutes-1 {
		t.Errorf("the on-time edge is at %d minutes", edges[rail.OnTimeEdge])
	}
}
