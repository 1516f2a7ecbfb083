package prepare

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"puenktlich/activities/beat"
	"puenktlich/activities/failure"
	"puenktlich/internal/feature"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// resettle is how many of the newest days are looked at again, for what was not
// settled before and for late revisions.
const resettle = 3

// PlanSettlement lists the days with a plan that began before AsOf: all of
// them, or those of the input; a repeated run without input looks again at the
// newest days alone.
func (a *Activities) PlanSettlement(ctx context.Context, in schemas.SettleInput) (schemas.SettlePlan, error) {
	plan := schemas.SettlePlan{AsOf: a.asOf(in.AsOf)}
	span, err := a.Store.Days(ctx, a.Name)
	if err != nil {
		return plan, fmt.Errorf("days of %s: %w", a.Name, err)
	}
	if span.FirstPlanned == "" {
		return plan, failure.NothingToDo("settle truth: nothing of the %s was collected yet: run Collect or ImportHistory first", a.Name)
	}
	from, to, err := dayRange(in.Days, rail.Day(span.FirstPlanned), rail.DayOf(plan.AsOf).Add(1))
	if err != nil {
		return plan, err
	}
	again := to.Add(-resettle)
	for _, day := range rail.Days(from, to) {
		if in.Days.Empty() && day < again && slices.Contains(span.Settled, string(day)) {
			continue
		}
		plan.Days = append(plan.Days, string(day))
	}
	if len(plan.Days) == 0 {
		plan.Note = fmt.Sprintf("no day of %s before %s", in.Days, plan.AsOf.Format(time.RFC3339))
	}
	return plan, nil
}

// dayRange reads a half-open range, or takes the one given where it is empty.
func dayRange(r schemas.DayRange, from, to rail.Day) (rail.Day, rail.Day, error) {
	if r.Empty() {
		return from, to, nil
	}
	first, err := rail.ParseDay(r.From)
	if err != nil {
		return "", "", failure.InvalidInput("days.from: %v", err)
	}
	last, err := rail.ParseDay(r.To)
	if err != nil {
		return "", "", failure.InvalidInput("days.to: %v", err)
	}
	if first >= last {
		return "", "", failure.InvalidInput("days %s: the range is half-open, so to must be after from", r)
	}
	return first, last, nil
}

// SettleDay turns the observations of one day into ground truth. What is known
// already is not written again; what differs supersedes it and is counted.
func (a *Activities) SettleDay(ctx context.Context, in schemas.SettleDayInput) (schemas.SettleCounts, error) {
	defer beat.While(ctx)()
	day, err := rail.ParseDay(in.Day)
	if err != nil {
		return schemas.SettleCounts{}, failure.InvalidInput("settle: %v", err)
	}
	s := settlement{a: a, ctx: ctx, asOf: a.asOf(in.AsOf), day: day, known: map[rail.EventKey]rail.Truth{},
		daily: feature.NewHistory()}
	if err := s.readKnown(); err != nil {
		return s.counts, err
	}
	if err := s.readPolls(); err != nil {
		return s.counts, err
	}
	query := schema.TimelineQuery{Source: a.Name, From: day.Start(), Until: day.End(), PolledUntil: s.asOf.Add(time.Millisecond)}
	if err := a.Store.Timelines(ctx, query, s.visit); err != nil {
		return s.counts, fmt.Errorf("settle %s: %w", day, err)
	}
	if len(s.fresh) > 0 {
		batch := schema.Batch{Token: fmt.Sprintf("truth/%s/%s/%d/%s", a.Name, day, s.asOf.UnixMilli(), hashOf(s.fresh)), Source: a.Name}
		if err := a.Store.InsertTruth(ctx, batch, s.asOf, s.fresh); err != nil {
			return s.counts, fmt.Errorf("settle %s: %w", day, err)
		}
	}
	return s.counts, s.writeDaily()
}

// settlement is one day's work.
type settlement struct {
	a      *Activities
	ctx    context.Context
	asOf   time.Time
	day    rail.Day
	known  map[rail.EventKey]rail.Truth
	polls  map[int64][]time.Time
	fresh  []rail.Truth
	counts schemas.SettleCounts
	daily  *feature.History
	keys   []feature.HistoryKey
}

func (s *settlement) readKnown() error {
	query := schema.TruthQuery{Source: s.a.Name, From: string(s.day), Until: string(s.day.Add(1)), SettledUntil: s.asOf}
	err := s.a.Store.Truth(s.ctx, query, func(t rail.Truth) error {
		s.known[rail.EventKey{Stop: t.Stop, Kind: t.Kind}] = t
		return nil
	})
	if err != nil {
		return fmt.Errorf("truth of %s: %w", s.day, err)
	}
	return nil
}

// readPolls reads when each station was asked, all in one go: a day of 133
// stations polled every two minutes is 100,000 moments.
func (s *settlement) readPolls() (err error) {
	s.polls, err = s.a.Store.PollTimes(s.ctx, schema.PollQuery{Source: s.a.Name,
		From: s.day.Start().Add(-2 * time.Hour), Until: s.day.End().Add(time.Hour)})
	if err != nil {
		return fmt.Errorf("polls of %s: %w", s.day, err)
	}
	return nil
}

func (s *settlement) visit(plan rail.PlannedEvent, changes []rail.Change) error {
	s.counts.Planned++
	polls := s.polls[plan.EVA]
	s.remember(plan, changes, polls)
	truth, became := judge(plan, changes, polls, s.asOf)
	switch became {
	case unsettled:
		s.counts.Unsettled++
		return nil
	case unknown:
		s.counts.Unknown++
		return nil
	}
	s.count(truth)
	before, found := s.known[plan.Key()]
	if found && same(before, truth) {
		return nil
	}
	if found {
		s.counts.Revised++
	}
	s.fresh = append(s.fresh, truth)
	return nil
}

// same compares what a revision could change.
func same(a, b rail.Truth) bool {
	return a.Actual.Equal(b.Actual) && a.Cancelled == b.Cancelled && a.Evidence == b.Evidence
}

func (s *settlement) count(truth rail.Truth) {
	switch {
	case truth.Cancelled:
		s.counts.Cancelled++
	case truth.Evidence == rail.ChangeObserved:
		s.counts.Observed++
		if truth.Late() {
			s.counts.Late++
		}
	default:
		s.counts.NoChange++
	}
}

// remember adds the event to the day's history as it was known when the day
// entered the history, whenever the settlement runs.
func (s *settlement) remember(plan rail.PlannedEvent, changes []rail.Change, polls []time.Time) {
	truth, became := judge(plan, changes, polls, s.day.End().Add(rail.HistoryDelay))
	if became == settled && truth.Evidence == rail.ChangeObserved {
		s.daily.AddEvent(&plan, truth)
		keys := feature.Keys(&plan)
		s.keys = append(s.keys, keys[:]...)
	}
}

// writeDaily writes the day's counts once the day has entered the history.
// What is written already is not written again; what differs, because more of
// the day came in since, supersedes it.
func (s *settlement) writeDaily() error {
	knownAt := s.day.End().Add(rail.HistoryDelay)
	if s.asOf.Before(knownAt) || s.daily.Len() == 0 {
		return nil
	}
	written, err := s.writtenDaily(knownAt)
	if err != nil {
		return err
	}
	var rows []schema.Daily
	seen, changed := map[feature.HistoryKey]bool{}, false
	for _, key := range s.keys {
		if seen[key] {
			continue
		}
		seen[key] = true
		counts, _ := s.daily.Lookup(key)
		changed = changed || counts.Events > 0 && written[key] != counts // no sums are read of a key without events
		rows = append(rows, schema.Daily{Source: s.a.Name, Day: string(s.day), KeyKind: string(key.Kind), Key: key.Value,
			Events: uint32(counts.Events), Late: uint32(counts.Late), Cancelled: uint32(counts.Cancelled),
			DelaySum: counts.DelaySum, KnownAt: knownAt, Version: uint64(s.asOf.UnixMilli())})
	}
	if !changed {
		return nil
	}
	token := fmt.Sprintf("daily/%s/%s/%d/%s", s.a.Name, s.day, s.asOf.UnixMilli(), hashOf(rows))
	if err := s.a.Store.InsertDaily(s.ctx, token, rows); err != nil {
		return fmt.Errorf("history of %s: %w", s.day, err)
	}
	return nil
}

// writtenDaily reads the day's counts as they stand.
func (s *settlement) writtenDaily(knownAt time.Time) (map[feature.HistoryKey]feature.Counts, error) {
	sums, err := s.a.Store.Daily(s.ctx, schema.DailyQuery{Source: s.a.Name, From: string(s.day), Before: string(s.day.Add(1)), KnownAt: knownAt})
	if err != nil {
		return nil, fmt.Errorf("history of %s: %w", s.day, err)
	}
	written := make(map[feature.HistoryKey]feature.Counts, len(sums))
	for _, d := range sums {
		written[feature.HistoryKey{Kind: feature.HistoryKind(d.KeyKind), Value: d.Key}] =
			feature.Counts{Events: int64(d.Events), Late: int64(d.Late), Cancelled: int64(d.Cancelled), DelaySum: d.DelaySum}
	}
	return written, nil
}

// hashOf tells rows apart in a token: as of one moment there may be more to
// write later, when more was imported.
func hashOf[R any](rows []R) string {
	h := sha256.New()
	for _, row := range rows {
		fmt.Fprintln(h, row)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
