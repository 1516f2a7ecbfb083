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

	"puenktlich/activities/beat"
	"puenktlich/internal/rail"
	"puenktlich/internal/timetables"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// concurrentStations bounds the stations asked at once: of a live source, whose
// calls wait for each other anyway, more, so that some that hang hold up no others.
const (
	concurrentStations     = 8
	concurrentLiveStations = 16
)

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
	budget, err := a.budget(ctx, len(stations))
	if err != nil {
		return schemas.CollectWindowResult{}, err
	}
	stop := beat.While(ctx, "collecting")
	defer stop()
	responses, left, err := a.poll(ctx, in.Window, stations, budget)
	if err != nil {
		return schemas.CollectWindowResult{}, err
	}
	result, err := a.ingest(ctx, in.Group, responses)
	if err != nil {
		return result, err
	}
	if result.Health, err = a.health(ctx, in, stations); err != nil {
		return result, err
	}
	result.Health.Waiting, result.Health.PutOff, result.Health.Budget = left.stations, left.calls, budget
	return result, a.Cursors.Advance(ctx, in.Group, in.Window.To)
}

// poll makes the calls of a window and answers in the order of polls.
func (a *Activities) poll(ctx context.Context, w schemas.Window, stations []rail.Station, budget int) ([]response, putOff, error) {
	if !a.Past {
		return a.pollNow(ctx, w, stations, budget)
	}
	before, err := a.recall(ctx, w, stations)
	if err != nil {
		return nil, putOff{}, err
	}
	all, err := eachStation(ctx, concurrentStations, stations, func(ctx context.Context, station rail.Station) ([]response, error) {
		return a.replayStation(ctx, w, station.EVA, *before[station.EVA])
	})
	return all, putOff{}, err
}

// eachStation asks for all stations, a bounded number at a time.
func eachStation[S any](ctx context.Context, limit int, stations []S, ask func(context.Context, S) ([]response, error)) ([]response, error) {
	var mu sync.Mutex
	var all []response
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(limit)
	for i, station := range stations {
		group.Go(func() error {
			heartbeat(ctx, fmt.Sprintf("station %d of %d", i+1, len(stations)))
			answers, err := ask(groupCtx, station)
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

// replayStation asks a source with a past for everything of a window.
func (a *Activities) replayStation(ctx context.Context, w schemas.Window, eva int64, before recalled) ([]response, error) {
	answers, err := a.pollPlans(ctx, w, eva, before.plans)
	if err != nil {
		return nil, err
	}
	if before.lost(w.To, a.forgets()) {
		full, _, err := a.get(ctx, timetables.Call{Kind: timetables.CallFull, EVA: eva, AsOf: w.From})
		if err != nil {
			return nil, err
		}
		answers = append(answers, full)
	}
	changes, err := a.pollChanges(ctx, w, eva)
	return append(answers, changes...), err
}

// pollChanges follows the polls of a window: where the source says when its
// next answer is due, at that moment, else at regular steps. An answer that
// came before is none.
func (a *Activities) pollChanges(ctx context.Context, w schemas.Window, eva int64) ([]response, error) {
	var answers []response
	var failed time.Time // poll that failed last
	last := w.From.Add(-time.Nanosecond)
	step := stepper{every: a.Every, pause: a.Every}
	for at := w.From; at.Before(w.To); {
		answer, next, err := a.get(ctx, timetables.Call{Kind: timetables.CallRecent, EVA: eva, AsOf: at})
		if err != nil {
			return nil, err
		}
		switch {
		case !answer.PolledAt.After(last) || answer.status == schema.PollMissing:
		case answer.status == schema.PollOK:
			answers, last = append(answers, answer), answer.PolledAt
		case !answer.PolledAt.Equal(failed):
			answers, failed = append(answers, answer), answer.PolledAt
		}
		if at, err = step.after(at, answer, next); err != nil {
			return nil, fmt.Errorf("station %d: %w", eva, err)
		}
	}
	return answers, nil
}

// maxLost is how many questions in a row may stay without an answer and without
// word of the next poll before the source is taken to be away.
const maxLost = 20

// stepper goes from one poll of a source with a past to the next.
type stepper struct {
	every time.Duration // pause where nothing is told
	pause time.Duration // shortest distance of two polls so far, at most Every
	lost  int           // questions in a row without any word
}

// after is the moment of the next question. A poll that failed without word of
// the next one (the client has asked several times by then) is followed by
// questions at the shortest distance seen, so that no later poll is jumped over.
// A source that stays silent is away: the window is an error, and is tried again
// as a whole.
func (s *stepper) after(at time.Time, answer response, next time.Time) (time.Time, error) {
	if next.After(at) {
		s.lost = 0
		if told := next.Sub(answer.PolledAt); answer.status == schema.PollOK && told < s.pause {
			s.pause = max(told, time.Second)
		}
		return next, nil
	}
	if answer.status != schema.PollFailed || answer.PolledAt.Before(at) {
		s.lost = 0
		return at.Add(s.every), nil
	}
	if s.lost++; s.lost >= maxLost {
		return at, fmt.Errorf("no answer to %d questions up to %s: %s", s.lost, at.Format(time.RFC3339), answer.reason)
	}
	return at.Add(s.pause), nil
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
		answer, _, err := a.get(ctx, timetables.Call{Kind: timetables.CallPlan, EVA: eva, Hour: hour, AsOf: asOf})
		if err != nil {
			return nil, err
		}
		answers = append(answers, answer)
	}
	return answers, nil
}

// get asks once. A missing document and a failed poll are answers too; only a
// cancelled context is an error, since it says nothing about the source.
func (a *Activities) get(ctx context.Context, call timetables.Call) (response, time.Time, error) {
	answer, err := a.Source.Get(ctx, call)
	if ctx.Err() != nil {
		return response{}, time.Time{}, ctx.Err()
	}
	return outcome(call, answer, err), answer.Next, nil
}

// outcome is what became of a call.
func outcome(call timetables.Call, answer timetables.Response, err error) response {
	r := response{Response: answer, status: schema.PollOK}
	r.Call = call
	if r.PolledAt.IsZero() {
		r.PolledAt = call.AsOf
	}
	r.PolledAt = wholeSecond(r.PolledAt)
	switch {
	case errors.Is(err, timetables.ErrNotFound):
		r.status, r.reason, r.Body = schema.PollMissing, err.Error(), nil
	case err != nil:
		r.status, r.reason, r.Body = schema.PollFailed, err.Error(), nil
	}
	return r
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
