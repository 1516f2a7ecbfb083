package collect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"golang.org/x/sync/errgroup"

	"puenktlich/internal/rail"
	"puenktlich/internal/timetables"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// concurrentStations bounds the calls under way at once.
const concurrentStations = 8

// CollectWindow makes every poll of a group in a window, keeps the answers raw,
// writes what was in them, and moves the cursor. Repeating it changes nothing:
// what a poll said is identified by its time.
func (a *Activities) CollectWindow(ctx context.Context, in schemas.CollectWindowInput) (schemas.CollectWindowResult, error) {
	if err := checkWindow(in); err != nil {
		return schemas.CollectWindowResult{}, err
	}
	stations, err := a.Stations(ctx, in.Group)
	if err != nil {
		return schemas.CollectWindowResult{}, fmt.Errorf("stations of %s: %w", in.Group, err)
	}
	responses, err := a.poll(ctx, in.Window, stations)
	if err != nil {
		return schemas.CollectWindowResult{}, err
	}
	result, err := a.ingest(ctx, in.Group, responses)
	if err != nil {
		return result, err
	}
	return result, a.Cursors.Advance(ctx, in.Group, in.Window.To)
}

// poll asks for all stations, a bounded number at a time, and answers in the
// order of polls.
func (a *Activities) poll(ctx context.Context, w schemas.Window, stations []rail.Station) ([]response, error) {
	before, err := a.recall(ctx, w, stations)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var all []response
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(concurrentStations)
	for i, station := range stations {
		group.Go(func() error {
			heartbeat(ctx, fmt.Sprintf("station %d of %d", i+1, len(stations)))
			answers, err := a.pollStation(groupCtx, w, station.EVA, before[station.EVA])
			mu.Lock()
			defer mu.Unlock()
			all = append(all, answers...)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	sortResponses(all)
	return all, nil
}

func sortResponses(all []response) {
	slices.SortStableFunc(all, func(x, y response) int {
		return cmp.Or(x.PolledAt.Compare(y.PolledAt), cmp.Compare(x.Call.EVA, y.Call.EVA),
			cmp.Compare(x.Call.Kind, y.Call.Kind), x.Call.Hour.Compare(y.Call.Hour))
	})
}

func (a *Activities) pollStation(ctx context.Context, w schemas.Window, eva int64, before recalled) ([]response, error) {
	answers, err := a.pollPlans(ctx, w, eva, before.plans)
	if err != nil {
		return nil, err
	}
	if a.gap(w, before.polled) { // only fchg knows what rchg has forgotten
		full, _, err := a.get(ctx, timetables.Call{Kind: timetables.CallFull, EVA: eva, AsOf: a.firstPoll(w)})
		if err != nil {
			return nil, err
		}
		answers = append(answers, full)
	}
	changes, err := a.pollChanges(ctx, w, eva)
	return append(answers, changes...), err
}

// gap says that changes were lost since a station was last polled: a source
// that answers for past moments loses none but before its first poll.
func (a *Activities) gap(w schemas.Window, polled time.Time) bool {
	return polled.IsZero() || !a.Past && w.To.Sub(polled) > 2*a.Every
}

// firstPoll is the moment of a window's first question.
func (a *Activities) firstPoll(w schemas.Window) time.Time {
	if a.Past {
		return w.From
	}
	return w.To
}

// pollChanges follows the polls of a window: where the source says when its
// next answer is due, at that moment, else at regular steps. An answer that
// came before is none.
func (a *Activities) pollChanges(ctx context.Context, w schemas.Window, eva int64) ([]response, error) {
	var answers []response
	last := w.From.Add(-time.Nanosecond)
	for at := a.firstPoll(w); ; {
		answer, next, err := a.get(ctx, timetables.Call{Kind: timetables.CallRecent, EVA: eva, AsOf: at})
		if err != nil {
			return nil, err
		}
		if !a.Past || answer.PolledAt.After(last) && answer.status != schema.PollMissing {
			answers, last = append(answers, answer), answer.PolledAt
		}
		if !next.After(at) {
			next = at.Add(a.Every)
		}
		if at = next; !a.Past || !at.Before(w.To) {
			return answers, nil
		}
	}
}

// pollPlans fetches the plan hours of the window and those ahead that are not
// known yet, so that a missing hour is asked for again.
func (a *Activities) pollPlans(ctx context.Context, w schemas.Window, eva int64, known map[time.Time]bool) ([]response, error) {
	var answers []response
	for hour := w.From.Truncate(time.Hour); hour.Before(w.To.Add(Ahead)); hour = hour.Add(time.Hour) {
		if known[hour] {
			continue
		}
		asOf := maxTime(w.From, hour.Add(-Ahead)) // as far ahead as a regular collection would ask
		if !a.Past {
			asOf = w.To
		}
		answer, _, err := a.get(ctx, timetables.Call{Kind: timetables.CallPlan, EVA: eva, Hour: hour, AsOf: asOf})
		if err != nil {
			return nil, err
		}
		answers = append(answers, answer)
	}
	return answers, nil
}

// recalled is what the store knows of a station before a window.
type recalled struct {
	plans  map[time.Time]bool // hours whose plan was read
	polled time.Time          // last answered poll for changes
}

// recallReach is how far back polls are read: a plan is asked for at most Ahead
// and a window before its hour.
const recallReach = Ahead + 2*windowLength

// recall reads them for all stations in one query. What lies in the window itself is left out where it can be asked for
// again, so that a repeated window asks the same.
func (a *Activities) recall(ctx context.Context, w schemas.Window, stations []rail.Station) (map[int64]recalled, error) {
	query := schema.PollQuery{Source: a.Name, From: w.From.Truncate(time.Hour).Add(-recallReach), Until: w.From}
	known := map[int64]recalled{}
	for _, station := range stations {
		query.Stations = append(query.Stations, station.EVA)
		known[station.EVA] = recalled{plans: map[time.Time]bool{}}
	}
	if !a.Past {
		query.Until = w.To.Add(time.Millisecond)
	}
	polls, err := a.Store.Polls(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("earlier polls: %w", err)
	}
	for _, poll := range polls {
		station := known[poll.EVA]
		switch {
		case poll.Status != schema.PollOK:
		case poll.Kind == schema.PollPlan:
			station.plans[poll.Hour] = true
		case poll.PolledAt.After(station.polled):
			station.polled = poll.PolledAt
			known[poll.EVA] = station
		}
	}
	return known, nil
}

// get asks once. A missing document and a failed poll are answers too; only a
// cancelled context is an error, since it says nothing about the source.
func (a *Activities) get(ctx context.Context, call timetables.Call) (response, time.Time, error) {
	answer, err := a.Source.Get(ctx, call)
	r := response{Response: answer, status: schema.PollOK}
	r.Call = call
	if r.PolledAt.IsZero() {
		r.PolledAt = call.AsOf
	}
	r.PolledAt = wholeSecond(r.PolledAt)
	if ctx.Err() != nil {
		return r, time.Time{}, ctx.Err()
	}
	switch {
	case errors.Is(err, timetables.ErrNotFound):
		r.status, r.reason, r.Body = schema.PollMissing, err.Error(), nil
	case err != nil:
		r.status, r.reason, r.Body = schema.PollFailed, err.Error(), nil
	}
	return r, answer.Next, nil
}

// wholeSecond rounds up, the resolution of archives: a poll never claims to
// have known earlier than it did.
func wholeSecond(t time.Time) time.Time { return t.Add(time.Second - 1).Truncate(time.Second) }

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// heartbeat reports progress where the code runs as an activity.
func heartbeat(ctx context.Context, detail string) {
	if activity.IsActivity(ctx) {
		activity.RecordHeartbeat(ctx, detail)
	}
}
