package collect

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	schema "puenktlich/schemas/clickhouse"
)

// stationHour is one line of the coverage table.
type stationHour struct {
	eva  int64
	hour time.Time
}

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

func (a *Activities) coverStation(ctx context.Context, eva int64, span [2]time.Time) ([]schema.Coverage, error) {
	polls, err := a.Store.Polls(ctx, schema.PollQuery{Source: a.Name, EVA: eva, From: span[0].Add(-Ahead - 2*windowLength), Until: span[1]})
	if err != nil {
		return nil, fmt.Errorf("polls of station %d: %w", eva, err)
	}
	times, plans := map[stationHour][]time.Time{}, map[time.Time]bool{}
	quarantined := map[stationHour]uint32{}
	latest := span[0]
	for _, poll := range polls {
		if poll.Status != schema.PollOK {
			continue
		}
		if poll.Kind == schema.PollPlan {
			plans[poll.Hour] = true
			continue
		}
		key := stationHour{eva, poll.PolledAt.Truncate(time.Hour)}
		times[key] = append(times[key], poll.PolledAt)
		quarantined[key] += poll.Quarantined
		if poll.PolledAt.After(latest) {
			latest = poll.PolledAt
		}
	}
	var hours []schema.Coverage
	for hour := span[0]; hour.Before(span[1]); hour = hour.Add(time.Hour) {
		key := stationHour{eva, hour}
		hours = append(hours, schema.Coverage{Source: a.Name, EVA: eva, Hour: hour, PlanKnown: plans[hour],
			Polls: uint32(len(times[key])), LongestGapSeconds: longestGap(hour, times[key], latest),
			Quarantined: quarantined[key], Version: firstSeq(latest)})
	}
	return hours, nil
}

// longestGap is the longest time of an hour without a poll, up to the hour's
// end or, in the hour that is not over, up to the latest poll.
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
