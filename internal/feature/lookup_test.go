package feature

import (
	"testing"

	"puenktlich/internal/rail"
)

func TestOtherStopsOfTheTrip(t *testing.T) {
	t.Parallel()
	// One trip over stations 1 to 4; asked for the arrival at the last.
	first := event(t, "77-2410290900-1", rail.Departure, "10:00")
	second := event(t, "77-2410290900-2", rail.Arrival, "10:20")
	secondOut := event(t, "77-2410290900-2", rail.Departure, "10:22")
	third := event(t, "77-2410290900-3", rail.Departure, "10:40")
	last := event(t, "77-2410290900-4", rail.Arrival, "11:00")
	later := event(t, "77-2410290900-5", rail.Arrival, "11:30")
	cancelled := poll(t, later, "10:10", "")
	cancelled.Status = rail.StatusCancelled
	s := holding(Options{}, []rail.PlannedEvent{first, second, secondOut, third, last, later},
		poll(t, first, "10:01", "10:03"), poll(t, second, "10:05", "10:25"), poll(t, secondOut, "10:05", "10:28"),
		poll(t, later, "10:05", "11:50"), cancelled)
	k := at(t, s, last, "10:26")
	// Nothing is known at the third stop; the departure at the second comes after its arrival.
	if k.Upstream.Stop != secondOut.Stop || k.Upstream.Kind != rail.Departure || k.Upstream.StopsBetween != 2 {
		t.Errorf("upstream %+v, want the departure two stops before", k.Upstream)
	}
	if delay, ok := k.Upstream.DelayMinutes(); !ok || delay != 6 {
		t.Errorf("upstream delay %d %v, want 6", delay, ok)
	}
	// At 10:26 the train has arrived at the second stop (10:25), not left it (10:28).
	if delay, ok := k.Passed.DelayMinutes(); k.Passed.Kind != rail.Arrival || !ok || delay != 5 {
		t.Errorf("passed %+v, want the arrival at the second stop, 5 late", k.Passed)
	}
	if k := at(t, s, last, "10:28"); k.Passed.Kind != rail.Departure {
		t.Errorf("passed %+v, want the departure: its time has come", k.Passed)
	}
	if k.TripEvents != 5 || k.TripCancelled != 1 {
		t.Errorf("%d of %d cancelled, want 1 of 5", k.TripCancelled, k.TripEvents)
	}
	if k := at(t, s, last, "10:00"); k.Upstream != (Neighbour{}) || k.Passed != (Neighbour{}) {
		t.Errorf("before any poll: %+v %+v, want none", k.Upstream, k.Passed)
	}
}

func TestPreviousRunOfTheTrainSet(t *testing.T) {
	t.Parallel()
	departure := event(t, "77-2410291040-1", rail.Departure, "10:40")
	ended := event(t, "11-2410290900-9", rail.Arrival, "10:20")
	earlier := event(t, "12-2410290800-9", rail.Arrival, "09:50")
	otherCategory := event(t, "13-2410290800-9", rail.Arrival, "10:30")
	otherCategory.Train.Category = "ICE"
	otherPlatform := event(t, "14-2410290800-9", rail.Arrival, "10:31")
	otherPlatform.Platform = "6"
	through := event(t, "15-2410290800-3", rail.Arrival, "10:32")
	throughOut := event(t, "15-2410290800-3", rail.Departure, "10:34")
	between := event(t, "16-2410291030-1", rail.Departure, "10:30")
	tooEarly := event(t, "17-2410290800-9", rail.Arrival, "08:39")
	naming := otherPlatform
	naming.NextTrip = string(departure.Stop)
	named := departure
	named.NextTrip = string(otherPlatform.Stop)

	crowd := []rail.PlannedEvent{ended, earlier, otherCategory, through, throughOut, tooEarly}
	with := func(more ...rail.PlannedEvent) []rail.PlannedEvent { return append(more, crowd...) }
	tests := []struct {
		name  string
		asked rail.PlannedEvent
		plans []rail.PlannedEvent
		want  rail.StopID
	}{
		{"the last that ended on the platform", departure, with(departure, otherPlatform), ended.Stop},
		{"a train that began in between took that one", departure, with(departure, between), earlier.Stop},
		{"named by the arrival", departure, with(departure, naming), otherPlatform.Stop},
		{"named by the departure", named, with(named, otherPlatform), otherPlatform.Stop},
		{"none within two hours", departure, []rail.PlannedEvent{departure, tooEarly}, ""},
		{"a through train has its own arrival", throughOut, with(departure), ""},
		{"an arrival has none", ended, with(departure), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if k := at(t, holding(Options{}, test.plans), test.asked, "10:35"); k.PreviousRun.Stop != test.want {
				t.Errorf("previous run %q, want %q", k.PreviousRun.Stop, test.want)
			}
		})
	}
}

// traffic of station 1 as seen for an arrival at 11:30 of line RE 54.
func trafficWorld(t *testing.T) (*State, rail.PlannedEvent, rail.PlannedEvent) {
	t.Helper()
	asked := event(t, "77-2410290900-4", rail.Arrival, "11:30")
	onLine := event(t, "1-2410290900-4", rail.Arrival, "10:10")
	onLineBack := event(t, "2-2410290900-1", rail.Departure, "10:20")
	other := event(t, "3-2410290900-4", rail.Arrival, "10:59")
	other.Train.Category, other.Line, other.Path = "ICE", "", []string{"Mainz Hbf"}
	unknown := event(t, "4-2410290900-4", rail.Arrival, "10:30")
	gone := event(t, "5-2410290900-4", rail.Arrival, "10:40")
	early := event(t, "6-2410290900-4", rail.Arrival, "09:59") // outside the hour before 11:00
	ahead := event(t, "7-2410290900-4", rail.Arrival, "11:00")
	cancelled := poll(t, gone, "10:30", "10:50")
	cancelled.Status = rail.StatusCancelled
	s := holding(Options{}, []rail.PlannedEvent{asked, onLine, onLineBack, other, unknown, gone, early, ahead},
		poll(t, onLine, "10:00", "10:16"), poll(t, onLineBack, "10:00", "10:25"), poll(t, other, "10:55", "13:00"),
		poll(t, early, "09:50", "10:30"), poll(t, ahead, "10:55", "11:00"), cancelled)
	return s, asked, unknown
}

func TestTrafficOfTheStation(t *testing.T) {
	t.Parallel()
	s, asked, _ := trafficWorld(t)
	k := at(t, s, asked, "11:03") // counted at 11:00
	// Known: 6, 5 and 121 minutes, the last held at 60.
	for name, test := range map[string]struct{ got, want Traffic }{
		"station": {k.Station, Traffic{Events: 5, Cancelled: 1, Known: 3, Late: 2, DelaySumMinutes: 71}},
		"line":    {k.Line, Traffic{Events: 4, Cancelled: 1, Known: 2, Late: 1, DelaySumMinutes: 11}},
		"section": {k.Section, Traffic{Events: 3, Cancelled: 1, Known: 1, Late: 1, DelaySumMinutes: 6}},
		"ahead":   {k.Ahead, Traffic{Events: 2, Known: 1}},
	} {
		if test.got != test.want {
			t.Errorf("%s: %+v, want %+v", name, test.got, test.want)
		}
	}
}

func TestTrafficIsCountedAgainAfterALateChange(t *testing.T) {
	t.Parallel()
	s, asked, unknown := trafficWorld(t)
	if k := at(t, s, asked, "11:03"); k.Station.Known != 3 {
		t.Fatalf("known %d, want 3", k.Station.Known)
	}
	s.AddChanges([]rail.Change{poll(t, unknown, "11:00:00.001", "10:40")})
	if k := at(t, s, asked, "11:04"); k.Station.Known != 3 {
		t.Errorf("known %d, want 3: polled after the tick", k.Station.Known)
	}
	s.AddChanges([]rail.Change{poll(t, unknown, "10:59", "10:41")})
	if k := at(t, s, asked, "11:04"); k.Station.Known != 4 || k.Station.Late != 3 {
		t.Errorf("known %d late %d, want 4 and 3: polled before the tick, come after it", k.Station.Known, k.Station.Late)
	}
	s.AddChanges([]rail.Change{poll(t, asked, "10:58", "11:36")})
	if k := at(t, s, asked, "11:04"); k.Ahead.Known != 2 || k.Ahead.Late != 1 {
		t.Errorf("ahead known %d late %d, want 2 and 1", k.Ahead.Known, k.Ahead.Late)
	}
	more := event(t, "8-2410290900-4", rail.Arrival, "10:50")
	s.AddPlan([]rail.PlannedEvent{more})
	if k := at(t, s, asked, "11:04"); k.Station.Events != 6 {
		t.Errorf("events %d, want 6 after another plan", k.Station.Events)
	}
}
