package feature

import (
	"cmp"

	"puenktlich/internal/rail"
)

// waiting keeps changes of events without a plan: added trains, and changes
// that come before the plan file. It holds at most max events.
type waiting struct {
	max       int
	timelines map[rail.EventKey]*timeline
	order     []rail.EventKey // as they came; may name keys taken since
	// told is what a train that was added says of itself; of others nothing is.
	told map[rail.EventKey]*rail.Change
}

func (w *waiting) add(c rail.Change) {
	key := c.Key()
	t := w.timelines[key]
	if t == nil {
		w.makeRoom()
		t = &timeline{}
		w.timelines[key] = t
		w.order = append(w.order, key)
	}
	t.add(c)
	if !c.Planned.IsZero() {
		w.tell(key, c)
	}
}

// tell keeps what was said last.
func (w *waiting) tell(key rail.EventKey, c rail.Change) {
	said := w.told[key]
	if said == nil {
		said = &rail.Change{EVA: c.EVA, Stop: c.Stop, Kind: c.Kind}
		w.told[key] = said
	}
	said.Planned, said.Platform, said.Path, said.Line = c.Planned, cmp.Or(c.Platform, said.Platform), cmp.Or(c.Path, said.Path), cmp.Or(c.Line, said.Line)
	said.Train = rail.Train{Category: cmp.Or(c.Train.Category, said.Train.Category), Number: cmp.Or(c.Train.Number, said.Train.Number),
		Operator: cmp.Or(c.Train.Operator, said.Train.Operator), Class: cmp.Or(c.Train.Class, said.Train.Class)}
}

// makeRoom evicts the longest waiting.
func (w *waiting) makeRoom() {
	for len(w.timelines) >= w.max && len(w.order) > 0 {
		delete(w.timelines, w.order[0])
		delete(w.told, w.order[0])
		w.order = w.order[1:]
	}
}

// take hands over what waited for a plan.
func (w *waiting) take(key rail.EventKey) *timeline {
	t := w.timelines[key]
	if t != nil {
		delete(w.timelines, key)
		delete(w.told, key)
		w.compact()
	}
	return t
}

// compact drops the keys that wait no more, once they are the greater part.
func (w *waiting) compact() {
	if len(w.order) < 2*len(w.timelines)+64 {
		return
	}
	kept := make([]rail.EventKey, 0, len(w.timelines))
	for _, key := range w.order {
		if w.timelines[key] != nil {
			kept = append(kept, key)
		}
	}
	w.order = kept
}

func (w *waiting) forget(before instant) {
	for key, t := range w.timelines {
		if t.steps[len(t.steps)-1].polled < before {
			delete(w.timelines, key)
			delete(w.told, key)
		}
	}
	w.compact()
}
