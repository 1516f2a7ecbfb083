package railsim

import (
	"bytes"
	"math"
	"testing"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/internal/timetables"
)

const changeDay = rail.Day("2026-03-02") // a Monday

// weeks are the events of four weeks that begin some days after the
// scenario's first day.
func weeks(t *testing.T, scenario Scenario, skipDays int) []*event {
	t.Helper()
	options := Options{Seed: 4}
	if scenario != ScenarioNone {
		options.Scenario, options.ScenarioFrom = scenario, changeDay
	}
	begin := changeDay.Add(skipDays)
	return allEvents(newRailway(t, options), rail.Days(begin, begin.Add(28)))
}

func week(t *testing.T, scenario Scenario, skipDays int) []*event {
	t.Helper()
	begin := changeDay.Add(skipDays)
	return allEvents(newRailway(t, Options{Seed: 4, Scenario: scenario, ScenarioFrom: changeDay}), rail.Days(begin, begin.Add(7)))
}

// effect compares the late rate with that of the same days of the railway as
// it would have been.
func effect(t *testing.T, scenario Scenario, skipDays int, of func(*event) bool) float64 {
	t.Helper()
	return lateRate(weeks(t, scenario, skipDays), of) / lateRate(weeks(t, ScenarioNone, skipDays), of)
}

func anyEvent(*event) bool { return true }

func TestConceptShiftRaisesTheBaseRateSlowly(t *testing.T) {
	t.Parallel()
	if factor := effect(t, ScenarioConceptShift, shiftDays, anyEvent); factor < 1.25 {
		t.Errorf("late rate grows by %.2f once the shift is complete", factor)
	}
	r := newRailway(t, Options{Seed: 4, Scenario: ScenarioConceptShift, ScenarioFrom: changeDay})
	plain := newRailway(t, Options{Seed: 4})
	first := lateRate(allEvents(r, rail.Days(changeDay, changeDay.Add(2))), anyEvent) /
		lateRate(allEvents(plain, rail.Days(changeDay, changeDay.Add(2))), anyEvent)
	if first > 1.2 {
		t.Errorf("late rate grows by %.2f in the first two days: that is no slow shift", first)
	}
}

func TestWorksSlowTheNorthForFourWeeks(t *testing.T) {
	t.Parallel()
	auerfeld := func(e *event) bool { return e.plan.EVA == 8099011 }
	if factor := effect(t, ScenarioWorks, 0, auerfeld); factor < 1.2 {
		t.Errorf("late rate in the north grows by %.2f", factor)
	}
	if factor := effect(t, ScenarioWorks, worksDays, auerfeld); math.Abs(factor-1) > 1e-9 {
		t.Errorf("late rate after the works differs by %.3f", factor)
	}
}

func TestDemandSlowsLocalTrains(t *testing.T) {
	t.Parallel()
	busy, plain := weeks(t, ScenarioDemand, demandRamp), weeks(t, ScenarioNone, demandRamp)
	for _, class := range []rail.TrainClass{rail.Regional, rail.Suburban} {
		if factor := lateRate(busy, ofClass(class)) / lateRate(plain, ofClass(class)); factor < 1.2 {
			t.Errorf("class %s: late rate grows by %.2f", class, factor)
		}
	}
}

func TestNewLineOpensOnItsDay(t *testing.T) {
	t.Parallel()
	before, after := week(t, ScenarioNewLine, -7), week(t, ScenarioNewLine, 0)
	count := func(events []*event) (n int) {
		for _, e := range events {
			if e.plan.Line == "RE99" {
				n++
			}
		}
		return n
	}
	if a, b := count(before), count(after); a != 0 || b < 7*200 {
		t.Errorf("RE 99: %d events before, %d in the week after", a, b)
	}
}

func TestNewTimetableHasNewTrips(t *testing.T) {
	t.Parallel()
	before, after := week(t, ScenarioNewTimetable, -7), week(t, ScenarioNewTimetable, 0)
	known := map[string]bool{}
	for _, e := range before {
		known[hashOf(t, e)] = true
	}
	for _, e := range after {
		if known[hashOf(t, e)] {
			t.Fatalf("%s runs in both timetables", e.plan.Stop)
		}
	}
	if ratio := float64(len(after)) / float64(len(before)); ratio < 0.9 || ratio > 1.1 {
		t.Errorf("the new timetable has %.2f times as many events", ratio)
	}
}

func hashOf(t *testing.T, e *event) string {
	t.Helper()
	ref, err := e.plan.Stop.Parse()
	if err != nil {
		t.Fatal(err)
	}
	return ref.TripHash
}

func TestCodeChangeKeepsDocumentsReadable(t *testing.T) {
	t.Parallel()
	r := newRailway(t, Options{Seed: 4, Scenario: ScenarioCodeChange, ScenarioFrom: changeDay})
	call := timetables.Call{Kind: timetables.CallFull, EVA: Hub, AsOf: at(t, "2026-03-02 12:00:00")}
	body := get(t, r, call)
	result := parse(t, body, call)
	if len(result.UnknownAttributes) == 0 || !bytes.Contains(body, []byte("occ=")) {
		t.Errorf("unknown attributes %v", result.UnknownAttributes)
	}
	codes := 0
	for _, change := range result.Changes {
		for _, m := range change.Messages {
			codes++
			if rest, err := change.Stop.Parse(); err == nil && rest.Start[:6] == "260302" && m.Code < 200 {
				t.Fatalf("%s: code %d of before", change.Stop, m.Code)
			}
		}
	}
	if codes == 0 {
		t.Error("no codes at all")
	}
}

func TestFeatureBreakHidesDelaysUntilTheTrainComes(t *testing.T) {
	t.Parallel()
	before, after := week(t, ScenarioFeatureBreak, -7), week(t, ScenarioFeatureBreak, 0)
	// seen is the share of late long-distance events known as late 10 minutes ahead.
	seen := func(events []*event) float64 {
		late, known := 0, 0
		for _, e := range events {
			if e.cancelled || rail.OnTime(e.delay()) || e.plan.Train.Class != rail.LongDistance {
				continue
			}
			late++
			state, _ := e.knownAt(0, e.plan.Planned.Add(-10*time.Minute).Unix())
			if state.changed-e.plan.Planned.Unix() >= rail.LateMinutes*60 {
				known++
			}
		}
		return float64(known) / float64(late)
	}
	if a, b := seen(before), seen(after); b > a/2 || a < 0.4 {
		t.Errorf("late trains known as such 10 minutes ahead: %.2f before, %.2f after", a, b)
	}
}

func TestDaysBetweenCountsCalendarDays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to rail.Day
		want     int
	}{
		{"2026-10-24", "2026-10-26", 2}, // 49 hours
		{"2027-03-27", "2027-03-29", 2}, // 47 hours
		{"2026-06-10", "2026-06-10", 0},
	} {
		if got := daysBetween(c.from, c.to); got != c.want {
			t.Errorf("%s to %s: %d, want %d", c.from, c.to, got, c.want)
		}
	}
}
