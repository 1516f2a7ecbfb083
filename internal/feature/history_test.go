package feature

import (
	"testing"
	"time"

	"puenktlich/internal/rail"
)

func TestKeysOfAnEvent(t *testing.T) {
	t.Parallel()
	p := event(t, "77-2410290900-4", rail.Arrival, "22:30")
	p.EVA = 8000105
	want := [4]HistoryKey{
		{ByTrain, "RE 4600|8000105|arrival"},
		{ByLine, "RE 54|8000105|arrival"},
		{ByCategory, "RE|arrival"},
		{ByAll, ""},
	}
	if got := Keys(&p); got != want {
		t.Errorf("got %v\nwant %v", got, want)
	}
	p.Line = ""
	if got := Keys(&p)[1]; got.Value != "RE|8000105|arrival" {
		t.Errorf("without a line: %v", got)
	}
}

func TestCountsOfTruth(t *testing.T) {
	t.Parallel()
	planned := clock(t, "10:00")
	for name, test := range map[string]struct {
		delay     time.Duration
		cancelled bool
		want      Counts
	}{
		"five minutes are on time": {5 * time.Minute, false, Counts{Events: 1, DelaySum: 5}},
		"six are late":             {6 * time.Minute, false, Counts{Events: 1, Late: 1, DelaySum: 6}},
		"three hours count as one": {3 * time.Hour, false, Counts{Events: 1, Late: 1, DelaySum: 60}},
		"half an hour early":       {-30 * time.Minute, false, Counts{Events: 1, DelaySum: -10}},
		"cancelled did not run":    {9 * time.Minute, true, Counts{Cancelled: 1}},
	} {
		truth := rail.Truth{Planned: planned, Actual: planned.Add(test.delay), Cancelled: test.cancelled}
		if got := CountsOf(truth); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

// Overall 20 of 100 late, 25 of 125 cancelled; the category 20 events, 10 late,
// none cancelled; the line 5 events, all late; the train never seen.
func TestShrunkRates(t *testing.T) {
	t.Parallel()
	p := event(t, "77-2410290900-4", rail.Arrival, "10:00")
	keys := Keys(&p)
	h := NewHistory()
	h.Add(keys[3], Counts{Events: 60, Late: 15, Cancelled: 25})
	h.Add(keys[3], Counts{Events: 40, Late: 5})
	h.Add(keys[2], Counts{Events: 20, Late: 10})
	h.Add(keys[1], Counts{Events: 5, Late: 5, Cancelled: 5})
	k := at(t, holding(Options{}, []rail.PlannedEvent{p}), p, "09:00")
	// category: (10 + 20*0.2)/40 = 0.35, cancelled (0 + 20*0.2)/40 = 0.1
	// line: (5 + 20*0.35)/25 = 0.48, cancelled (5 + 20*0.1)/30 = 7/30
	// train: no event, so the line's
	late, line, cancelled := 0.35, 0.48, 7./30
	expect(t, &k, h, map[string]float64{
		"history_late_category": late, "history_excess_line": line - late, "history_excess_train": line - late,
		"history_cancelled_line": cancelled,
	})
	before := h.Clone()
	h.Add(keys[0], Counts{Events: 5}) // the train: (0 + 5*0.48)/10 = 0.24
	k = at(t, holding(Options{}, []rail.PlannedEvent{p}), p, "09:00")
	train := 0.24
	expect(t, &k, h, map[string]float64{"history_excess_train": train - late})
	expect(t, &k, before, map[string]float64{"history_excess_train": line - late})
}

func TestHistoryOfEvents(t *testing.T) {
	t.Parallel()
	p := event(t, "77-2410290900-4", rail.Arrival, "10:00")
	h := NewHistory()
	h.AddEvent(&p, rail.Truth{Planned: p.Planned, Actual: p.Planned.Add(7 * time.Minute)})
	h.AddEvent(&p, rail.Truth{Planned: p.Planned, Cancelled: true})
	for _, key := range Keys(&p) {
		if got, ok := h.Lookup(key); !ok || got != (Counts{Events: 1, Late: 1, Cancelled: 1, DelaySum: 7}) {
			t.Errorf("%v: %+v %v", key, got, ok)
		}
	}
	if _, ok := h.Lookup(HistoryKey{ByTrain, "ICE 1|1|arrival"}); ok || h.Len() != 4 {
		t.Errorf("a key never added is found, or %d keys are not 4", h.Len())
	}
}
