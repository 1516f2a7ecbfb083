package archive

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sort"
	"sync"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/internal/timetables"
)

// Recording replays a directory of archives as a Network. It knows where every
// answer lies, and holds the bodies of at most two archives at a time.
//
// A recorded fchg poll counts as a poll of the rchg sequence too: following
// Next from the first poll visits every recorded poll of either call once.
type Recording struct {
	bodies   *bodyCache
	plans    map[planKey]location
	polls    map[int64][]poll // by station, in order of time
	stations []rail.Station
	from, to time.Time
	problems []error

	mu   sync.Mutex
	full map[int64]*fullState
}

type planKey struct {
	eva  int64
	hour string // hourLayout: both passes of the repeated hour are one file
}

// location is the place of a body among the bodies of one archive.
type location struct {
	archive int
	offset  int
	size    int
}

type poll struct {
	at   time.Time
	kind timetables.CallKind
	body location
}

var _ timetables.Network = (*Recording)(nil)

// OpenRecording reads the archives (*.tar.zst) in dir once. Damaged archives
// count up to the damage; see Problems. No archive or no answer is an error.
func OpenRecording(dir string) (*Recording, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.tar.zst"))
	if err != nil {
		return nil, fmt.Errorf("recording %s: %w", dir, err)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("recording %s: no archives *.tar.zst there", dir)
	}
	index := newIndex()
	for i, path := range paths {
		index.read(i, path)
	}
	recording := index.recording(paths)
	if len(recording.plans)+len(recording.polls) == 0 {
		return nil, fmt.Errorf("recording %s: no answers in %d archives: %w",
			dir, len(paths), errors.Join(recording.problems...))
	}
	return recording, nil
}

// Problems lists what could not be read: *CutError, *NameError.
func (r *Recording) Problems() []error { return slices.Clone(r.problems) }

// Stations lists every station with an answer, by EVA number.
func (r *Recording) Stations() []rail.Station { return slices.Clone(r.stations) }

// Span is from the first poll until one second after the last; without polls,
// the hours of the plans.
func (r *Recording) Span() (from, to time.Time) { return r.from, r.to }

// Polls gives the times of every recorded poll of one station, in order.
func (r *Recording) Polls(eva int64) []time.Time {
	times := make([]time.Time, len(r.polls[eva]))
	for i, p := range r.polls[eva] {
		times[i] = p.at
	}
	return times
}

// Get answers a call with what was known at its AsOf.
//
// plan: the recorded file, at whatever AsOf. rchg: the last recorded poll at or
// before AsOf. fchg: that poll where it was an fchg itself, else a document put
// together from everything polled up to then, of the events planned or expected
// from one hour before AsOf on. Next is the poll after that, and is set with
// ErrNotFound too.
func (r *Recording) Get(ctx context.Context, call timetables.Call) (timetables.Response, error) {
	switch call.Kind {
	case timetables.CallPlan:
		return r.plan(call)
	case timetables.CallRecent, timetables.CallFull:
		return r.changes(ctx, call)
	}
	return timetables.Response{Call: call}, fmt.Errorf("recording: call %q: want plan, rchg or fchg", call.Kind)
}

func (r *Recording) plan(call timetables.Call) (timetables.Response, error) {
	response := timetables.Response{Call: call, PolledAt: call.AsOf}
	if call.AsOf.IsZero() {
		response.PolledAt = call.Hour
	}
	key := planKey{call.EVA, call.Hour.In(rail.Berlin).Format(hourLayout)}
	at, ok := r.plans[key]
	if !ok {
		return response, fmt.Errorf("recording: plan of %d at %s: %w", key.eva, key.hour, timetables.ErrNotFound)
	}
	var err error
	response.Body, err = r.bodies.get(at)
	return response, err
}

func (r *Recording) changes(ctx context.Context, call timetables.Call) (timetables.Response, error) {
	response := timetables.Response{Call: call, PolledAt: call.AsOf}
	polls := r.polls[call.EVA]
	after := sort.Search(len(polls), func(i int) bool { return polls[i].at.After(call.AsOf) })
	if after < len(polls) {
		response.Next = polls[after].at
	}
	if after == 0 {
		return response, fmt.Errorf("recording: %s of %d at %s: %w", call.Kind, call.EVA,
			call.AsOf.Format(time.RFC3339), timetables.ErrNotFound)
	}
	last := polls[after-1]
	response.PolledAt = last.at
	var err error
	if call.Kind == timetables.CallFull && last.kind != timetables.CallFull {
		response.Body, err = r.putTogether(ctx, call, after)
	} else {
		response.Body, err = r.bodies.get(last.body)
	}
	return response, err
}
