// Package livestate fills a feature.State from the store: a whole day at once
// for training, and by tailing for serving. It adds nothing to what the store
// says, so that both know the same.
package livestate

import (
	"context"
	"fmt"
	"time"

	"puenktlich/internal/feature"
	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

// Store is what a state is filled from.
type Store interface {
	Timelines(ctx context.Context, q schema.TimelineQuery, visit func(rail.PlannedEvent, []rail.Change) error) error
	Daily(ctx context.Context, q schema.DailyQuery) ([]schema.DailySum, error)
}

// Span is a range of planned time, half-open, of one source.
type Span struct {
	Source      string
	From, Until time.Time
	// PolledUntil hides what was polled later; zero hides nothing.
	PolledUntil time.Time
}

// Fill makes a state that answers exactly for events planned in the span, at
// cut-offs within it: it holds everything within feature.PlanReach of it. Of what is
// planned later it holds what had been polled by the end of the span; no such
// cut-off sees more, and half a day of changes need not be read.
func Fill(ctx context.Context, store Store, span Span, lag time.Duration) (*feature.State, error) {
	state := feature.NewState(feature.Options{Lag: lag})
	read := func(from, until, polledUntil time.Time) error {
		query := schema.TimelineQuery{Source: span.Source, From: from, Until: until, PolledUntil: polledUntil}
		return store.Timelines(ctx, query, func(plan rail.PlannedEvent, changes []rail.Change) error {
			state.AddPlan([]rail.PlannedEvent{plan})
			state.AddChanges(changes)
			return nil
		})
	}
	err := read(span.From.Add(-feature.PlanReach), span.Until, span.PolledUntil)
	if err == nil {
		last := span.Until
		if !span.PolledUntil.IsZero() && span.PolledUntil.Before(last) {
			last = span.PolledUntil
		}
		err = read(span.Until, span.Until.Add(feature.PlanReach), last)
	}
	if err != nil {
		return nil, fmt.Errorf("fill state of %s from %s: %w", span.Source, span.From.Format(time.RFC3339), err)
	}
	return state, nil
}

// History reads the counts of the days before a day, as known when that day's
// forecasts begin to use them.
func History(ctx context.Context, store Store, source string, before rail.Day) (*feature.History, error) {
	sums, err := store.Daily(ctx, schema.DailyQuery{Source: source, Before: string(before), KnownAt: before.Start().Add(rail.HistoryDelay)})
	if err != nil {
		return nil, fmt.Errorf("history of %s before %s: %w", source, before, err)
	}
	history := feature.NewHistory()
	for _, s := range sums {
		history.Add(feature.HistoryKey{Kind: feature.HistoryKind(s.KeyKind), Value: s.Key},
			feature.Counts{Events: int64(s.Events), Late: int64(s.Late), Cancelled: int64(s.Cancelled), DelaySum: s.DelaySum})
	}
	return history, nil
}

// Histories keeps the history of each day once it was read.
type Histories struct {
	Store  Store
	Source string
	// Cache, where there is one, is asked for a history.
	Cache *HistoryCache
	days  map[rail.Day]*feature.History
	// last is the history that the cut-offs in [from, until) use: finding the day
	// of each cut-off costs more than its look-up.
	last        *feature.History
	from, until time.Time
}

// At is the history known at a cut-off.
func (h *Histories) At(ctx context.Context, cutoff time.Time) (*feature.History, error) {
	if h.last != nil && !cutoff.Before(h.from) && cutoff.Before(h.until) {
		return h.last, nil
	}
	day := rail.HistoryBefore(cutoff)
	history, err := h.of(ctx, day)
	if err != nil {
		return nil, err
	}
	h.last, h.from, h.until = history, day.Start().Add(rail.HistoryDelay), day.End().Add(rail.HistoryDelay)
	return history, nil
}

func (h *Histories) of(ctx context.Context, day rail.Day) (*feature.History, error) {
	if history, found := h.days[day]; found {
		return history, nil
	}
	history, err := h.read(ctx, day)
	if err != nil {
		return nil, err
	}
	if h.days == nil {
		h.days = map[rail.Day]*feature.History{}
	}
	h.days[day] = history
	return history, nil
}

func (h *Histories) read(ctx context.Context, before rail.Day) (*feature.History, error) {
	if h.Cache == nil {
		return History(ctx, h.Store, h.Source, before)
	}
	return h.Cache.History(ctx, h.Source, before)
}
