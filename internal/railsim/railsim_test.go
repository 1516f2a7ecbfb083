package railsim

import (
	"context"
	"errors"
	"testing"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/internal/timetables"
)

func newRailway(t *testing.T, options Options) *Railway {
	t.Helper()
	r, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func get(t *testing.T, r *Railway, call timetables.Call) []byte {
	t.Helper()
	response, err := r.Get(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	if !response.PolledAt.Equal(call.AsOf) || !response.Next.IsZero() {
		t.Fatalf("%v: polled at %s, next %s", call, response.PolledAt, response.Next)
	}
	return response.Body
}

// parse fails on anything the reader of the wire format does not like.
func parse(t *testing.T, body []byte, call timetables.Call) timetables.Result {
	t.Helper()
	result := timetables.Parse(body, timetables.Origin{Call: call, PolledAt: call.AsOf})
	if err := result.Err(); err != nil {
		t.Fatalf("%s of %d at %s: %v\n%s", call.Kind, call.EVA, call.AsOf, err, body)
	}
	return result
}

func at(t *testing.T, local string) time.Time {
	t.Helper()
	moment, err := time.ParseInLocation("2006-01-02 15:04:05", local, rail.Berlin)
	if err != nil {
		t.Fatal(err)
	}
	return moment.UTC()
}

// allEvents gives the inner truth of some days.
func allEvents(r *Railway, days []rail.Day) []*event {
	var events []*event
	for _, day := range days {
		b := r.write(day)
		for _, station := range r.stations {
			events = append(events, b.boards[station.EVA].events...)
		}
	}
	return events
}

func lateRate(events []*event, of func(*event) bool) float64 {
	ran, late := 0, 0
	for _, e := range events {
		if e.cancelled || !of(e) {
			continue
		}
		ran++
		if !rail.OnTime(e.delay()) {
			late++
		}
	}
	return float64(late) / float64(ran)
}

func (e *event) delay() int { return rail.DelayMinutes(e.plan.Planned, e.actual) }

func ofClass(class rail.TrainClass) func(*event) bool {
	return func(e *event) bool { return e.plan.Train.Class == class }
}

func TestOptionsAreCheckedTogether(t *testing.T) {
	t.Parallel()
	_, err := New(Options{Stations: 8, Scenario: "flood", OutageRate: 2})
	if err == nil {
		t.Fatal("wrong options were taken")
	}
	want := "simulated railway: stations 8: want 1 to 7\n" +
		"scenario \"flood\": want one of [none new_line new_timetable works demand code_change concept_shift feature_break]\n" +
		"scenario flood begins: day \"\": want YYYY-MM-DD\n" +
		"outage rate 2: want 0 to 0.5"
	if err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if _, err := New(Options{Scenario: ScenarioWorks}); err == nil {
		t.Error("a scenario without its first day was taken")
	}
}

func TestHubIsServedFirst(t *testing.T) {
	t.Parallel()
	r := newRailway(t, Options{})
	stations := r.Stations()
	if len(stations) != 7 || stations[0].EVA != 8000105 || stations[0].Name != "Frankfurt(Main)Hbf" {
		t.Errorf("stations %v", stations)
	}
	if from, to := r.Span(); !from.Before(at(t, "2020-01-02 00:00:00")) || !to.IsZero() {
		t.Errorf("span %s to %s", from, to)
	}
}

func TestUnansweredCalls(t *testing.T) {
	t.Parallel()
	r := newRailway(t, Options{Stations: 2})
	now := at(t, "2026-06-10 12:30:00")
	cases := map[string]struct {
		call timetables.Call
		want error
	}{
		"a station not served": {timetables.Call{Kind: timetables.CallFull, EVA: 8099016, AsOf: now}, timetables.ErrNotFound},
		"a plan not out yet":   {timetables.Call{Kind: timetables.CallPlan, EVA: Hub, AsOf: now, Hour: now.Add(24*time.Hour + time.Minute)}, timetables.ErrNotFound},
		"before the opening":   {timetables.Call{Kind: timetables.CallRecent, EVA: Hub, AsOf: at(t, "2019-06-10 12:30:00")}, timetables.ErrNotFound},
	}
	for name, c := range cases {
		if _, err := r.Get(t.Context(), c.call); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := r.Get(t.Context(), timetables.Call{Kind: timetables.CallFull, EVA: Hub}); err == nil {
		t.Error("a call without AsOf was answered")
	}
	if _, err := r.Get(t.Context(), timetables.Call{Kind: "station", EVA: Hub, AsOf: now}); err == nil {
		t.Error("a call of unknown kind was answered")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Get(ctx, timetables.Call{Kind: timetables.CallFull, EVA: Hub, AsOf: now}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled call: %v", err)
	}
}

func TestOutagesAreTypedAndAsRareAsAsked(t *testing.T) {
	t.Parallel()
	r := newRailway(t, Options{OutageRate: 0.05})
	down, polls := 0, 0
	for moment := at(t, "2026-03-01 00:00:00"); moment.Before(at(t, "2026-03-29 00:00:00")); moment = moment.Add(time.Minute) {
		polls++
		err := r.outage(Hub, moment)
		if err == nil {
			continue
		}
		down++
		unavailable := (*UnavailableError)(nil)
		if !errors.As(err, &unavailable) || !unavailable.Until.After(moment) || r.outage(Hub, unavailable.Until) == err {
			t.Fatalf("outage at %s: %v", moment, err)
		}
	}
	if rate := float64(down) / float64(polls); rate < 0.035 || rate > 0.065 {
		t.Errorf("down %.3f of the time, want about 0.05", rate)
	}
}
