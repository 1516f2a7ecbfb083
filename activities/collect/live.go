package collect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/internal/timetables"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

const (
	// planBack is how far back plans of a live source are asked for: after an
	// outage, what began meanwhile.
	planBack = Ahead
	// planPause is how long a plan that was asked for in vain is not asked for
	// again.
	planPause = 10 * time.Minute
	// sureShare of the limit is given to the first tries of a window, and of the
	// time between two windows to all of them; the rest is for calls that are made
	// again, and for writing, so that a window ends before the next begins.
	sureShare = 0.8
	// maxFailures of one station end its turn.
	maxFailures = 2
)

// budget is how many calls a window of the group may make: its share of what the
// source allows between two windows, by its share of the stations. At least one;
// 0 = no limit.
func (a *Activities) budget(ctx context.Context, stations int) (int, error) {
	if a.Past || a.CallsPerMinute <= 0 {
		return 0, nil
	}
	all := stations
	if a.AllStations != nil {
		n, err := a.AllStations(ctx)
		if err != nil {
			return 0, fmt.Errorf("number of stations: %w", err)
		}
		all = max(n, stations)
	}
	calls := sureShare * float64(a.CallsPerMinute) * a.Every.Minutes()
	return max(1, int(calls*float64(stations)/float64(all))), nil
}

// putOff says what a short budget, or a source that does not answer, left for the
// next window.
type putOff struct {
	stations int // not asked at all
	calls    int
}

// turn is what one station is to be asked in a window, the most urgent first.
type turn struct {
	eva   int64
	asked time.Time // when last
	times int       // how often
	calls []timetables.Call
}

// pollNow asks a source that knows the present alone. Where the budget is short,
// the stations that were asked longest ago come first, so that all have their
// turn.
func (a *Activities) pollNow(ctx context.Context, w schemas.Window, stations []rail.Station, budget int) ([]response, putOff, error) {
	now := maxTime(w.To, a.Clock.Now()) // an attempt may come long after the window
	turns := make([]turn, len(stations))
	before, err := a.recall(ctx, w, stations)
	if err != nil {
		return nil, putOff{}, err
	}
	for i, station := range stations {
		turns[i] = a.turn(now, station.EVA, *before[station.EVA], a.fullDue(now, i, len(stations)))
	}
	slices.SortStableFunc(turns, func(x, y turn) int {
		return cmp.Or(x.asked.Compare(y.asked), cmp.Compare(x.times, y.times), cmp.Compare(x.eva, y.eva))
	})
	asking, cancel := context.WithTimeout(ctx, time.Duration(sureShare*float64(a.Every)))
	defer cancel()
	until, _ := asking.Deadline()
	answers, err := eachStation(ctx, concurrentLiveStations, share(turns, budget), func(ctx context.Context, t turn) ([]response, error) {
		return a.take(ctx, until, t)
	})
	return answers, left(turns, answers), err
}

// left is what of the turns was not done.
func left(turns []turn, answers []response) putOff {
	asked := map[int64]int{}
	for _, answer := range answers {
		asked[answer.Call.EVA]++
	}
	var l putOff
	for _, t := range turns {
		if l.calls += max(0, len(t.calls)-asked[t.eva]); asked[t.eva] == 0 {
			l.stations++
		}
	}
	return l
}

// fullDue is the last moment at which the station of an index was due for a
// periodic fchg: each of n has its own within the period. Zero for none.
func (a *Activities) fullDue(now time.Time, index, n int) time.Time {
	if a.FullEvery <= 0 {
		return time.Time{}
	}
	offset := a.FullEvery * time.Duration(index) / time.Duration(n)
	return now.Add(-offset).Truncate(a.FullEvery).Add(offset)
}

// turn lists the calls of a station: its changes, the most urgent plan that is
// not known, and then the others. An fchg is followed by rchg, which alone has
// corrections of what is past.
func (a *Activities) turn(now time.Time, eva int64, before recalled, due time.Time) turn {
	recent := timetables.Call{Kind: timetables.CallRecent, EVA: eva, AsOf: now}
	plans := planCalls(now, eva, before)
	t := turn{eva: eva, asked: before.asked, times: before.times, calls: []timetables.Call{recent}}
	full := before.lost(now, a.forgets()) || before.full.Before(due)
	if full {
		t.calls[0].Kind = timetables.CallFull
	}
	if len(plans) > 0 {
		t.calls, plans = append(t.calls, plans[0]), plans[1:]
	}
	if full {
		t.calls = append(t.calls, recent)
	}
	t.calls = append(t.calls, plans...)
	return t
}

// planCalls lists the plans to ask for: the present hour, those ahead, then those
// that are past.
func planCalls(now time.Time, eva int64, before recalled) []timetables.Call {
	var calls []timetables.Call
	present := now.Truncate(time.Hour)
	add := func(hour time.Time) {
		asked, vain := before.askedPlan[hour]
		past := hour.Before(present)
		if before.plans[hour] || vain && (now.Sub(asked) < planPause || past && before.noPlan[hour]) {
			return
		}
		calls = append(calls, timetables.Call{Kind: timetables.CallPlan, EVA: eva, Hour: hour, AsOf: now})
	}
	for hour := present; hour.Before(now.Add(Ahead)); hour = hour.Add(time.Hour) {
		add(hour)
	}
	for hour := present.Add(-time.Hour); !hour.Before(now.Add(-planBack).Truncate(time.Hour)); hour = hour.Add(-time.Hour) {
		add(hour)
	}
	return calls
}

// urgent is how many of a station's calls are made before the others have more.
const urgent = 2

// share gives the calls of a budget to the stations in their order: first the
// urgent ones of each, then one more of each and so on. It answers the turns with
// calls, in order. A budget of 0 takes all.
func share(turns []turn, budget int) []turn {
	if budget <= 0 {
		return turns
	}
	given := make([]int, len(turns))
	for round := urgent; budget > 0; round++ {
		wanted := false
		for i, t := range turns {
			more := min(min(round, len(t.calls))-given[i], budget)
			given[i] += more
			budget -= more
			wanted = wanted || len(t.calls) > given[i]
		}
		if !wanted {
			break
		}
	}
	var taken []turn
	for i, t := range turns {
		if given[i] > 0 {
			t.calls = t.calls[:given[i]]
			taken = append(taken, t)
		}
	}
	return taken
}

// take makes the calls of a turn while there is time for asking. A call under way
// at its end has failed, the ones after it are put off; and so are those of a
// station that has failed twice, or that keeps a caller waiting. Where fchg fails,
// rchg is asked in its place, at once.
func (a *Activities) take(ctx context.Context, until time.Time, t turn) ([]response, error) {
	asking, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	var answers []response
	failures := 0
	for calls := t.calls; len(calls) > 0 && failures < maxFailures; {
		call := calls[0]
		calls = calls[1:]
		answer, err := a.Source.Get(asking, call)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, timetables.ErrNotAsked):
			return answers, nil
		}
		r := outcome(call, answer, err)
		answers = append(answers, r)
		if isTimeout(err) {
			return answers, nil
		}
		if r.status == schema.PollFailed {
			failures++
			calls = inItsPlace(call, calls)
		}
	}
	return answers, nil
}

// inItsPlace puts rchg before the calls that follow a failed fchg.
func inItsPlace(failed timetables.Call, calls []timetables.Call) []timetables.Call {
	if failed.Kind != timetables.CallFull {
		return calls
	}
	recent := failed
	recent.Kind = timetables.CallRecent
	rest := slices.DeleteFunc(slices.Clone(calls), func(c timetables.Call) bool { return c.Kind == timetables.CallRecent })
	return append([]timetables.Call{recent}, rest...)
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}
