package prepare

import (
	"testing"

	"puenktlich/internal/rail"
)

// A city of 133 stations polled every quarter of an hour, from noon on: what is
// known comes late and for many stations at once.
func TestBerlinAfternoon(t *testing.T) {
	t.Parallel()
	path := recording(t, "berlin", "2025-09-02")
	h := newHouse(t)
	h.importDay(t, path)
	checkKnowledge(t, h, rail.Day("2025-09-02"))
}
