package livestate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"puenktlich/internal/feature"
	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

const (
	// tailRows bounds one read, and how long readers wait while it is applied.
	tailRows = 5000
	// tailReads bounds the reads of one group in one look, so that others and
	// the history have their turn in a long catching-up: 500,000 rows.
	tailReads = 100
	// seqOverlap is read again after the first fill: plan and changes of one
	// poll share numbers and are written one after the other.
	seqOverlap = 1 << 20
	// tripDays is how many days before a planned event its trip may have begun.
	tripDays = 2
)

// fill reads everything around now, and remembers from where to follow: the
// numbers are taken before the read, since what is applied twice counts once.
func (l *Live) fill(ctx context.Context, now time.Time, groups []string) error {
	cursors := map[string]*cursor{}
	for _, group := range groups {
		last, err := l.o.Store.LastSeq(ctx, l.o.Source, group)
		if err != nil {
			return fmt.Errorf("fill live state: %w", err)
		}
		last -= min(last, seqOverlap)
		cursors[group] = &cursor{plan: last, change: last}
	}
	seen := &watched{Store: l.o.Store, stations: map[int64]struct{}{}}
	span := Span{Source: l.o.Source, From: now.Add(-l.o.Back), Until: now.Add(l.o.Ahead)}
	state, err := Fill(ctx, seen, span, l.o.Lag)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.generation.Add(1)
	l.state, l.cursors, l.stations, l.newest = state, cursors, seen.stations, seen.newest
	l.forgotten, l.refill = now, !slices.Equal(groups, l.groups) // others were named meanwhile
	l.o.Logger.Info("live state filled", "events", state.Size().Events, "stations", len(l.stations), "newest_poll", l.newest)
	return nil
}

// watched is a Store that notes what passes through.
type watched struct {
	Store
	stations map[int64]struct{}
	newest   time.Time
}

func (w *watched) Timelines(ctx context.Context, q schema.TimelineQuery, visit func(rail.PlannedEvent, []rail.Change) error) error {
	return w.Store.Timelines(ctx, q, func(plan rail.PlannedEvent, changes []rail.Change) error {
		w.stations[plan.EVA] = struct{}{}
		for _, c := range changes {
			w.newest = later(w.newest, c.PolledAt)
		}
		return visit(plan, changes)
	})
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// query reads on in a group. Trips that ended before everything that is held
// are left out: an import of old days must not pass through here.
func (l *Live) query(group string, after uint64, now time.Time) schema.TailQuery {
	return schema.TailQuery{Source: l.o.Source, Group: group, AfterSeq: after, Limit: tailRows,
		FromServiceDay: string(rail.DayOf(l.oldest(now)).Add(-tripDays))}
}

// oldest is the planned time before which nothing is held.
func (l *Live) oldest(now time.Time) time.Time { return now.Add(-l.o.Back - feature.PlanReach) }

// next is the cursor after a read whose last row has that number. Where the
// limit cut the rows, more may share the number: it is read once more.
func next(after, last uint64, rows int) uint64 {
	if rows == tailRows && last-1 > after {
		return last - 1
	}
	return last
}

// follow reads plan before changes, as they are written.
func (l *Live) follow(ctx context.Context, group string, now time.Time) error {
	if err := l.followPlan(ctx, group, now); err != nil {
		return err
	}
	return l.followChanges(ctx, group, now)
}

func (l *Live) followPlan(ctx context.Context, group string, now time.Time) error {
	for range tailReads {
		after := l.cursors[group].plan
		events, seqs, err := l.o.Store.PlanSince(ctx, l.query(group, after, now))
		if err != nil {
			return fmt.Errorf("follow plan of %s/%s: %w", l.o.Source, group, err)
		}
		if len(events) == 0 {
			return nil
		}
		earlier, err := l.earlier(ctx, events)
		if err != nil {
			return err
		}
		l.applyPlan(group, events, earlier, next(after, seqs[len(seqs)-1], len(seqs)))
		if len(events) < tailRows {
			return nil
		}
	}
	return nil
}

// earlier reads what had been observed of events before their plan came: a
// fill leaves out changes without a plan.
func (l *Live) earlier(ctx context.Context, events []rail.PlannedEvent) ([]rail.Change, error) {
	fresh := map[rail.EventKey]bool{}
	var from, until time.Time
	for _, e := range events {
		if _, known := l.state.Plan(e.Key()); known {
			continue
		}
		fresh[e.Key()] = true
		if from.IsZero() || e.Planned.Before(from) {
			from = e.Planned
		}
		until = later(until, e.Planned.Add(time.Second))
	}
	if len(fresh) == 0 {
		return nil, nil
	}
	var found []rail.Change
	query := schema.TimelineQuery{Source: l.o.Source, From: from, Until: until}
	err := l.o.Store.Timelines(ctx, query, func(plan rail.PlannedEvent, changes []rail.Change) error {
		if fresh[plan.Key()] {
			found = append(found, changes...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("changes before the plan of %d events: %w", len(fresh), err)
	}
	return found, nil
}

// applyPlan leaves changes beyond the cursor to the following of changes.
func (l *Live) applyPlan(group string, events []rail.PlannedEvent, earlier []rail.Change, seq uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.generation.Add(1)
	l.state.AddPlan(events)
	for _, e := range events {
		l.stations[e.EVA] = struct{}{}
	}
	applied := earlier[:0]
	for _, c := range earlier {
		if c.Seq <= l.cursors[group].change {
			applied = append(applied, c)
		}
	}
	l.state.AddChanges(applied)
	l.cursors[group].plan = seq
}

func (l *Live) followChanges(ctx context.Context, group string, now time.Time) error {
	for range tailReads {
		after := l.cursors[group].change
		changes, err := l.o.Store.ChangesSince(ctx, l.query(group, after, now))
		if err != nil {
			return fmt.Errorf("follow changes of %s/%s: %w", l.o.Source, group, err)
		}
		if len(changes) == 0 {
			return nil
		}
		l.applyChanges(group, changes, next(after, changes[len(changes)-1].Seq, len(changes)))
		if len(changes) < tailRows {
			return nil
		}
	}
	return nil
}

func (l *Live) applyChanges(group string, changes []rail.Change, seq uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.generation.Add(1)
	l.state.AddChanges(changes)
	for _, c := range changes {
		l.newest = later(l.newest, c.PolledAt)
	}
	l.cursors[group].change = seq
}

// forget drops, once a minute, what no answer needs any more.
func (l *Live) forget(now time.Time) {
	if now.Sub(l.forgotten) < time.Minute {
		return
	}
	l.forgotten = now
	l.mu.RLock()
	defer l.mu.RUnlock()
	l.state.Forget(l.oldest(now))
}
