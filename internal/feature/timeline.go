package feature

import (
	"slices"
	"sort"
	"time"

	"puenktlich/internal/rail"
)

// instant is milliseconds since 1970 in UTC; 0 is "none". Times are cut to
// milliseconds, as the warehouse stores them, so that both sides agree.
type instant int64

const minute = instant(time.Minute / time.Millisecond)

func instantOf(t time.Time) instant {
	if t.IsZero() {
		return 0
	}
	return instant(t.UnixMilli())
}

func (i instant) time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(i)).UTC()
}

// step is one observed change and everything known once it was merged. Steps
// that say nothing new share the delta and the facts of the step before.
type step struct {
	polled instant
	seq    uint64
	delta  *delta
	facts  *facts
}

// timeline is the steps of one event by poll time, then sequence number.
type timeline struct{ steps []step }

// nothing is known of an event before its first change.
var nothing = &facts{}

// add merges one change, in whatever order it comes. It answers whether the
// change was new: the same poll and sequence number are taken once.
func (t *timeline) add(c rail.Change) bool {
	s := step{polled: instantOf(c.PolledAt), seq: c.Seq, delta: newDelta(c)}
	at := sort.Search(len(t.steps), func(i int) bool { return !t.steps[i].before(s) })
	if at < len(t.steps) && !s.before(t.steps[at]) {
		return false
	}
	if at > 0 && t.steps[at-1].delta.equal(s.delta) {
		s.delta = t.steps[at-1].delta
	}
	t.steps = slices.Insert(t.steps, at, s)
	t.fold(at)
	return true
}

func (s step) before(o step) bool {
	if s.polled != o.polled {
		return s.polled < o.polled
	}
	return s.seq < o.seq
}

// fold merges again from a step on.
func (t *timeline) fold(from int) {
	known := nothing
	if from > 0 {
		known = t.steps[from-1].facts
	}
	for i := from; i < len(t.steps); i++ {
		known = known.merge(t.steps[i].delta, t.steps[i].polled)
		t.steps[i].facts = known
	}
}

// at is what had been polled at or before an instant. It is the only way from
// a timeline to a feature.
func (t *timeline) at(visible instant) *facts {
	low, high := 0, len(t.steps)
	for low < high {
		if middle := (low + high) / 2; t.steps[middle].polled <= visible {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low == 0 {
		return nothing
	}
	return t.steps[low-1].facts
}

// dropBefore leaves out what was polled before an instant.
func (t *timeline) dropBefore(oldest instant) {
	first := sort.Search(len(t.steps), func(i int) bool { return t.steps[i].polled >= oldest })
	if first > 0 {
		t.steps = slices.Clone(t.steps[first:])
		t.fold(0)
	}
}
