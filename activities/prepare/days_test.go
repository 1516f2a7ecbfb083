package prepare

import (
	"testing"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/schemas"
)

// Expected counts are those published with the recordings: 4,494 events that
// ran and had a change observed, 1,158 + 1,129 + 1,087 + 1,120, 24.5 % of them
// late, and 60 of the last evening not settled when the recording ends. The
// truth lacks those 60 then and nothing else; it has them once 90 minutes have
// passed.
func TestFrankfurtDays(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	days := []rail.Day{"2024-10-28", "2024-10-29", "2024-10-30", "2024-10-31", "2024-11-01"}
	for _, day := range days {
		h.importDay(t, recording(t, "frankfurt-hbf", string(day)))
	}
	ends := h.lastPoll(t)
	later := days[4].End().Add(rail.HistoryDelay)
	// The first day has no plans: what changed on it is no event of ours.
	settled := map[rail.Day]schemas.SettleCounts{
		days[0]: {},
		days[1]: {Planned: 1200, Observed: 1158, Late: 271, Cancelled: 40, NoChange: 2},
		days[2]: {Planned: 1206, Observed: 1129, Late: 294, Cancelled: 75, NoChange: 2},
		days[3]: {Planned: 1212, Observed: 1087, Late: 286, Cancelled: 121, NoChange: 4},
		days[4]: {Planned: 1195, Observed: 1120 - 60, Late: 222, Cancelled: 70, NoChange: 1, Unsettled: 64},
	}
	for day, want := range settled {
		if counts := h.settle(t, string(day), ends); counts != want {
			t.Errorf("%s as of the last poll: %+v, want %+v", day, counts, want)
		}
	}
	want := schemas.SettleCounts{Planned: 1195, Observed: 1120, Late: 251, Cancelled: 74, NoChange: 1}
	if counts := h.settle(t, string(days[4]), later); counts != want {
		t.Errorf("the last day later: %+v, want %+v", counts, want)
	}
	inTruth := 0
	for _, day := range days {
		truths, err := h.truths(t.Context(), day, later)
		must(t, err)
		for _, truth := range truths {
			if truth.Evidence == rail.ChangeObserved && !truth.Cancelled {
				inTruth++
			}
		}
	}
	if inTruth != 4494 {
		t.Errorf("%d events with an observed change in the truth, want 4494", inTruth)
	}
}

// lastPoll is when the recording ends.
func (h *house) lastPoll(t *testing.T) (at time.Time) {
	t.Helper()
	must(t, h.conn.QueryRow(t.Context(), "SELECT max(polled_at) FROM poll").Scan(&at))
	return at.UTC()
}
