package railsim

import (
	"strings"
	"testing"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/internal/timetables"
)

func TestNoTwoTrainsArePlannedTooClose(t *testing.T) {
	t.Parallel()
	r := newRailway(t, Options{Seed: 5})
	for version, table := range r.tables {
		for i, a := range table.routes {
			var others occupation
			for j, b := range table.routes {
				if i != j {
					others.take(b, b.offset)
				}
			}
			if n := others.conflicts(a, a.offset); n != 0 {
				t.Errorf("edition %d: %s (reverse %v) at minute %d has %d conflicts", version, a.line.name, a.reverse, a.offset, n)
			}
		}
	}
}

func TestApart(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		a, b passage
		want bool
	}{
		{"same speed, three minutes behind", passage{13, 23}, passage{10, 20}, true},
		{"same speed, two minutes behind", passage{12, 22}, passage{10, 20}, false},
		{"across the full hour", passage{61, 71}, passage{58, 68}, true},
		{"a fast train catches a slow one up", passage{14, 20}, passage{10, 22}, false},
		{"a fast train stays behind", passage{20, 26}, passage{10, 22}, true},
	}
	for _, c := range cases {
		if got := apart(c.a, c.b); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
		if got := apart(c.b, c.a); got != c.want {
			t.Errorf("%s, the other way round: %v", c.name, got)
		}
	}
}

func TestSizeOfTheCountry(t *testing.T) {
	t.Parallel()
	r := newRailway(t, Options{Seed: 1})
	for day, want := range map[rail.Day][2]int{
		"2026-06-10": {2000, 2500}, // Wednesday
		"2026-06-14": {1500, 2000}, // Sunday
	} {
		if n := len(allEvents(r, []rail.Day{day})); n < want[0] || n > want[1] {
			t.Errorf("%s: %d events, want %v", day, n, want)
		}
	}
}

func TestTripsRecurUnderTheSameHash(t *testing.T) {
	t.Parallel()
	table := newRailway(t, Options{Seed: 1}).tables[0]
	tuesday, wednesday := table.tripsOn("2026-06-09", false), table.tripsOn("2026-06-10", false)
	seen := map[string]bool{}
	for i, trip := range tuesday {
		if seen[trip.hash] {
			t.Fatalf("hash %s twice on a day", trip.hash)
		}
		seen[trip.hash] = true
		if other := wednesday[i]; trip.hash != other.hash || trip.train != other.train || trip.start[6:] != other.start[6:] {
			t.Fatalf("trip %d: %s %v, the next day %s %v", i, trip.hash, trip.train, other.hash, other.train)
		}
		if trip.start[:6] != "260609" {
			t.Fatalf("trip of 9 June starts %s", trip.start)
		}
	}
}

func TestTrainSetsTurnRoundInTime(t *testing.T) {
	t.Parallel()
	trips := newRailway(t, Options{Seed: 1}).tables[0].tripsOn("2026-06-10", false)
	linked := 0
	for i, trip := range trips {
		if trip.next == none {
			continue
		}
		linked++
		next := trips[trip.next]
		if next.previous != i || next.calls[0].name != trip.calls[trip.last()].name {
			t.Fatalf("trip %d goes on as %d, from another place or set", i, trip.next)
		}
		if wait := next.calls[0].dep - trip.calls[trip.last()].arr; wait < float64(trip.line.turn) {
			t.Fatalf("trip %d turns in %v minutes, want %d", i, wait, trip.line.turn)
		}
	}
	if linked < len(trips)/2 {
		t.Errorf("%d of %d trips go on as another", linked, len(trips))
	}
}

// A plan read back from the wire is the plan, on ordinary days and on both
// clock changes: 2026-10-25 has hour 02 twice, 2027-03-28 not at all.
func TestPlansReadBackAsPlanned(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		day   rail.Day
		hours int // files of the day
		nerve bool
	}{{"2026-06-10", 24, false}, {"2026-10-25", 24, true}, {"2027-03-28", 23, true}} {
		r := newRailway(t, Options{Seed: 3})
		want := map[rail.EventKey]rail.PlannedEvent{}
		for _, e := range allEvents(r, rail.Days(c.day.Add(-1), c.day.Add(1))) {
			if e.plan.EVA == Hub && !e.added {
				want[e.plan.Key()] = e.plan
			}
		}
		files, night, events := map[string]bool{}, 0, 0
		for hour := c.day.Start(); hour.Before(c.day.End()); hour = hour.Add(time.Hour) {
			call := timetables.Call{Kind: timetables.CallPlan, EVA: Hub, Hour: hour, AsOf: c.day.Start()}
			files[rail.FormatTime(hour)] = true
			for _, got := range parse(t, get(t, r, call), call).Planned {
				planned := want[got.Key()]
				planned.PolledAt = call.AsOf
				if !got.Planned.Equal(planned.Planned) || strings.Join(got.Path, "|") != strings.Join(planned.Path, "|") ||
					got.Train != planned.Train || got.ServiceDay != planned.ServiceDay || got.NextTrip != planned.NextTrip ||
					got.Platform != planned.Platform || got.Line != planned.Line || got.Index != planned.Index {
					t.Fatalf("%s: got %+v\nwant %+v", c.day, got, planned)
				}
				events++
				if strings.HasPrefix(got.Train.Category, "NJ") {
					night++
				}
			}
		}
		if len(files) != c.hours || events < 500 || night == 0 {
			t.Errorf("%s: %d files, %d events, %d of night trains", c.day, len(files), events, night)
		}
	}
}

func TestStopOnBothSidesOfTheHourStandsInBothPlans(t *testing.T) {
	t.Parallel()
	r := newRailway(t, Options{Seed: 1})
	day, straddling := rail.Day("2026-06-10"), 0
	in := map[rail.StopID]int{}
	halves := map[rail.StopID]map[string]bool{}
	for hour := day.Start(); hour.Before(day.End()); hour = hour.Add(time.Hour) {
		call := timetables.Call{Kind: timetables.CallPlan, EVA: Hub, Hour: hour, AsOf: day.Start()}
		stops := map[rail.StopID]bool{}
		for _, e := range parse(t, get(t, r, call), call).Planned {
			stops[e.Stop] = true
			if halves[e.Stop] == nil {
				halves[e.Stop] = map[string]bool{}
			}
			if local := e.Planned.In(rail.Berlin); rail.DayOf(e.Planned) == day {
				halves[e.Stop][local.Format("15")] = true
			}
		}
		for id := range stops {
			in[id]++
		}
	}
	for id, hours := range halves {
		if in[id] != len(hours) {
			t.Errorf("%s touches %d hours and stands in %d plans", id, len(hours), in[id])
		}
		if len(hours) == 2 {
			straddling++
		}
	}
	if straddling == 0 {
		t.Error("no stop straddles an hour")
	}
}
