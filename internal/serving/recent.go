package serving

import (
	"sync"
	"sync/atomic"
	"time"

	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

// recent remembers what was made for the newest moment that was asked about.
// Consumers ask at whole seconds, many of them for the same train; as long as the
// second lasts and nothing new was observed, its features, its forecast and its
// reasons are what they were, and so is what is written of them. Each answer still
// is a prediction of its own in the log.
type recent struct{ newest atomic.Pointer[instant] }

// instant is one moment as one generation of the live state knows it.
type instant struct {
	at         time.Time
	generation uint64
	mu         sync.RWMutex
	events     map[rail.EventKey]*recalled
}

// recalled is one event. The slices are shared: read only.
type recalled struct {
	said atomic.Pointer[opinion] // one a package and role, the newest first
	made
}

// opinion is what one package in one role makes of an event, as it is answered
// and logged but for the ids and the age of what is known.
type opinion struct {
	digest string // of the package
	role   schema.Role
	before *opinion
	answer *Statement
	rest   []byte // of its schema.PredictionRow
	// reasons are made once, for the first who wants them.
	explained sync.Once
	reasons   []Reason
	// writtenAnswer and writtenReasons are both as they go over the wire.
	writtenAnswer, writtenReasons written
}

// generations tells states apart: while the number stays, so do the answers.
type generations interface{ Generation() uint64 }

// at is the memory of a moment; nil where none is kept, which is so for moments
// before the newest.
func (r *recent) at(state State, at time.Time) *instant {
	counted, counts := state.(generations)
	if !counts {
		return nil
	}
	generation := counted.Generation()
	for {
		held := r.newest.Load()
		switch {
		case held != nil && held.at.Equal(at) && held.generation == generation:
			return held
		case held != nil && (at.Before(held.at) || generation < held.generation):
			return nil
		}
		next := &instant{at: at, generation: generation, events: map[rail.EventKey]*recalled{}}
		if r.newest.CompareAndSwap(held, next) {
			return next
		}
	}
}

func (i *instant) find(key rail.EventKey) *recalled {
	if i == nil {
		return nil
	}
	i.mu.RLock()
	defer i.mu.RUnlock()
	return i.events[key]
}

func (i *instant) keep(m made) *recalled {
	held := &recalled{made: m}
	if i != nil {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.events[m.key] = held
	}
	return held
}

// of is what a package in a role makes of the event; nil where it was not asked
// yet.
func (e *recalled) of(v voice) *opinion {
	for o := e.said.Load(); o != nil; o = o.before {
		if o.role == v.role && o.digest == v.Ref.Digest {
			return o
		}
	}
	return nil
}

func (e *recalled) keep(o *opinion) {
	for {
		o.before = e.said.Load()
		if e.said.CompareAndSwap(o.before, o) {
			return
		}
	}
}
