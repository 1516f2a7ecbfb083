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
	spans := spansOf(polls)
	if len(spans) == 0 {
		return nil
	}
	known, err := a.pollsAround(ctx, spans)
	if err != nil {
		return err
	}
	var hours []schema.Coverage
	for eva, s := range spans {
		hours = append(hours, a.coverStation(eva, s, known[eva])...)
	}
	slices.SortFunc(hours, func(x, y schema.Coverage) int { return cmp.Or(cmp.Compare(x.EVA, y.EVA), x.Hour.Compare(y.Hour)) })
	if err := a.Store.InsertCoverage(ctx, token, hours); err != nil {
		return fmt.Errorf("write coverage: %w", err)
	}
	return nil
}

// span is a half-open range of whole hours.
type span struct{ from, to time.Time }

// spansOf are the hours in which each station was asked for changes.
func spansOf(polls []schema.Poll) map[int64]span {
	spans := map[int64]span{}
	for _, poll := range polls {
		if poll.Kind == schema.PollPlan {
			continue
		}
		hour := poll.PolledAt.Truncate(time.Hour)
		s, found := spans[poll.EVA]
		if !found || hour.Before(s.from) {
			s.from = hour
		}
		s.to = maxTime(s.to, hour.Add(time.Hour))
		spans[poll.EVA] = s
	}
	return spans
}

// coverReach is how far before its hours a station's polls are read: back to the
// last one that was answered, and from there to the plans of its hour.
const coverReach = 2 * recallReach

// pollsAround reads what the coverage of the stations is made from, in one query.
func (a *Activities) pollsAround(ctx context.Context, spans map[int64]span) (map[int64][]schema.Poll, error) {
	query := schema.PollQuery{Source: a.Name}
	for eva, s := range spans {
		if from := s.from.Add(-coverReach); query.From.IsZero() || from.Before(query.From) {
			query.From = from
		}
		query.Until = maxTime(query.Until, s.to)
		query.Stations = append(query.Stations, eva)
	}
	polls, err := a.Store.Polls(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("polls behind the coverage: %w", err)
	}
	known := map[int64][]schema.Poll{}
	for _, poll := range polls {
		if s := spans[poll.EVA]; !poll.PolledAt.Before(s.from.Add(-coverReach)) && poll.PolledAt.Before(s.to) {
			known[poll.EVA] = append(known[poll.EVA], poll)
		}
	}
	return known, nil
}

// coverStation covers a span of hours, and those before it back to the last
// poll: only now is known how long nothing was polled.
func (a *Activities) coverStation(eva int64, s span, polls []schema.Poll) []schema.Coverage {
	w := watch{times: map[time.Time][]time.Time{}, plans: map[time.Time]bool{}, quarantined: map[time.Time]uint32{}}
	from := s.from
	for _, poll := range polls {
		if w.add(poll); w.answered.Before(s.from) && w.answered.After(s.from.Add(-recallReach)) {
			from = w.answered.Truncate(time.Hour)
		}
	}
	var hours []schema.Coverage
	for hour := from; hour.Before(s.to); hour = hour.Add(time.Hour) {
		hours = append(hours, schema.Coverage{Source: a.Name, EVA: eva, Hour: hour, PlanKnown: w.plans[hour],
			Polls: uint32(len(w.times[hour])), LongestGapSeconds: longestGap(hour, w.times[hour], w.asked),
			Quarantined: w.quarantined[hour], Version: firstSeq(w.asked)})
	}
	return hours
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
