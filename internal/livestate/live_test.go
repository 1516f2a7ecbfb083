package livestate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"puenktlich/internal/feature"
	"puenktlich/internal/rail"
	"puenktlich/internal/testenv"
	"puenktlich/internal/warehouse"
	schema "puenktlich/schemas/clickhouse"
)

func TestMain(m *testing.M) { testenv.Main(m) }

const lag = 20 * time.Second

// hand is a clock that a test moves.
type hand struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hand) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hand) set(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = now
}

func migrated(t testing.TB) *warehouse.DB {
	t.Helper()
	db, err := warehouse.Open(warehouse.Options(testenv.ClickHouse(t)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

func newLive(store Tail, clock Clock) *Live {
	return NewLive(LiveOptions{Store: store, Source: "test", Groups: []string{"main"}, Clock: clock, Lag: lag, Logger: slog.New(slog.DiscardHandler)})
}

var begin = time.Date(2024, 10, 29, 9, 0, 0, 0, time.UTC)

// rail day: trips over two stations; the plan of an event comes some minutes
// before it, and changes of it may come before that.
type traffic struct {
	plans   []rail.PlannedEvent
	changes []rail.Change
}

func randomTraffic(rng *rand.Rand, trips int) traffic {
	var all traffic
	for trip := range trips {
		start := begin.Add(time.Duration(rng.IntN(8*60)-4*60) * time.Minute)
		for index := 1; index <= 2; index++ {
			planned := start.Add(time.Duration(index) * 20 * time.Minute)
			kind := []rail.EventKind{rail.Departure, rail.Arrival}[index-1]
			stop := rail.StopID(fmt.Sprintf("%d-%s-%d", 1000+trip, rail.FormatTime(start), index))
			p := rail.PlannedEvent{EVA: int64(index), Stop: stop, Kind: kind, Trip: fmt.Sprintf("%d-%s", 1000+trip, rail.FormatTime(start)),
				ServiceDay: rail.DayOf(start), Index: index, Train: rail.Train{Category: "RE", Number: fmt.Sprint(trip)}, Planned: planned,
				Platform: fmt.Sprint(rng.IntN(3)), PolledAt: planned.Add(-time.Duration(rng.IntN(300)) * time.Minute).Truncate(time.Minute)}
			all.plans = append(all.plans, p)
			for range rng.IntN(10) {
				all.changes = append(all.changes, rail.Change{EVA: p.EVA, Stop: stop, Kind: kind,
					PolledAt: planned.Add(-time.Duration(rng.IntN(400)) * time.Minute).Truncate(time.Minute),
					Changed:  planned.Add(time.Duration(rng.IntN(15)) * time.Minute)})
			}
		}
	}
	slices.SortStableFunc(all.plans, func(a, b rail.PlannedEvent) int { return a.PolledAt.Compare(b.PolledAt) })
	slices.SortStableFunc(all.changes, func(a, b rail.Change) int { return a.PolledAt.Compare(b.PolledAt) })
	number := uint64(0)
	for i := range all.changes {
		if i == 0 || !all.changes[i].PolledAt.Equal(all.changes[i-1].PolledAt) {
			number = firstSeq(all.changes[i].PolledAt)
		}
		all.changes[i].Seq = number
		number++
	}
	return all
}

// firstSeq numbers observations as the collector does, plan and changes alike.
func firstSeq(t time.Time) uint64 { return uint64(t.UnixMilli()) << 20 }

// store writes what was polled in (after, through], plan first.
func (tr traffic) store(t testing.TB, db *warehouse.DB, after, through time.Time) {
	t.Helper()
	in := func(polled time.Time) bool { return polled.After(after) && !polled.After(through) }
	batch := schema.Batch{Token: through.String(), Source: "test", Group: "main"}
	for i := 0; i < len(tr.plans); {
		same := i
		for same < len(tr.plans) && tr.plans[same].PolledAt.Equal(tr.plans[i].PolledAt) {
			same++
		}
		if polled := tr.plans[i].PolledAt; in(polled) {
			each := batch
			each.Token += polled.String()
			if err := db.InsertPlan(t.Context(), each, tr.plans[i:same], firstSeq(polled)); err != nil {
				t.Fatal(err)
			}
		}
		i = same
	}
	var changes []rail.Change
	for _, c := range tr.changes {
		if in(c.PolledAt) {
			changes = append(changes, c)
		}
	}
	if len(changes) > 0 {
		if err := db.InsertChanges(t.Context(), batch, changes); err != nil {
			t.Fatal(err)
		}
	}
}

// compare asks a Live and a State filled anew from the store for every event of
// the hours to come, and answers how many of them were known.
func compare(t testing.TB, live *Live, db *warehouse.DB, tr traffic, now time.Time) (known int) {
	t.Helper()
	state, err := Fill(t.Context(), db, Span{Source: "test", From: now.Add(-3 * time.Hour), Until: now.Add(12 * time.Hour)}, lag)
	if err != nil {
		t.Fatal(err)
	}
	histories := Histories{Store: db, Source: "test"}
	want := make([]float32, feature.Width())
	for _, p := range tr.plans {
		if p.Planned.Before(now) || p.Planned.After(now.Add(4*time.Hour)) {
			continue
		}
		vector, _, _, ok := live.Vector(p.Key(), now)
		k, filled := state.At(p.Key(), now)
		if ok != filled {
			t.Fatalf("%s at %s: known to the live state %v, to a filled one %v", p.Key(), now, ok, filled)
		}
		if !ok {
			continue
		}
		known++
		history, err := histories.At(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		feature.Vector(want, &k, history)
		for i, name := range feature.Names() {
			if math.Float32bits(vector[i]) != math.Float32bits(want[i]) {
				t.Fatalf("%s at %s: %s is %v followed, %v filled", p.Key(), now, name, vector[i], want[i])
			}
		}
	}
	return known
}

// What is followed, poll by poll, equals what is filled at once, to the bit:
// also for events whose changes came before the first fill and whose plan after.
func TestFollowingEqualsFilling(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	tr := randomTraffic(rand.New(rand.NewPCG(3, 1)), 80)
	history := []schema.Daily{{Source: "test", Day: "2024-10-28", KeyKind: string(feature.ByAll), Events: 100, Late: 30, Cancelled: 2, DelaySum: 250, KnownAt: begin.Add(-20 * time.Hour), Version: 1}}
	if err := db.InsertDaily(t.Context(), "history", history); err != nil {
		t.Fatal(err)
	}
	clock := &hand{now: begin}
	tr.store(t, db, time.Time{}, begin)
	live := newLive(db, clock)
	known, last := 0, begin
	for now := begin; now.Before(begin.Add(3 * time.Hour)); now = now.Add(17 * time.Minute) {
		tr.store(t, db, last, now)
		last = now
		clock.set(now)
		if err := live.step(t.Context()); err != nil {
			t.Fatal(err)
		}
		known += compare(t, live, db, tr, now)
	}
	if known < 200 {
		t.Errorf("only %d events were compared", known)
	}
	if got := live.Stations(); !slices.Equal(got, []int64{1, 2}) {
		t.Errorf("stations %v", got)
	}
}

// broken is a Tail that fails while it is told to.
type broken struct {
	*warehouse.DB
	away error
}

func (b *broken) ChangesSince(ctx context.Context, q schema.TailQuery) ([]rail.Change, error) {
	if b.away != nil {
		return nil, b.away
	}
	return b.DB.ChangesSince(ctx, q)
}

func (b *broken) LastSeq(ctx context.Context, source, group string) (uint64, error) {
	if b.away != nil {
		return 0, b.away
	}
	return b.DB.LastSeq(ctx, source, group)
}

func TestAnOutageOfTheStore(t *testing.T) {
	t.Parallel()
	store := &broken{DB: migrated(t), away: warehouse.ErrUnavailable}
	p := rail.PlannedEvent{EVA: 1, Stop: "1-2410291000-1", Kind: rail.Departure, Trip: "1-2410291000", ServiceDay: "2024-10-29", Index: 1,
		Train: rail.Train{Category: "RE", Number: "1"}, Planned: begin.Add(time.Hour), PolledAt: begin.Add(-time.Hour)}
	first := rail.Change{EVA: 1, Stop: p.Stop, Kind: p.Kind, Seq: firstSeq(begin.Add(-time.Minute)), PolledAt: begin.Add(-time.Minute), Changed: p.Planned.Add(7 * time.Minute)}
	second := first
	second.PolledAt, second.Seq, second.Changed = begin.Add(10*time.Minute), firstSeq(begin.Add(10*time.Minute)), p.Planned.Add(2*time.Minute)
	tr := traffic{plans: []rail.PlannedEvent{p}, changes: []rail.Change{first, second}}
	tr.store(t, store.DB, time.Time{}, begin)
	clock := &hand{now: begin}
	live := newLive(store, clock)
	if err := live.step(t.Context()); !errors.Is(err, warehouse.ErrUnavailable) || live.Ready() {
		t.Fatalf("with the store away from the start: %v, ready %v", err, live.Ready())
	}
	if live.Age() < 24*time.Hour {
		t.Errorf("age %v of nothing", live.Age())
	}
	expect := func(moment string, delay int, seq uint64, age time.Duration) {
		t.Helper()
		_, k, lastSeq, ok := live.Vector(p.Key(), clock.Now())
		if got, _ := k.Own.DelayMinutes(); !ok || got != delay || lastSeq != seq || live.Age() != age {
			t.Errorf("%s: delay %d, last seq %d, age %v, %v; want %d, %d, %v", moment, got, lastSeq, live.Age(), ok, delay, seq, age)
		}
	}
	store.away = nil
	if err := live.step(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect("after the first fill", 7, first.Seq, time.Minute)
	store.away = warehouse.ErrUnavailable
	clock.set(begin.Add(15 * time.Minute))
	tr.store(t, store.DB, begin, clock.Now())
	if err := live.step(t.Context()); err == nil {
		t.Fatal("want the outage reported")
	}
	expect("during the outage", 7, first.Seq, 16*time.Minute)
	store.away = nil
	if err := live.step(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect("after it", 2, second.Seq, 5*time.Minute)
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	live := newLive(&broken{away: warehouse.ErrUnavailable}, &hand{now: begin})
	ctx, cancel := context.WithCancel(t.Context())
	live.Start(ctx)
	cancel()
	<-live.Done()
}

func TestRowsThatShareTheLastNumberAreReadAgain(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		after, last uint64
		rows        int
		want        uint64
	}{
		"all was read":                         {5, 9, 4, 9},
		"cut by the limit":                     {5, 9, tailRows, 8},
		"cut, and every row shares its number": {8, 9, tailRows, 9},
	}
	for name, test := range tests {
		if got := next(test.after, test.last, test.rows); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

func TestOldEventsAreForgotten(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	tr := randomTraffic(rand.New(rand.NewPCG(3, 2)), 20)
	tr.store(t, db, time.Time{}, begin.Add(12*time.Hour))
	clock := &hand{now: begin}
	live := newLive(db, clock)
	for _, hours := range []time.Duration{0, 10, 23} {
		clock.set(begin.Add(hours * time.Hour))
		if err := live.step(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := 0
		for _, p := range tr.plans {
			if !p.Planned.Before(clock.Now().Add(-15 * time.Hour)) {
				want++
			}
		}
		if got := live.Size().Events; got != want {
			t.Errorf("%d hours on: %d events held, want %d of %d", hours, got, want, len(tr.plans))
		}
	}
}

// A group that is named later is followed from then on, with all that it had said
// before and after.
func TestAGroupNamedLaterIsFollowed(t *testing.T) {
	t.Parallel()
	db, clock := migrated(t), &hand{now: begin}
	live := newLive(db, clock)
	event := func(n int, group string) rail.EventKey {
		planned := begin.Add(time.Duration(30+n) * time.Minute)
		stop := rail.StopID(fmt.Sprintf("7%d-%s-2", n, rail.FormatTime(begin)))
		p := rail.PlannedEvent{EVA: 8, Stop: stop, Kind: rail.Arrival, Trip: fmt.Sprintf("7%d-%s", n, rail.FormatTime(begin)), ServiceDay: rail.DayOf(begin),
			Index: 2, Planned: planned, PolledAt: clock.Now()}
		batch := schema.Batch{Token: fmt.Sprint(group, n), Source: "test", Group: group}
		if err := db.InsertPlan(t.Context(), batch, []rail.PlannedEvent{p}, firstSeq(p.PolledAt)+uint64(n)); err != nil {
			t.Fatal(err)
		}
		return p.Key()
	}
	knows := func(key rail.EventKey) bool { _, known := live.Plan(key); return known }
	step := func() {
		t.Helper()
		clock.set(clock.Now().Add(time.Minute))
		if err := live.step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	step()
	ours, theirs := event(1, "main"), event(2, "main-2")
	step()
	if !knows(ours) || knows(theirs) {
		t.Fatalf("before: knows ours %v, theirs %v", knows(ours), knows(theirs))
	}
	live.SetGroups([]string{"main", "main-2"})
	if !live.Ready() || !knows(ours) {
		t.Error("a new group takes away what is known")
	}
	step()
	if !knows(ours) || !knows(theirs) {
		t.Errorf("what a new group had said: ours %v, theirs %v", knows(ours), knows(theirs))
	}
	later := event(3, "main-2")
	step()
	if !knows(later) {
		t.Error("the new group is not followed")
	}
}
