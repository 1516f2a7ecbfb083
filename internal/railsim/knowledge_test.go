package railsim

import (
	"testing"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/internal/timetables"
)

// Everything an fchg document says was in an rchg document before, attribute
// by attribute, and a collector that polls them all knows the same.
func TestFullIsWhatRecentDocumentsSaid(t *testing.T) {
	t.Parallel()
	for _, options := range []Options{{Seed: 1}, {Seed: 2, Scenario: ScenarioFeatureBreak, ScenarioFrom: "2026-01-01"}} {
		r := newRailway(t, options)
		known := map[rail.EventKey]rail.Change{}
		begin := at(t, "2026-06-10 00:00:00")
		checked := 0
		for moment := begin; moment.Before(begin.Add(56 * time.Hour)); moment = moment.Add(RecentWindow) {
			call := timetables.Call{Kind: timetables.CallRecent, EVA: Hub, AsOf: moment}
			for _, change := range parse(t, get(t, r, call), call).Changes {
				notLater(t, change, moment)
				known[change.Key()] = timetables.Merge(known[change.Key()], change)
			}
			if moment.Sub(begin) < 24*time.Hour || moment.Minute() != 34 {
				continue
			}
			call.Kind = timetables.CallFull
			for _, change := range parse(t, get(t, r, call), call).Changes {
				checked++
				same(t, change, known[change.Key()])
			}
		}
		if checked < 1500 {
			t.Errorf("only %d changes compared", checked)
		}
	}
}

// notLater fails if a change speaks of what is still to come.
func notLater(t *testing.T, change rail.Change, asOf time.Time) {
	t.Helper()
	if change.CancelTime.After(asOf) {
		t.Fatalf("at %s: cancelled at %s", asOf, change.CancelTime)
	}
	for _, m := range change.Messages {
		if m.Time.After(asOf) {
			t.Fatalf("at %s: message of %s", asOf, m.Time)
		}
	}
}

func same(t *testing.T, full, recent rail.Change) {
	t.Helper()
	if !full.Changed.Equal(recent.Changed) || full.Platform != recent.Platform || full.Status != recent.Status ||
		!full.CancelTime.Equal(recent.CancelTime) || full.Path != recent.Path || !full.Planned.Equal(recent.Planned) ||
		full.Train != recent.Train || len(full.Messages) != len(recent.Messages) {
		t.Fatalf("at %s fchg says\n%+v\nthe rchg documents said\n%+v", full.PolledAt, full, recent)
	}
}

// A change of the future never moves an answer of the past: a railway that
// changes on a day answers as one that does not, until then.
func TestScenarioDoesNotReachBack(t *testing.T) {
	t.Parallel()
	plain := newRailway(t, Options{Seed: 1})
	for _, scenario := range Scenarios()[1:] {
		other := newRailway(t, Options{Seed: 1, Scenario: scenario, ScenarioFrom: "2026-06-11"})
		differs := false
		for hour := range 42 {
			moment := at(t, "2026-06-10 00:30:00").Add(time.Duration(hour) * time.Hour)
			call := timetables.Call{Kind: timetables.CallFull, EVA: Hub, AsOf: moment}
			equal := string(get(t, plain, call)) == string(get(t, other, call))
			// Trips of the next day are spoken of from 13:30 on at the earliest:
			// ten hours before the first of them.
			if hour < 14 && !equal {
				t.Fatalf("%s: another answer at %s", scenario, moment)
			}
			differs = differs || !equal
		}
		if !differs && scenario != ScenarioConceptShift {
			t.Errorf("%s changes nothing", scenario)
		}
	}
}

func TestForecastsComeCloser(t *testing.T) {
	t.Parallel()
	events := allEvents(newRailway(t, Options{Seed: 1}), rail.Days("2026-02-02", "2026-03-02"))
	var before float64
	for i, horizon := range []int64{120, 60, 30, 15, 5} {
		sum, n := 0.0, 0
		for _, e := range events {
			if e.cancelled || e.plan.Train.Class != rail.LongDistance {
				continue
			}
			known, _ := e.knownAt(0, e.plan.Planned.Unix()-horizon*60)
			said := e.plan.Planned
			if known.changed != 0 {
				said = instant(known.changed)
			}
			sum += e.actual.Sub(said).Abs().Minutes()
			n++
		}
		if mean := sum / float64(n); i > 0 && mean >= before {
			t.Errorf("%d minutes before: mean error %.2f, earlier %.2f", horizon, mean, before)
		}
		before = sum / float64(n)
	}
	if before < 1 || before > 3.5 {
		t.Errorf("5 minutes before the mean error is %.2f; the recordings have 2 to 3", before)
	}
}

func TestTheLastWordIsTheTruth(t *testing.T) {
	t.Parallel()
	told, late, ran := 0, 0, 0
	for _, e := range allEvents(newRailway(t, Options{Seed: 1}), rail.Days("2026-02-02", "2026-02-16")) {
		state, found := e.knownAt(0, 1<<40)
		if e.cancelled != (state.status == rail.StatusCancelled) {
			t.Fatalf("%s: cancelled %v, told %q", e.plan.Key(), e.cancelled, state.status)
		}
		if e.cancelled {
			continue
		}
		ran++
		if found && state.changed != 0 {
			told++
			if state.changed != e.actual.Unix() {
				t.Fatalf("%s: came %s, last told %s", e.plan.Key(), e.actual, instant(state.changed))
			}
			after := e.notices[len(e.notices)-1].at - e.actual.Unix()
			if after > 72*60 {
				t.Fatalf("%s: corrected %d s after", e.plan.Key(), after)
			}
			if after > 2*60 {
				late++
			}
		} else if e.delay() != 0 {
			t.Fatalf("%s: %d minutes late and never spoken of", e.plan.Key(), e.delay())
		}
	}
	if share := float64(told) / float64(ran); share < 0.96 {
		t.Errorf("%.3f of the truths are told", share)
	}
	if share := float64(late) / float64(ran); share < 0.03 || share > 0.07 {
		t.Errorf("%.3f corrected late, want about 0.05", share)
	}
}
