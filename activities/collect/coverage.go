package collect

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	schema "puenktlich/schemas/clickhouse"
)

// cover rewrites the coverage of every station-hour the polls touched, from all
// polls the store holds for it.
func (a *Activities) cover(ctx context.Context, token string, polls []schema.Poll) error {
	spans := map[int64][2]time.Time{}
	for _, poll := range polls {
		if poll.Kind == schema.PollPlan {
			continue
		}
		hour := poll.PolledAt.Truncate(time.Hour)
		span, found := spans[poll.EVA]
		if !found || hour.Before(span[0]) {
			span[0] = hour
		}
		if end := hour.Add(time.Hour); end.After(span[1]) {
			span[1] = end
		}
		spans[poll.EVA] = span
	}
	var hours []schema.Coverage
	for eva, span := range spans {
		covered, err := a.coverStation(ctx, eva, span)
		if err != nil {
			return err
		}
		hours = append(hours, covered...)
	}
	if len(hours) == 0 {
		return nil
	}
	slices.SortFunc(hours, func(x, y schema.Coverage) int { return cmp.Or(cmp.Compare(x.EVA, y.EVA), x.Hour.Compare(y.Hour)) })
	if err := a.Store.InsertCoverage(ctx, token, hours); err != nil {
		return fmt.Errorf("write coverage: %w", err)
	}
	return nil
}

// coverStation covers a span of hours, and those before it back to the last
// poll: only now is known how long nothing was polled.
func (a *Activities) coverStation(ctx context.Context, eva int64, span [2]time.Time) ([]schema.Coverage, error) {
	polls, err := a.Store.Polls(ctx, schema.PollQuery{Source: a.Name, EVA: eva, From: span[0].Add(-2 * recallReach), Until: span[1]})
	if err != nil {
		return nil, fmt.Errorf("polls of station %d: %w", eva, err)
	}
	w := watch{times: map[time.Time][]time.Time{}, plans: map[time.Time]bool{}, quarantined: map[time.Time]uint32{}}
	from := span[0]
	for _, poll := range polls {
		if w.add(poll); w.answered.Before(span[0]) && w.answered.After(span[0].Add(-recallReach)) {
			from = w.answered.Truncate(time.Hour)
		}
	}
	var hours []schema.Coverage
	for hour := from; hour.Before(span[1]); hour = hour.Add(time.Hour) {
		hours = append(hours, schema.Coverage{Source: a.Name, EVA: eva, Hour: hour, PlanKnown: w.plans[hour],
			Polls: uint32(len(w.times[hour])), LongestGapSeconds: longestGap(hour, w.times[hour], w.asked),
			Quarantined: w.quarantined[hour], Version: firstSeq(w.asked)})
	}
	return hours, nil
}

// watch is what one station's polls amount to, by hour.
type watch struct {
	times       map[time.Time][]time.Time // answered polls for changes
	plans       map[time.Time]bool
	quarantined map[time.Time]uint32 // in answers to polls for changes
	asked       time.Time            // last poll, answered or not
	answered    time.Time            // last answered poll
}

// add takes polls in the order of time.
func (w *watch) add(poll schema.Poll) {
	hour := poll.PolledAt.Truncate(time.Hour)
	switch {
	case poll.Kind == schema.PollPlan:
		w.plans[poll.Hour] = w.plans[poll.Hour] || poll.Status == schema.PollOK
		return
	case poll.Status == schema.PollOK:
		w.times[hour] = append(w.times[hour], poll.PolledAt)
		w.answered = poll.PolledAt
	}
	w.asked = poll.PolledAt
	w.quarantined[hour] += poll.Quarantined
}

// longestGap is the longest time of an hour without an answered poll, up to the
// hour's end or, in the hour that is not over, up to the latest poll.
func longestGap(hour time.Time, polls []time.Time, latest time.Time) uint32 {
	end := hour.Add(time.Hour)
	if latest.Before(end) {
		end = latest
	}
	slices.SortFunc(polls, time.Time.Compare)
	last, longest := hour, time.Duration(0)
	for _, t := range append(polls, end) {
		longest = max(longest, t.Sub(last))
		last = t
	}
	return uint32(longest / time.Second)
}
