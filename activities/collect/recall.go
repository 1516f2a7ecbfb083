package collect

import (
	"context"
	"fmt"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// recallReach is how far back polls are read: a plan is asked for at most Ahead
// and a window before its hour.
const recallReach = Ahead + 2*windowLength

// recalled is what the store knows of a station before a window.
type recalled struct {
	plans      map[time.Time]bool      // hours whose plan was read
	askedPlan  map[time.Time]time.Time // hours whose plan was asked for in vain: when last
	noPlan     map[time.Time]bool      // those of them of which the source says that there is none
	asked      time.Time               // last poll for changes, answered or not
	times      int                     // polls for changes
	answered   time.Time               // last answered one
	full       time.Time               // last answered fchg
	fullFailed bool                    // the last fchg was asked in vain
	open       time.Time               // start of the oldest gap that no fchg has healed; zero = none
}

// recall reads them, for all stations in one query. What lies in the window
// itself is left out where it can be asked for again, so that a repeated window
// asks the same.
func (a *Activities) recall(ctx context.Context, w schemas.Window, stations []rail.Station) (map[int64]*recalled, error) {
	query := schema.PollQuery{Source: a.Name, From: w.From.Truncate(time.Hour).Add(-recallReach), Until: w.From}
	if !a.Past {
		query.From, query.Until = w.To.Truncate(time.Hour).Add(-recallReach), maxTime(w.To, a.Clock.Now()).Add(time.Millisecond)
	}
	known := map[int64]*recalled{}
	for _, station := range stations {
		query.Stations = append(query.Stations, station.EVA)
		known[station.EVA] = &recalled{plans: map[time.Time]bool{}, askedPlan: map[time.Time]time.Time{}, noPlan: map[time.Time]bool{}}
	}
	if len(stations) == 0 {
		return known, nil // a query without stations would be about all
	}
	polls, err := a.Store.Polls(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("earlier polls: %w", err)
	}
	for _, poll := range polls {
		known[poll.EVA].add(poll, a.forgets())
	}
	return known, nil
}

// Forgets is how long a live source polled at that pace remembers a recent
// change: after two pauses without an answer only fchg tells all. A source with a
// past forgets nothing: zero.
func Forgets(past bool, every time.Duration) time.Duration {
	if past {
		return 0
	}
	return 2 * every
}

func (a *Activities) forgets() time.Duration { return Forgets(a.Past, a.Every) }

// add takes polls in the order of time.
func (k *recalled) add(poll schema.Poll, forgets time.Duration) {
	if poll.Kind == schema.PollPlan {
		k.addPlan(poll)
		return
	}
	k.asked = poll.PolledAt
	k.times++
	if poll.Kind == schema.PollChanges {
		k.fullFailed = poll.Status == schema.PollFailed
	}
	if poll.Status != schema.PollOK {
		return
	}
	if k.open.IsZero() && !k.answered.IsZero() && forgets > 0 && poll.PolledAt.Sub(k.answered) > forgets {
		k.open = k.answered
	}
	if poll.Kind == schema.PollChanges {
		k.full, k.open = poll.PolledAt, time.Time{}
	}
	k.answered = poll.PolledAt
}

func (k *recalled) addPlan(poll schema.Poll) {
	if poll.Status == schema.PollOK {
		k.plans[poll.Hour] = true
		return
	}
	k.askedPlan[poll.Hour] = poll.PolledAt
	k.noPlan[poll.Hour] = poll.Status == schema.PollMissing
}

// lost says that only fchg knows what changed since a station was last polled. A
// source that answers for past moments has lost nothing but what was before its
// first poll. On any other a gap stays open until an fchg was answered: rchg
// alone never closes it.
func (k *recalled) lost(now time.Time, forgets time.Duration) bool {
	if forgets == 0 {
		return k.answered.IsZero() || k.fullFailed
	}
	return k.full.IsZero() || !k.open.IsZero() || now.Sub(k.answered) > forgets
}
