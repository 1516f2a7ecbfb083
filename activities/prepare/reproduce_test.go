package prepare

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"puenktlich/internal/dataset"
	"puenktlich/internal/objstore"
	"puenktlich/internal/rail"
	"puenktlich/internal/testenv"
	"puenktlich/schemas"
)

// twoDays are trains of Tuesday and Wednesday with what was polled of them: a
// trip of two stops every 40 minutes, some over midnight, some cancelled.
func twoDays(t *testing.T) (plans []rail.PlannedEvent, changes []rail.Change) {
	t.Helper()
	rng := rand.New(rand.NewPCG(29, 10))
	for n := range 70 {
		start := tuesday.Start().Add(time.Duration(40*n+10) * time.Minute)
		for index := range 2 {
			planned := start.Add(time.Duration(30*index) * time.Minute)
			stop := rail.StopID(fmt.Sprintf("%d-%s-%d", 100+n, rail.FormatTime(start), index+1))
			ref, err := stop.Parse()
			must(t, err)
			p := rail.PlannedEvent{EVA: int64(8000105 + index), Stop: stop, Kind: []rail.EventKind{rail.Departure, rail.Arrival}[index], Trip: ref.Trip(),
				ServiceDay: rail.DayOf(start), Index: index + 1, Train: rail.Train{Category: []string{"RE", "ICE"}[n%2], Number: fmt.Sprint(n % 5), Class: rail.Regional},
				Planned: planned, Platform: fmt.Sprint(n % 3), PolledAt: planned.Add(-6 * time.Hour)}
			plans = append(plans, p)
			for poll := range 1 + rng.IntN(4) {
				c := rail.Change{EVA: p.EVA, Stop: stop, Kind: p.Kind, PolledAt: planned.Add(time.Duration(20*poll-65) * time.Minute),
					Changed: planned.Add(time.Duration(rng.IntN(12)) * time.Minute)}
				if rng.IntN(12) == 0 {
					c.Status = rail.StatusCancelled
				}
				c.Seq = uint64(c.PolledAt.UnixMilli())<<20 + uint64(len(changes))
				changes = append(changes, c)
			}
		}
	}
	return plans, changes
}

// settleTwoDays writes them in an order of its own, in batches of its own.
func (h *house) settleTwoDays(t *testing.T, seed uint64) {
	t.Helper()
	plans, changes := twoDays(t)
	rng := rand.New(rand.NewPCG(seed, 0))
	rng.Shuffle(len(plans), func(i, j int) { plans[i], plans[j] = plans[j], plans[i] })
	rng.Shuffle(len(changes), func(i, j int) { changes[i], changes[j] = changes[j], changes[i] })
	number := 0
	token := func() string { number++; return fmt.Sprintf("%d/%d", seed, number) }
	for part := range slices.Chunk(changes, 1+int(seed)*17) {
		must(t, h.db.InsertChanges(t.Context(), h.batch(token()), part))
	}
	for part := range slices.Chunk(plans, 10*int(seed)) {
		must(t, h.db.InsertPlan(t.Context(), h.batch(token()), part, seed<<40))
	}
	for _, day := range []rail.Day{tuesday, wednesday} {
		h.settle(t, string(day), settledBy)
	}
}

var settledBy = wednesday.End().Add(12 * time.Hour)

// prepare is what the workflow does, step by step.
func (h *house) prepare(ctx context.Context, objects Objects) (schemas.SealedDataset, error) {
	a := *h.Activities
	a.Objects = objects
	plan, err := a.PlanDataset(ctx, schemas.PrepareInput{AsOf: settledBy})
	if err != nil {
		return schemas.SealedDataset{}, err
	}
	parts := make([]schemas.DatasetPart, len(plan.Days))
	for i, day := range plan.Days {
		if parts[i], err = a.PreparePart(ctx, schemas.PreparePartInput{Day: day, Horizons: plan.Horizons, AsOf: plan.AsOf}); err != nil {
			return schemas.SealedDataset{}, err
		}
	}
	return a.SealDataset(ctx, schemas.PrepareManifestInput{Plan: plan, Parts: parts})
}

func (h *house) prepared(t *testing.T) schemas.SealedDataset {
	t.Helper()
	sealed, err := h.prepare(t.Context(), h.Objects)
	must(t, err)
	return sealed
}

// The same inputs give the same parts, the same identifier and the same
// manifest, whatever the order in which they came and whichever engine holds them.
func TestTheSameInputsGiveTheSameHash(t *testing.T) {
	t.Parallel()
	first := newHouse(t)
	first.settleTwoDays(t, 1)
	want := first.prepared(t)
	if want.State != schemas.DatasetValid || want.Events < 100 || want.Rows < 500 {
		t.Fatalf("%+v\n%s", want, schemas.CheckTable(want.Checks))
	}
	if again := first.prepared(t); !reflect.DeepEqual(again, want) {
		t.Errorf("prepared twice:\n%+v\n%+v", want, again)
	}
	shuffled := newHouse(t)
	shuffled.settleTwoDays(t, 2)
	if got := shuffled.prepared(t); !reflect.DeepEqual(got, want) {
		t.Errorf("stored in another order:\n%+v\n%+v", want, got)
	}
	second := houseAt(t, testenv.AnotherClickHouse(t))
	second.settleTwoDays(t, 3)
	if got := second.prepared(t); !reflect.DeepEqual(got, want) {
		t.Errorf("on another engine:\n%+v\n%+v", want, got)
	}
	second.say(t, rail.PlannedEvent{EVA: 8000105, Stop: firstStop(t), Kind: rail.Departure, Planned: tuesday.Start().Add(10 * time.Minute)}, tuesday.Start().Add(-15*time.Minute), 31)
	if got := second.prepared(t); got.ID == want.ID {
		t.Error("another observation, the same identifier")
	}
}

func firstStop(t *testing.T) rail.StopID {
	t.Helper()
	plans, _ := twoDays(t)
	return plans[0].Stop
}

// mortal is an object store whose process dies at a write: before it, or after
// it and before anyone is told.
type mortal struct {
	*objstore.Store
	left  int
	after bool
}

var errKilled = errors.New("killed")

func (m *mortal) PutContent(ctx context.Context, prefix, suffix string, body []byte) (schemas.ObjectRef, error) {
	if m.left--; m.left >= 0 {
		return m.Store.PutContent(ctx, prefix, suffix, body)
	}
	if m.after {
		if _, err := m.Store.PutContent(ctx, prefix, suffix, body); err != nil {
			return schemas.ObjectRef{}, err
		}
	}
	return schemas.ObjectRef{}, errKilled
}

func keys(t *testing.T, objects *objstore.Store) (all []string) {
	t.Helper()
	list, err := objects.List(t.Context(), schemas.DatasetPrefix)
	must(t, err)
	for _, o := range list {
		all = append(all, o.Key)
	}
	return all
}

// Killed at any write, preparation leaves no manifest of a data set that is not
// whole, and a second run gives what an undisturbed one gives.
func TestKilledAtAnyWrite(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.settleTwoDays(t, 1)
	want := h.prepared(t)
	whole := keys(t, h.Objects.(*objstore.Store))
	if len(whole) != 5 {
		t.Fatalf("two parts, two profiles and a manifest were written as %v", whole)
	}
	for n := range whole {
		for _, after := range []bool{false, true} {
			objects := bucket(t)
			if _, err := h.prepare(t.Context(), &mortal{objects, n, after}); !errors.Is(err, errKilled) {
				t.Fatalf("at write %d: %v", n, err)
			}
			left := keys(t, objects)
			sealed := slices.ContainsFunc(left, func(key string) bool { return strings.Contains(key, "/manifest/") })
			if last := n == len(whole)-1; sealed != (last && after) {
				t.Errorf("killed at write %d, there is %v", n, left)
			}
			again, err := h.prepare(t.Context(), objects)
			must(t, err)
			if !reflect.DeepEqual(again, want) || !slices.Equal(keys(t, objects), whole) {
				t.Errorf("killed at write %d, then %+v, want %+v", n, again, want)
			}
		}
	}
}

// A trip over midnight lies in the parts of two days; split between them it is
// in the later one alone.
func TestATripOverMidnightIsNotSplit(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.settleTwoDays(t, 1)
	sealed := h.prepared(t)
	before, after := schemas.DayRange{From: string(tuesday), To: string(wednesday)}, schemas.DayRange{From: string(wednesday), To: string(wednesday.Add(1))}
	all, _, err := dataset.Load(t.Context(), h.Objects, sealed.DatasetRef, before)
	must(t, err)
	train, _, err := dataset.LoadTraining(t.Context(), h.Objects, sealed.DatasetRef, before)
	must(t, err)
	test, _, err := dataset.Load(t.Context(), h.Objects, sealed.DatasetRef, after)
	must(t, err)
	tested := map[string]bool{}
	for _, row := range test.Rows {
		tested[row.Trip] = true
	}
	split := map[string]bool{}
	for _, row := range all.Rows {
		if tested[row.Trip] {
			split[row.Trip] = true
		}
	}
	for _, row := range train.Rows {
		if tested[row.Trip] {
			t.Errorf("%s is learned from and tested on", row.Trip)
		}
	}
	if len(split) != 1 || len(train.Rows) >= len(all.Rows) {
		t.Errorf("trips over midnight %v, %d of %d rows in training", split, len(train.Rows), len(all.Rows))
	}
}
