package prepare

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"puenktlich/internal/rail"
)

// on is a moment of 29 October 2024, UTC, as "10:02" or "10:02:30".
func on(clock string) time.Time {
	if len(clock) == len("10:02") {
		clock += ":00"
	}
	moment, err := time.Parse("2006-01-02 15:04:05", "2024-10-29 "+clock)
	if err != nil {
		panic(err)
	}
	return moment
}

// pollsOf reads "08:50-10:15/60s 10:21", spans with a step and single polls.
func pollsOf(text string) []time.Time {
	var polls []time.Time
	for _, part := range strings.Fields(text) {
		span, step, every := strings.Cut(part, "/")
		if !every {
			polls = append(polls, on(part))
			continue
		}
		from, to, _ := strings.Cut(span, "-")
		pause, err := time.ParseDuration(step)
		if err != nil {
			panic(err)
		}
		for at := on(from); !at.After(on(to)); at = at.Add(pause) {
			polls = append(polls, at)
		}
	}
	return polls
}

// said reads "09:30 at 10:07": polled at 09:30, expected at 10:07; or cancelled,
// reinstated, platform.
func said(text string) rail.Change {
	polled, what, _ := strings.Cut(text, " ")
	c := rail.Change{PolledAt: on(polled)}
	switch what {
	case "cancelled":
		c.Status = rail.StatusCancelled
	case "reinstated":
		c.Status = rail.StatusPlanned
	case "platform":
		c.Platform = "9"
	default:
		c.Changed = on(strings.TrimPrefix(what, "at "))
	}
	return c
}

// verdict writes what judge answers as the cases below do.
func verdict(truth rail.Truth, became outcome) string {
	switch became {
	case unsettled:
		return "unsettled"
	case unknown:
		return "unknown"
	}
	text := fmt.Sprintf("%d min", truth.DelayMinutes())
	if truth.Late() {
		text += " late"
	}
	if truth.Cancelled {
		text = "cancelled"
	}
	return fmt.Sprintf("%s, %s, seen %s", text, truth.Evidence, truth.LastSeen.Format("15:04:05"))
}

// One train, planned at 10:00. What the railway said of it, when it was asked,
// and what is true as of a moment.
func TestTruth(t *testing.T) {
	t.Parallel()
	const watched = "08:50-10:15/60s"
	tests := []struct {
		name  string
		polls string
		said  []string
		asOf  string
		want  string
	}{
		{"on time, as announced", watched, []string{"09:30 at 10:00"}, "12:00", "0 min, change_observed, seen 09:30:00"},
		{"five minutes are punctual", watched, []string{"09:58 at 10:05"}, "12:00", "5 min, change_observed, seen 09:58:00"},
		{"six minutes are late", watched, []string{"09:58 at 10:06"}, "12:00", "6 min late, change_observed, seen 09:58:00"},
		{"early", watched, []string{"09:58 at 09:57"}, "12:00", "-3 min, change_observed, seen 09:58:00"},
		{"the last word counts", watched, []string{"09:00 at 10:10", "09:40 at 10:20", "10:12 at 10:04"}, "12:00", "4 min, change_observed, seen 10:12:00"},
		{"a correction after the event", watched, []string{"09:40 at 10:04", "11:05 at 10:07"}, "12:00", "7 min late, change_observed, seen 11:05:00"},
		{"another platform is no changed time, but was watched", watched, []string{"09:40 platform"}, "12:00", "0 min, polled_without_change, seen 10:10:00"},
		{"a platform after the time leaves the time", watched, []string{"09:40 at 10:08", "09:50 platform"}, "12:00", "8 min late, change_observed, seen 09:40:00"},

		{"cancelled", watched, []string{"09:30 cancelled"}, "12:00", "cancelled, change_observed, seen 09:30:00"},
		{"cancelled after a delay", watched, []string{"09:30 at 10:40", "09:45 cancelled"}, "11:30", "cancelled, change_observed, seen 09:45:00"},
		{"cancelled, then reinstated and late", watched, []string{"09:10 cancelled", "09:40 reinstated", "09:50 at 10:09"}, "12:00", "9 min late, change_observed, seen 09:50:00"},
		{"late, cancelled, reinstated with the old time", watched, []string{"09:10 at 10:09", "09:40 cancelled", "09:50 reinstated"}, "12:00", "9 min late, change_observed, seen 09:50:00"},
		{"reinstated without a time, watched", watched, []string{"09:10 cancelled", "09:40 reinstated"}, "12:00", "0 min, polled_without_change, seen 10:10:00"},
		{"reinstated without a time, not watched", "09:10 09:40", []string{"09:10 cancelled", "09:40 reinstated"}, "12:00", "unknown"},
		{"reinstated and cancelled again", watched, []string{"09:10 cancelled", "09:40 reinstated", "09:55 cancelled"}, "12:00", "cancelled, change_observed, seen 09:55:00"},

		{"89 minutes after the last time", watched, []string{"09:50 at 10:20"}, "11:49", "unsettled"},
		{"90 minutes after the last time", watched, []string{"09:50 at 10:20"}, "11:50", "20 min late, change_observed, seen 09:50:00"},
		{"an early train settles early", watched, []string{"09:50 at 09:55"}, "11:25", "-5 min, change_observed, seen 09:50:00"},
		{"89 minutes after a cancelled event's plan", watched, []string{"09:30 at 10:40", "09:45 cancelled"}, "11:29", "unsettled"},
		{"89 minutes after an unchanged event", watched, nil, "11:29", "unsettled"},
		{"a time put off further is not settled again", watched, []string{"09:50 at 10:05", "11:20 at 12:00"}, "11:40", "unsettled"},

		{"what is said before as-of is known", watched, []string{"09:50 at 10:00", "11:31 at 10:30"}, "12:00", "30 min late, change_observed, seen 11:31:00"},
		{"what is said after as-of is not", watched, []string{"09:50 at 10:00", "11:31 at 10:30"}, "11:30", "0 min, change_observed, seen 09:50:00"},
		{"nothing is said before as-of", watched, []string{"11:31 cancelled"}, "11:30", "0 min, polled_without_change, seen 10:10:00"},

		{"no change though watched", watched, nil, "11:30", "0 min, polled_without_change, seen 10:10:00"},
		{"polled every five minutes", "08:55-10:15/300s", nil, "12:00", "0 min, polled_without_change, seen 10:10:00"},
		{"polled every five minutes, the last one a minute early", "08:56-10:20/300s", nil, "12:00", "0 min, polled_without_change, seen 10:06:00"},
		{"polled every six minutes", "08:55-10:15/360s", nil, "12:00", "unknown"},
		{"a gap of five minutes", "08:50-09:30/60s 09:35-10:15/60s", nil, "12:00", "0 min, polled_without_change, seen 10:10:00"},
		{"a gap of six minutes", "08:50-09:30/60s 09:36-10:15/60s", nil, "12:00", "unknown"},
		{"a gap of six minutes before the hour in question", "08:40-08:50/60s 08:56-10:15/60s", nil, "12:00", "0 min, polled_without_change, seen 10:10:00"},
		{"watched from 59 minutes before", "09:01-10:15/60s", nil, "12:00", "unknown"},
		{"watched from 60 minutes before", "09:00-10:15/60s", nil, "12:00", "0 min, polled_without_change, seen 10:10:00"},
		{"watched until four minutes after", "08:50-10:04/60s", nil, "12:00", "unknown"},
		{"watched until five minutes after", "08:50-10:05/60s", nil, "12:00", "0 min, polled_without_change, seen 10:05:00"},
		{"polled every quarter of an hour", "08:30-11:00/900s", nil, "12:00", "unknown"},
		{"polled every quarter of an hour, but a change seen", "08:30-11:00/900s", []string{"09:45 at 10:03"}, "12:00", "3 min, change_observed, seen 09:45:00"},
		{"never polled", "", nil, "12:00", "unknown"},
	}
	for _, test := range tests {
		plan := rail.PlannedEvent{EVA: 8000105, Stop: "1-2410291000-1", Kind: rail.Departure, Planned: on("10:00")}
		var changes []rail.Change
		for _, text := range test.said {
			changes = append(changes, said(text))
		}
		truth, became := judge(plan, changes, pollsOf(test.polls), on(test.asOf))
		if got := verdict(truth, became); got != test.want {
			t.Errorf("%s: %s\nwant %s", test.name, got, test.want)
		}
		if truth.EVA != plan.EVA || truth.Stop != plan.Stop || truth.Kind != plan.Kind || !truth.Planned.Equal(plan.Planned) {
			t.Errorf("%s: truth of %s/%s at %s", test.name, truth.Stop, truth.Kind, truth.Planned)
		}
	}
}
