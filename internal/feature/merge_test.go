package feature

import (
	"reflect"
	"testing"

	"puenktlich/internal/rail"
)

func TestMergeOfPartialChanges(t *testing.T) {
	t.Parallel()
	p := event(t, "77-2410290900-4", rail.Arrival, "10:00")
	reason := rail.Message{ID: "r1", Type: "d", Code: 43, Time: clock(t, "09:01")}
	later := rail.Message{ID: "r2", Type: "d", Code: 48, Time: clock(t, "09:31")}
	quality := rail.Message{ID: "r3", Type: "q", Code: 80}
	with := func(c rail.Change, alter func(*rail.Change)) rail.Change { alter(&c); return c }

	first := with(poll(t, p, "09:02", "10:04"), func(c *rail.Change) { c.Messages = []rail.Message{reason} })
	platform := with(poll(t, p, "09:10", ""), func(c *rail.Change) { c.Platform = "7" })
	repeat := poll(t, p, "09:20", "10:04")
	worse := with(poll(t, p, "09:32", "10:09"), func(c *rail.Change) { c.Messages = []rail.Message{later, quality} })
	revoked := with(poll(t, p, "09:40", ""), func(c *rail.Change) {
		c.Messages = []rail.Message{{ID: "r2", Type: "d", Code: 48, Time: clock(t, "09:31"), Deleted: true}}
	})
	cancelled := with(poll(t, p, "09:45", ""), func(c *rail.Change) { c.Status = rail.StatusCancelled })
	reinstated := with(poll(t, p, "09:50", "10:04"), func(c *rail.Change) { c.Status = rail.StatusPlanned })
	all := []rail.Change{first, platform, repeat, worse, revoked, cancelled, reinstated}
	for i := range all {
		all[i].Seq = uint64(i + 1)
	}

	planned := clock(t, "10:00")
	tests := []struct {
		name, cutOff string
		want         Observed
	}{
		{"before the first poll", "09:01", Observed{Planned: planned}},
		{"one forecast with its reason", "09:02", Observed{
			Planned: planned, Changed: clock(t, "10:04"), ChangedSince: clock(t, "09:02"), FirstChanged: clock(t, "10:04"),
			Forecasts: 1, ReasonCode: 43, ReasonTime: clock(t, "09:01"), Reasons: 1}},
		{"a platform leaves the time alone, a repeated time is no new forecast", "09:31", Observed{
			Planned: planned, Changed: clock(t, "10:04"), ChangedSince: clock(t, "09:02"), FirstChanged: clock(t, "10:04"),
			Forecasts: 1, Platform: "7", ReasonCode: 43, ReasonTime: clock(t, "09:01"), Reasons: 1}},
		{"the newest time and reason win", "09:35", Observed{
			Planned: planned, Changed: clock(t, "10:09"), ChangedSince: clock(t, "09:32"), FirstChanged: clock(t, "10:04"),
			Forecasts: 2, Platform: "7", ReasonCode: 48, ReasonTime: clock(t, "09:31"), Reasons: 2, Qualities: 1}},
		{"a revoked reason is gone", "09:40", Observed{
			Planned: planned, Changed: clock(t, "10:09"), ChangedSince: clock(t, "09:32"), FirstChanged: clock(t, "10:04"),
			Forecasts: 2, Platform: "7", ReasonCode: 43, ReasonTime: clock(t, "09:01"), Reasons: 1, Qualities: 1}},
		{"cancelled keeps the rest", "09:45", Observed{
			Planned: planned, Changed: clock(t, "10:09"), ChangedSince: clock(t, "09:32"), FirstChanged: clock(t, "10:04"),
			Forecasts: 2, Platform: "7", Status: rail.StatusCancelled, ReasonCode: 43, ReasonTime: clock(t, "09:01"), Reasons: 1, Qualities: 1}},
		{"reinstated, back at an older time", "09:59", Observed{
			Planned: planned, Changed: clock(t, "10:04"), ChangedSince: clock(t, "09:50"), FirstChanged: clock(t, "10:04"),
			Forecasts: 3, Platform: "7", Status: rail.StatusPlanned, ReasonCode: 43, ReasonTime: clock(t, "09:01"), Reasons: 1, Qualities: 1}},
	}
	forward := holding(Options{}, []rail.PlannedEvent{p}, all...)
	backward := holding(Options{}, []rail.PlannedEvent{p})
	for i := len(all) - 1; i >= 0; i-- {
		backward.AddChanges([]rail.Change{all[i], all[i]}) // each twice: taken once
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for name, s := range map[string]*State{"in order": forward, "backwards and twice": backward} {
				if k := at(t, s, p, test.cutOff); !reflect.DeepEqual(k.Own, test.want) {
					t.Errorf("%s, at %s:\n got %+v\nwant %+v", name, test.cutOff, k.Own, test.want)
				}
			}
		})
	}
}

func TestEarlierForecastForTheTrend(t *testing.T) {
	t.Parallel()
	p := event(t, "77-2410290900-4", rail.Arrival, "10:00")
	s := holding(Options{}, []rail.PlannedEvent{p},
		poll(t, p, "09:10", "10:02"), poll(t, p, "09:25", "10:05"), poll(t, p, "09:38", "10:12"))
	k := at(t, s, p, "09:40") // 15 minutes ago 09:25, 30 minutes ago 09:10
	if want := clock(t, "10:05"); !k.Changed15.Equal(want) {
		t.Errorf("15 minutes before: %v, want %v", k.Changed15, want)
	}
	if want := clock(t, "10:02"); !k.Changed30.Equal(want) {
		t.Errorf("30 minutes before: %v, want %v", k.Changed30, want)
	}
	if k := at(t, s, p, "09:39"); !k.Changed30.IsZero() || !k.Changed15.Equal(clock(t, "10:02")) {
		t.Errorf("a minute earlier: %v and %v, want none and 10:02", k.Changed30, k.Changed15)
	}
}

func TestChangesLongBeforeTheEventDoNotCount(t *testing.T) {
	t.Parallel()
	p := event(t, "77-2410290900-4", rail.Arrival, "10:00")
	early := poll(t, p, "10:00", "10:30")
	early.PolledAt = p.Planned.Add(-ChangeReach - 1e6)
	kept := poll(t, p, "10:00", "10:20")
	kept.PolledAt = p.Planned.Add(-ChangeReach)
	planFirst := holding(Options{}, []rail.PlannedEvent{p}, early, kept)
	changesFirst := NewState(Options{})
	changesFirst.AddChanges([]rail.Change{early, kept})
	changesFirst.AddPlan([]rail.PlannedEvent{p})
	for name, s := range map[string]*State{"plan first": planFirst, "changes first": changesFirst} {
		if k := at(t, s, p, "09:00"); k.Own.Forecasts != 1 || !k.Own.FirstChanged.Equal(clock(t, "10:20")) {
			t.Errorf("%s: %+v, want the one forecast polled 24 hours before", name, k.Own)
		}
	}
}

// The mark of being added, repeated in every answer, does not lift a cancellation.
func TestAddedAndCancelled(t *testing.T) {
	t.Parallel()
	p := event(t, "77-2410290900-4", rail.Arrival, "10:00")
	var said []rail.Change
	for i, status := range []rail.EventStatus{rail.StatusAdded, rail.StatusCancelled, rail.StatusAdded} {
		c := poll(t, p, []string{"09:00", "09:10", "09:20"}[i], "")
		c.Status, c.Seq = status, uint64(i+1)
		said = append(said, c)
	}
	s := holding(Options{}, []rail.PlannedEvent{p}, said...)
	for cutOff, want := range map[string]rail.EventStatus{"09:05": rail.StatusAdded, "09:15": rail.StatusCancelled, "09:30": rail.StatusCancelled} {
		if got := at(t, s, p, cutOff).Own.Status; got != want {
			t.Errorf("as of %s: %q, want %q", cutOff, got, want)
		}
	}
}
