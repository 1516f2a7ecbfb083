package prepare

import (
	"sort"
	"time"

	"puenktlich/internal/rail"
)

// Rules of evidence for an event without a change, from the domain.
const (
	watchBefore = 60 * time.Minute
	watchAfter  = 10 * time.Minute
	maxGap      = 5 * time.Minute
)

// outcome is what became of one planned event.
type outcome int

const (
	unknown outcome = iota
	unsettled
	settled
)

// judge settles one event from everything polled up to asOf. polls are the
// moments at which its station's changes were asked for, ascending.
func judge(plan rail.PlannedEvent, changes []rail.Change, polls []time.Time, asOf time.Time) (rail.Truth, outcome) {
	t := rail.Truth{EVA: plan.EVA, Stop: plan.Stop, Kind: plan.Kind, Planned: plan.Planned, Actual: plan.Planned, Evidence: rail.ChangeObserved}
	observed := false
	var status rail.EventStatus
	for _, c := range changes {
		if c.PolledAt.After(asOf) {
			break
		}
		if !c.Changed.IsZero() {
			t.Actual, observed, t.LastSeen = c.Changed, true, c.PolledAt
		}
		if status = status.Then(c.Status); c.Status != "" && status == c.Status {
			t.LastSeen = c.PolledAt
		}
	}
	t.Cancelled = status == rail.StatusCancelled
	final := t.Actual
	if t.Cancelled {
		final = plan.Planned // a cancelled event has no time of its own
	}
	switch {
	case asOf.Sub(final) < rail.SettleAfter:
		return t, unsettled
	case t.Cancelled || observed:
		return t, settled
	case watched(plan.Planned, polls):
		t.Evidence, t.LastSeen = rail.PolledWithoutChange, lastBefore(polls, plan.Planned.Add(watchAfter))
		return t, settled
	}
	return t, unknown
}

// watched says that polls left no gap of more than maxGap from watchBefore
// before the event to watchAfter after it.
func watched(planned time.Time, polls []time.Time) bool {
	from, to := planned.Add(-watchBefore), planned.Add(watchAfter)
	i := sort.Search(len(polls), func(i int) bool { return polls[i].After(from) })
	last := from
	if i > 0 && from.Sub(polls[i-1]) > maxGap || i == 0 {
		return false
	}
	for ; i < len(polls) && !polls[i].After(to); i++ {
		if polls[i].Sub(last) > maxGap {
			return false
		}
		last = polls[i]
	}
	return to.Sub(last) <= maxGap
}

func lastBefore(polls []time.Time, t time.Time) time.Time {
	i := sort.Search(len(polls), func(i int) bool { return polls[i].After(t) })
	if i == 0 {
		return time.Time{}
	}
	return polls[i-1]
}
