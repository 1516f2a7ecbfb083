package livestate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"puenktlich/internal/feature"
	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

// DailyStore is what a HistoryCache reads.
type DailyStore interface {
	Daily(ctx context.Context, q schema.DailyQuery) ([]schema.DailySum, error)
	DailyMark(ctx context.Context, q schema.DailyQuery) (schema.DailyMark, error)
}

// keptSums bounds the memory of a HistoryCache: some days under way at once
// need two each. The counts of a network of 110 stations take 10 MB.
const keptSums = 6

// HistoryCache answers histories as History does, and goes from one day to a
// later one by reading the days between alone: the history of a day far into a
// long data set costs what that of an early one does. It looks whether the
// counts it builds on are still those of the store, and reads all days where
// they are not. It is safe for concurrent use; one history is read at a time.
type HistoryCache struct {
	mu   sync.Mutex
	kept []sums // used last at the end
	// store is where the counts are read.
	store DailyStore
}

// sums is the counts of all days before a day, and what they were read from.
type sums struct {
	source string
	before rail.Day
	mark   schema.DailyMark
	counts map[feature.HistoryKey]feature.Counts // keys of which nothing ran included
}

// NewHistoryCache makes one that knows nothing yet.
func NewHistoryCache(store DailyStore) *HistoryCache { return &HistoryCache{store: store} }

// History is the counts of the days before a day, as known when that day's
// forecasts begin to use them.
func (c *HistoryCache) History(ctx context.Context, source string, before rail.Day) (*feature.History, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next, err := c.read(ctx, schema.DailyQuery{Source: source, Before: string(before),
		KnownAt: before.Start().Add(rail.HistoryDelay), CancelledAlone: true})
	if err != nil {
		return nil, fmt.Errorf("history of %s before %s: %w", source, before, err)
	}
	c.keep(next)
	history := feature.NewHistory()
	for key, counts := range next.counts {
		if counts.Events > 0 {
			history.Add(key, counts)
		}
	}
	return history, nil
}

// read takes the mark first: rows that come later than it are seen to be
// missing next time.
func (c *HistoryCache) read(ctx context.Context, q schema.DailyQuery) (sums, error) {
	next := sums{source: q.Source, before: rail.Day(q.Before), counts: map[feature.HistoryKey]feature.Counts{}}
	var err error
	if next.mark, err = c.store.DailyMark(ctx, q); err != nil {
		return next, err
	}
	from, err := c.base(ctx, q, next.mark)
	if err != nil {
		return next, err
	}
	if from != nil && from.before == next.before {
		next.counts = from.counts
		return next, nil
	}
	if from != nil {
		next.counts, q.From = maps.Clone(from.counts), string(from.before)
	}
	days, err := c.store.Daily(ctx, q)
	for _, d := range days {
		key := feature.HistoryKey{Kind: feature.HistoryKind(d.KeyKind), Value: d.Key}
		next.counts[key] = next.counts[key].Plus(feature.Counts{Events: int64(d.Events), Late: int64(d.Late),
			Cancelled: int64(d.Cancelled), DelaySum: d.DelaySum})
	}
	return next, err
}

// base is the newest kept counts not after the day that a query at this moment
// would read alike; nil without any. present is the mark of the query itself.
func (c *HistoryCache) base(ctx context.Context, q schema.DailyQuery, present schema.DailyMark) (*sums, error) {
	var best *sums
	for i := range c.kept {
		s := &c.kept[i]
		if s.source == q.Source && s.before <= rail.Day(q.Before) && (best == nil || s.before > best.before) {
			best = s
		}
	}
	if best == nil {
		return nil, nil
	}
	if best.before < rail.Day(q.Before) {
		var err error
		q.Before = string(best.before)
		if present, err = c.store.DailyMark(ctx, q); err != nil {
			return nil, err
		}
	}
	if present != best.mark {
		return nil, nil
	}
	return best, nil
}

// keep puts the counts last and lets go of those used longest ago.
func (c *HistoryCache) keep(s sums) {
	c.kept = slices.DeleteFunc(c.kept, func(o sums) bool { return o.source == s.source && o.before == s.before })
	c.kept = append(c.kept, s)
	if len(c.kept) > keptSums {
		c.kept = slices.Delete(c.kept, 0, 1)
	}
}
