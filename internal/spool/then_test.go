package spool

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
)

// Whoever is told that rows are durable finds them; each is told once, and closing
// leaves nobody out.
func TestToldWhenDurable(t *testing.T) {
	t.Parallel()
	store := &shelf{}
	l := open(t, Options{Dir: t.TempDir(), Store: store, SegmentRecords: 64})
	const askers, each = 8, 60
	var mu sync.Mutex
	told := map[string]int{}
	var asking, telling sync.WaitGroup
	for asker := range askers {
		asking.Go(func() {
			for i := range each {
				p := prediction(fmt.Sprintf("%d-%d", asker, i))
				if i%5 == 0 {
					appended(t, l, p) // who waits comes in between
					mu.Lock()
					told[p.PredictionID]++
					mu.Unlock()
					continue
				}
				telling.Add(1)
				if err := l.AppendThen(rows(t, p), func(err error) {
					defer telling.Done()
					if err != nil {
						t.Error(err)
					}
					if _, found, err := l.Find(p.PredictionID); i%7 == 0 && (!found || err != nil) {
						t.Errorf("told of %s, which is not in the log: %v", p.PredictionID, err)
					}
					mu.Lock()
					defer mu.Unlock()
					told[p.PredictionID]++
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	asking.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	telling.Wait()
	for id, times := range told {
		if times != 1 {
			t.Errorf("%s was told %d times", id, times)
		}
	}
	if len(told) != askers*each {
		t.Errorf("%d of %d were told", len(told), askers*each)
	}
	if err := l.AppendThen(rows(t, prediction("late")), func(error) { t.Error("told of what was refused") }); !errors.Is(err, ErrClosed) {
		t.Errorf("after closing: %v", err)
	}
	again := open(t, Options{Dir: l.o.Dir, Store: store})
	if err := again.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := store.arrived(); len(slices.Compact(got)) != askers*each {
		t.Errorf("%d of %d arrived", len(got), askers*each)
	}
}
