package prepare

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"puenktlich/internal/rail"
	"puenktlich/internal/railsim"
	"puenktlich/internal/timetables"
	"puenktlich/internal/warehouse"
	schema "puenktlich/schemas/clickhouse"
)

// network is simulated railways side by side, for benchmarks: as many stations
// as a big city has. Of each seed there are several districts, told apart by
// their station numbers and trips.
type network struct {
	railways []*railsim.Railway
	copies   int
}

// pollEvery is how often every station of a network is asked for changes.
const pollEvery = 2 * time.Minute

func newNetwork(b *testing.B, seeds, copies int) network {
	b.Helper()
	n := network{copies: copies}
	for seed := range seeds {
		r, err := railsim.New(railsim.Options{Seed: uint64(seed + 1), Scenario: railsim.ScenarioNone})
		must(b, err)
		n.railways = append(n.railways, r)
	}
	return n
}

// observed is what a collector would have learned of one railway on one day.
type observed struct {
	plan    []rail.PlannedEvent
	changes []rail.Change
	polls   []schema.Poll
}

// observe asks a railway what a collector asks it, and parses the answers.
func observe(ctx context.Context, r *railsim.Railway, day rail.Day) (observed, error) {
	var o observed
	ask := func(call timetables.Call, polledAt time.Time) error {
		response, err := r.Get(ctx, call)
		if err != nil {
			return err
		}
		parsed := timetables.Parse(response.Body, timetables.Origin{Call: call, PolledAt: polledAt})
		if len(parsed.Quarantined) > 0 {
			return fmt.Errorf("%v", parsed.Quarantined[0])
		}
		o.plan, o.changes = append(o.plan, parsed.Planned...), append(o.changes, parsed.Changes...)
		poll := schema.Poll{EVA: call.EVA, Kind: schema.PollKind(call.Kind), Hour: call.Hour, PolledAt: polledAt, Status: schema.PollOK,
			Stops: uint32(parsed.Stops), Changes: uint32(len(parsed.Changes))}
		o.polls = append(o.polls, poll)
		return nil
	}
	for _, station := range r.Stations() {
		for hour := day.Start(); hour.Before(day.End()); hour = hour.Add(time.Hour) {
			call := timetables.Call{Kind: timetables.CallPlan, EVA: station.EVA, Hour: hour, AsOf: day.Start()}
			if err := ask(call, hour.Add(-6*time.Hour)); err != nil {
				return o, err
			}
		}
		for at := day.Start(); at.Before(day.End()); at = at.Add(pollEvery) {
			if err := ask(timetables.Call{Kind: timetables.CallRecent, EVA: station.EVA, AsOf: at}, at); err != nil {
				return o, err
			}
		}
	}
	slices.SortStableFunc(o.changes, func(x, y rail.Change) int { return cmp.Compare(x.PolledAt.UnixMilli(), y.PolledAt.UnixMilli()) })
	return o, nil
}

// district renames what was observed, so that it is of a railway of its own.
func (o observed) district(number int) observed {
	prefix, apart := fmt.Sprintf("%d", number+1), int64(number)*1000
	stop := func(id rail.StopID) rail.StopID { return rail.StopID(prefix) + id }
	d := observed{plan: slices.Clone(o.plan), changes: slices.Clone(o.changes), polls: slices.Clone(o.polls)}
	for i := range d.plan {
		p := &d.plan[i]
		p.EVA, p.Stop, p.Trip = p.EVA+apart, stop(p.Stop), prefix+p.Trip
		if p.NextTrip != "" {
			p.NextTrip = prefix + p.NextTrip
		}
	}
	last, ordinal := time.Time{}, uint64(0)
	for i := range d.changes {
		c := &d.changes[i]
		if ordinal++; !c.PolledAt.Equal(last) {
			last, ordinal = c.PolledAt, 0
		}
		c.EVA, c.Stop, c.Seq = c.EVA+apart, stop(c.Stop), uint64(c.PolledAt.UnixMilli())<<20+ordinal
	}
	for i := range d.polls {
		p := &d.polls[i]
		p.EVA, p.Source, p.Group = p.EVA+apart, benchSource, group(number)
	}
	return d
}

const benchSource = "simulated network"

func group(district int) string { return fmt.Sprintf("district-%d", district) }

// write puts a day of the network into the warehouse, as its collection would
// have written it, and answers the number of planned events. It leaves out the
// way over HTTP and the raw bundles.
func (n network) write(ctx context.Context, db *warehouse.DB, day rail.Day) (events, rows int, err error) {
	asked := make([]observed, len(n.railways))
	var group errgroup.Group
	for seed, railway := range n.railways {
		group.Go(func() (err error) {
			if asked[seed], err = observe(ctx, railway, day); err != nil {
				return fmt.Errorf("%s of railway %d: %w", day, seed+1, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return 0, 0, err
	}
	group.SetLimit(2)
	for seed, o := range asked {
		for copied := range n.copies {
			group.Go(func() error { return insertDay(ctx, db, o, seed*n.copies+copied, day) })
		}
		events += n.copies * len(o.plan)
		rows += n.copies * (len(o.plan) + len(o.changes) + len(o.polls))
	}
	return events, rows, group.Wait()
}

func insertDay(ctx context.Context, db *warehouse.DB, o observed, district int, day rail.Day) error {
	d := o.district(district)
	token := strings.Join([]string{group(district), string(day)}, "/")
	batch := schema.Batch{Token: token, Source: benchSource, Group: group(district)}
	if err := db.InsertPlan(ctx, batch, d.plan, uint64(day.Start().UnixMilli())<<20); err != nil {
		return err
	}
	if err := db.InsertChanges(ctx, batch, d.changes); err != nil {
		return err
	}
	return db.InsertPolls(ctx, token, d.polls)
}
