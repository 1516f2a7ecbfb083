package livestate

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"puenktlich/internal/feature"
	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

// Tail is a Store that can be read on from where a reader stopped.
type Tail interface {
	Store
	ChangesSince(ctx context.Context, q schema.TailQuery) ([]rail.Change, error)
	PlanSince(ctx context.Context, q schema.TailQuery) ([]rail.PlannedEvent, []uint64, error)
	LastSeq(ctx context.Context, source, group string) (uint64, error)
}

// Clock tells domain time.
type Clock interface{ Now() time.Time }

// LiveOptions say what a Live follows.
type LiveOptions struct {
	Store  Tail
	Source string
	Groups []string // station groups to follow
	// GroupOf names the group of a station. Nil: all are of the first group.
	GroupOf func(eva int64) string
	Clock   Clock
	// Lag is the measured time from a poll until it is applied; a cut-off sees
	// what was polled Lag before it. Defaults to 0.
	Lag time.Duration
	// Back and Ahead bound the planned times around now that are answered
	// exactly from the first fill on. Default to 3 and 12 hours.
	Back, Ahead time.Duration
	// Every is the pause between two looks at the store, wall time. Defaults to
	// one second.
	Every time.Duration
	// Logger defaults to slog.Default().
	Logger *slog.Logger
}

func (o LiveOptions) withDefaults() LiveOptions {
	if o.Back <= 0 {
		o.Back = 3 * time.Hour
	}
	if o.Ahead <= 0 {
		o.Ahead = 12 * time.Hour
	}
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.GroupOf == nil {
		o.GroupOf = func(int64) string { return o.Groups[0] }
	}
	return o
}

// Live is the state that serving answers from: filled once, then following the
// store. While the store is away it keeps what it knows and says how old that
// is. It is safe for concurrent use.
type Live struct {
	o    LiveOptions
	done chan struct{}

	// mu holds state and cursors together: a reader never sees a change whose
	// sequence number is not yet in the cursor.
	mu        sync.RWMutex
	state     *feature.State // nil until the first fill
	cursors   map[string]*cursor
	stations  map[int64]struct{}
	newest    time.Time // poll time of the newest change applied; plans are known long before
	histories map[rail.Day]*feature.History
	fault     error
	groups    []string // followed
	refill    bool     // groups were added: what came of them before is not in the state
	// generation is counted up with mu held, before anything changes.
	generation atomic.Uint64

	// Owned by the one that follows.
	historyRead time.Time // wall
	forgotten   time.Time // domain
}

// cursor is how far one station group was applied.
type cursor struct{ plan, change uint64 }

// NewLive makes a Live that knows nothing yet. Source, one group, Store and
// Clock are required.
func NewLive(o LiveOptions) *Live {
	o = o.withDefaults()
	return &Live{o: o, groups: o.Groups, done: make(chan struct{}), stations: map[int64]struct{}{},
		histories: map[rail.Day]*feature.History{}}
}

// Start follows the store in the background until ctx ends; Done tells when it
// has stopped. Call Start or Run, once.
func (l *Live) Start(ctx context.Context) { go func() { _ = l.Run(ctx) }() }

// Done is closed when Run has returned.
func (l *Live) Done() <-chan struct{} { return l.done }

// Run fills the state and follows the store until ctx ends. It returns nil: a
// store that fails is asked again, less and less often.
func (l *Live) Run(ctx context.Context) error {
	defer close(l.done)
	failures := 0
	for {
		err := l.step(ctx)
		if ctx.Err() != nil {
			return nil
		}
		failures = l.note(err, failures)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(l.o.Every * time.Duration(min(1<<failures, 16))):
		}
	}
}

// note keeps the fault and counts failures in a row, at most 4.
func (l *Live) note(err error, failures int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.fault
	l.fault = err
	switch {
	case err != nil && was == nil:
		l.o.Logger.Warn("live state does not follow: it goes on with what it knows", "error", err)
	case err == nil && was != nil:
		l.o.Logger.Info("live state follows again")
	}
	if err != nil {
		return min(failures+1, 4)
	}
	return 0
}

// step is one look at the store.
func (l *Live) step(ctx context.Context) error {
	now := l.o.Clock.Now()
	groups, due := l.following()
	if due {
		if err := l.fill(ctx, now, groups); err != nil {
			return err
		}
	}
	errs := []error{l.refreshHistories(ctx, now)}
	for _, group := range groups {
		errs = append(errs, l.follow(ctx, group, now))
	}
	l.forget(now)
	return errors.Join(errs...)
}

// SetGroups follows these station groups from the next look on. Until what the new
// ones said before has been read too, answers come from what is known.
func (l *Live) SetGroups(groups []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, group := range groups {
		l.refill = l.refill || !slices.Contains(l.groups, group)
	}
	l.groups = slices.Clone(groups)
}

// following is the groups to look at, and whether the state has to be filled first.
func (l *Live) following() (groups []string, due bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.groups, l.state == nil || l.refill
}

// Ready says that the state was filled.
func (l *Live) Ready() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.state != nil
}

// Fault is what keeps it from following the store at present, nil if nothing.
func (l *Live) Fault() error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.fault
}

// Age is the domain time since the newest observation that was applied; while
// nothing was, it is as long as a duration can be.
func (l *Live) Age() time.Duration {
	l.mu.RLock()
	newest := l.newest
	l.mu.RUnlock()
	if newest.IsZero() {
		return 1<<63 - 1
	}
	return max(0, l.o.Clock.Now().Sub(newest))
}

// Generation grows whenever something that an answer may rest on has changed.
func (l *Live) Generation() uint64 { return l.generation.Load() }

// From is the earliest planned time that is answered exactly now.
func (l *Live) From() time.Time { return l.o.Clock.Now().Add(-l.o.Back) }

// Vector is the features of an event at a cut-off (NaN = not known), what they
// were made from, and the last sequence number of the event's station group
// that was applied. False: no such event, or its plan was not known by then.
func (l *Live) Vector(key rail.EventKey, cutoff time.Time) (vector []float32, k feature.Knowledge, lastSeq uint64, ok bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.state == nil {
		return nil, feature.Knowledge{}, 0, false
	}
	k, ok = l.state.At(key, cutoff)
	if !ok {
		return nil, feature.Knowledge{}, 0, false
	}
	vector = make([]float32, feature.Width())
	feature.Vector(vector, &k, l.history(cutoff))
	if c := l.cursors[l.o.GroupOf(k.Plan.EVA)]; c != nil {
		lastSeq = c.change
	}
	return vector, k, lastSeq, true
}

// Board lists the events of a station planned in [from, to), by planned time.
// They are shared: read only.
func (l *Live) Board(eva int64, from, to time.Time) []*rail.PlannedEvent {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.state == nil {
		return nil
	}
	return l.state.Plans(eva, from, to)
}

// Plan is the planned event of a key. It is shared: read only.
func (l *Live) Plan(key rail.EventKey) (*rail.PlannedEvent, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.state == nil {
		return nil, false
	}
	return l.state.Plan(key)
}

// Unplanned is what was observed by a cut-off of an event that stands in no plan.
func (l *Live) Unplanned(key rail.EventKey, cutoff time.Time) (feature.Unplanned, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.state == nil {
		return feature.Unplanned{}, false
	}
	return l.state.Unplanned(key, cutoff)
}

// UnplannedAt lists the trains that the railway added at a station, planned by it in
// [from, to), as known at a cut-off.
func (l *Live) UnplannedAt(eva int64, from, to, cutoff time.Time) []feature.Unplanned {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.state == nil {
		return nil
	}
	return l.state.UnplannedAt(eva, from, to, cutoff)
}

// Stations lists the stations with planned events, ascending.
func (l *Live) Stations() []int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	all := make([]int64, 0, len(l.stations))
	for eva := range l.stations {
		all = append(all, eva)
	}
	slices.Sort(all)
	return all
}

// Size counts what is held.
func (l *Live) Size() feature.Size {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.state == nil {
		return feature.Size{}
	}
	return l.state.Size()
}
