package feature

import (
	"fmt"
	"testing"

	"puenktlich/internal/rail"
)

func TestChangesWaitForTheirPlan(t *testing.T) {
	t.Parallel()
	p := event(t, "77-2410290900-4", rail.Arrival, "10:00")
	s := holding(Options{}, nil, poll(t, p, "09:10", "10:02"), poll(t, p, "09:25", "10:05"))
	if _, ok := s.At(p.Key(), clock(t, "09:30")); ok {
		t.Error("an event without a plan was answered")
	}
	if got := s.Size(); got != (Size{Unknown: 1}) {
		t.Errorf("size %+v, want one unknown event", got)
	}
	s.AddPlan([]rail.PlannedEvent{p})
	if got := s.Size(); got != (Size{Events: 1}) {
		t.Errorf("size %+v, want one event", got)
	}
	if k := at(t, s, p, "09:30"); k.Own.Forecasts != 2 || !k.Own.Changed.Equal(clock(t, "10:05")) {
		t.Errorf("after the plan came: %+v, want both changes", k.Own)
	}
}

func TestUnknownEventsAreBounded(t *testing.T) {
	t.Parallel()
	s := NewState(Options{MaxUnknown: 3})
	var plans []rail.PlannedEvent
	for i := range 5 {
		p := event(t, fmt.Sprintf("%d-2410290900-4", i), rail.Arrival, "10:00")
		plans = append(plans, p)
		s.AddChanges([]rail.Change{poll(t, p, "09:10", "10:02")})
	}
	if got := s.Size().Unknown; got != 3 {
		t.Errorf("%d unknown events, want 3", got)
	}
	s.AddPlan(plans)
	for i, p := range plans {
		want := 0
		if i >= 2 { // the two that had waited longest are gone
			want = 1
		}
		if k := at(t, s, p, "09:30"); k.Own.Forecasts != want {
			t.Errorf("event %d: %d forecasts, want %d", i, k.Own.Forecasts, want)
		}
	}
}

func TestForget(t *testing.T) {
	t.Parallel()
	old := event(t, "11-2410290900-9", rail.Arrival, "10:20")
	p := event(t, "77-2410291040-1", rail.Departure, "10:40")
	old.NextTrip = string(p.Stop)
	stray := event(t, "5-2410290900-4", rail.Arrival, "10:00")
	s := holding(Options{}, []rail.PlannedEvent{old, p}, poll(t, old, "10:00", "10:28"), poll(t, stray, "10:10", "10:20"))
	if k := at(t, s, p, "10:39"); k.PreviousRun.Stop != old.Stop || k.Station.Events != 1 {
		t.Fatalf("before: %+v", k)
	}
	s.Forget(clock(t, "10:20"))
	if got := s.Size(); got != (Size{Events: 2}) {
		t.Errorf("size %+v, want both events: the bound itself stays; the stray change goes", got)
	}
	s.Forget(clock(t, "10:21"))
	if got := s.Size(); got != (Size{Events: 1}) {
		t.Errorf("size %+v, want one event", got)
	}
	if k := at(t, s, p, "10:39"); k.PreviousRun.Stop != "" || k.Station.Events != 0 {
		t.Errorf("after: %+v, want no trace of the forgotten arrival", k)
	}
	s.Forget(clock(t, "23:00"))
	if len(s.boards)+len(s.trips)+len(s.turns)+len(s.events) != 0 {
		t.Errorf("left over: %d boards, %d trips, %d turns, %d events", len(s.boards), len(s.trips), len(s.turns), len(s.events))
	}
}

func TestPlansOfAStation(t *testing.T) {
	t.Parallel()
	var plans []rail.PlannedEvent
	for i, planned := range []string{"10:30", "10:00", "11:00", "10:00"} {
		plans = append(plans, event(t, fmt.Sprintf("%d-2410290900-4", i), rail.Arrival, planned))
	}
	elsewhere := event(t, "9-2410290900-4", rail.Arrival, "10:10")
	elsewhere.EVA = 2
	s := holding(Options{}, append(plans, elsewhere))
	s.AddPlan(plans) // again: a stop that straddles the hour stands in two files
	var got []rail.StopID
	for _, p := range s.Plans(1, clock(t, "10:00"), clock(t, "11:00")) {
		got = append(got, p.Stop)
	}
	want := []rail.StopID{"1-2410290900-4", "3-2410290900-4", "0-2410290900-4"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("plans %v, want %v: from inclusive, to exclusive, by time", got, want)
	}
	if s.Plans(3, clock(t, "10:00"), clock(t, "11:00")) != nil {
		t.Error("a station without plans has some")
	}
}
