package serving

import (
	"sync"
	"sync/atomic"
	"time"

	"puenktlich/internal/forecast"
	"puenktlich/internal/rail"
)

// recent remembers what was made for the newest moment that was asked about.
// Consumers ask at whole seconds, many of them for the same train; as long as the
// second lasts and nothing new was observed, its features, its forecast and its
// reasons are what they were. Each answer still is a prediction of its own in the
// log.
type recent struct{ newest atomic.Pointer[instant] }

// instant is one moment as one generation of the live state knows it.
type instant struct {
	at         time.Time
	generation uint64
	events     sync.Map // rail.EventKey to *recalled
}

// recalled is one event. The slices are shared: read only.
type recalled struct {
	made
	mu   sync.Mutex
	said []*opinion // one a package
}

// opinion is what one package makes of an event.
type opinion struct {
	digest       string
	distribution forecast.Distribution
	explained    bool
	reasons      []Reason
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
		if next := (&instant{at: at, generation: generation}); r.newest.CompareAndSwap(held, next) {
			return next
		}
	}
}

func (i *instant) find(key rail.EventKey) *recalled {
	if i == nil {
		return nil
	}
	if held, found := i.events.Load(key); found {
		return held.(*recalled)
	}
	return nil
}

func (i *instant) keep(m made) *recalled {
	held := &recalled{made: m}
	if i != nil {
		i.events.Store(m.key, held)
	}
	return held
}

// of is what a package made of the event; nil where it was not asked yet.
func (e *recalled) of(digest string) *opinion {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, o := range e.said {
		if o.digest == digest {
			return o
		}
	}
	return nil
}

func (e *recalled) keep(digest string, d forecast.Distribution) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.said = append(e.said, &opinion{digest: digest, distribution: d})
}

// reasons answers those kept, else those that make makes.
func (e *recalled) reasons(digest string, make func() []Reason) []Reason {
	o := e.of(digest)
	if o == nil {
		return make()
	}
	e.mu.Lock()
	explained := o.explained
	e.mu.Unlock()
	if !explained {
		all := make()
		e.mu.Lock()
		o.explained, o.reasons = true, all
		e.mu.Unlock()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return o.reasons
}
