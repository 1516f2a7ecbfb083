package livestate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"puenktlich/internal/feature"
	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

// counting says how much was read.
type counting struct {
	DailyStore
	days int // from the first day of the test on
}

func (c *counting) Daily(ctx context.Context, q schema.DailyQuery) ([]schema.DailySum, error) {
	from := firstCounted
	if q.From != "" {
		from = rail.Day(q.From)
	}
	c.days += len(rail.Days(from, rail.Day(q.Before)))
	return c.DailyStore.Daily(ctx, q)
}

const firstCounted = rail.Day("2024-10-01")

// Whatever was asked before, and whatever came in meanwhile, the cache answers
// what reading all days answers.
func TestCachedHistoryIsTheHistory(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	store := &counting{DailyStore: db}
	cache := NewHistoryCache(store)
	write := func(day rail.Day, version uint64, knownAt time.Time, events map[string]uint32) {
		t.Helper()
		var rows []schema.Daily
		for key, n := range events {
			rows = append(rows, schema.Daily{Source: "test", Day: string(day), KeyKind: "line", Key: key, Events: n, Late: n / 2,
				Cancelled: 1, DelaySum: int64(n) * 3, KnownAt: knownAt, Version: version})
		}
		if err := db.InsertDaily(t.Context(), fmt.Sprint(day, version), rows); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 10 {
		day := firstCounted.Add(n)
		// What ran on one day alone was cancelled on all others.
		write(day, 1, day.End().Add(rail.HistoryDelay), map[string]uint32{"RE 4": uint32(n + 1), fmt.Sprint("RB ", n%7): 2, "S 9": uint32(n / 9)})
	}
	read := func(day rail.Day, want int) {
		t.Helper()
		store.days = 0
		got, err := cache.History(t.Context(), "test", day)
		if err != nil {
			t.Fatal(err)
		}
		all, err := History(t.Context(), db, "test", day)
		if err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(counts(got), counts(all)) {
			t.Errorf("before %s: %v, want %v", day, counts(got), counts(all))
		}
		if store.days != want {
			t.Errorf("before %s: %d days were read, want %d", day, store.days, want)
		}
	}
	read(firstCounted.Add(3), 3)
	read(firstCounted.Add(3), 0)
	read(firstCounted.Add(5), 2)
	read(firstCounted.Add(2), 2)  // back in time
	read(firstCounted.Add(11), 6) // the first day on which S 9 ran
	write(firstCounted.Add(1), 2, firstCounted.Add(9).Start(), map[string]uint32{"RE 4": 50})
	read(firstCounted.Add(11), 11) // a revision is seen
	read(firstCounted.Add(6), 1)   // but not before it was known
	for n := range keptSums + 3 {
		read(firstCounted.Add(12+n), 1)
	}
	if len(cache.kept) != keptSums {
		t.Errorf("%d are kept", len(cache.kept))
	}
}

// counts reads the keys of the test.
func counts(h *feature.History) map[string]feature.Counts {
	found := map[string]feature.Counts{}
	for _, key := range slices.Concat([]string{"RE 4", "S 9"}, []string{"RB 0", "RB 1", "RB 2", "RB 3", "RB 4", "RB 5", "RB 6"}) {
		if c, ok := h.Lookup(feature.HistoryKey{Kind: feature.ByLine, Value: key}); ok {
			found[key] = c
		}
	}
	found["keys"] = feature.Counts{Events: int64(h.Len())}
	return found
}
