package spool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	schema "puenktlich/schemas/clickhouse"
)

// shelf is a Store that fails as told and keeps one batch a token.
type shelf struct {
	mu      sync.Mutex
	batches map[string][]string
	fail    func(token string) error
	// deaf takes a batch and says that it failed, as when the answer is lost.
	deaf bool
}

func (s *shelf) InsertPredictionRows(_ context.Context, token string, rows []byte, n int) error {
	predictions, err := schema.ReadPredictions(rows, n)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		if err := s.fail(token); err != nil {
			return err
		}
	}
	var batch []string
	for _, p := range predictions {
		batch = append(batch, p.PredictionID)
	}
	if before, again := s.batches[token]; again && !slices.Equal(before, batch) {
		return fmt.Errorf("token %s came with other rows: %v, then %v", token, before, batch)
	}
	if s.batches == nil {
		s.batches = map[string][]string{}
	}
	s.batches[token] = batch
	if s.deaf {
		return errors.New("the answer was lost")
	}
	return nil
}

// arrived lists all that arrived; a token sent twice counts once.
func (s *shelf) arrived() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, batch := range s.batches {
		all = append(all, batch...)
	}
	slices.Sort(all)
	return all
}

func names(predictions []schema.Prediction) []string {
	var all []string
	for _, p := range predictions {
		all = append(all, p.PredictionID)
	}
	slices.Sort(all)
	return all
}

func open(t testing.TB, o Options) *Log {
	t.Helper()
	if o.ShipEvery == 0 {
		o.ShipEvery = time.Hour // the test ships when it wants to
	}
	l, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func appended(t testing.TB, l *Log, predictions ...schema.Prediction) {
	t.Helper()
	if err := l.Append(rows(t, predictions...)); err != nil {
		t.Fatal(err)
	}
}

func rows(t testing.TB, predictions ...schema.Prediction) []schema.PredictionRow {
	t.Helper()
	rows, err := schema.Rows(predictions)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func files(t testing.TB, dir, suffix string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestShippedOnceAndForgotten(t *testing.T) {
	t.Parallel()
	store, dir := &shelf{}, t.TempDir()
	l := open(t, Options{Dir: dir, Store: store, SegmentRecords: 30})
	all := ids(100)
	var group sync.WaitGroup
	for i := range all {
		group.Go(func() {
			if err := l.Append(rows(t, all[i])); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if p, waits, err := l.Find("p42"); err != nil || !waits || p.PredictionID != "p42" || p.EVA != 8000105 {
		t.Errorf("find before shipping: %+v, %v, %v", p, waits, err)
	}
	if s := l.Stats(); s.Records != 100 || s.Bytes == 0 {
		t.Errorf("waiting: %+v, want 100 records", s)
	}
	if err := l.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := store.arrived(), names(all); !slices.Equal(got, want) {
		t.Errorf("%d arrived, want %d", len(got), len(want))
	}
	if s := l.Stats(); s != (Stats{}) || len(files(t, dir, ".seg")) != 0 {
		t.Errorf("left: %+v and %v", s, files(t, dir, ".seg"))
	}
	if _, waits, err := l.Find("p42"); waits || err != nil {
		t.Errorf("find after shipping: %v, %v", waits, err)
	}
}

func TestAStoreThatFailsForAWhile(t *testing.T) {
	t.Parallel()
	store := &shelf{fail: func(string) error { return errors.New("away") }}
	l := open(t, Options{Dir: t.TempDir(), Store: store})
	all := ids(9)
	for i := range all {
		appended(t, l, all[i])
		if err := l.Drain(t.Context()); err == nil {
			t.Fatal("drained into a store that fails")
		}
	}
	store.fail, store.deaf = nil, true // takes all, and says that it failed
	for range 6 {
		if err := l.Drain(t.Context()); err == nil {
			t.Fatal("want the lost answers reported")
		}
	}
	store.deaf = false
	if err := l.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := store.arrived(); !slices.Equal(got, names(all)) {
		t.Errorf("arrived %v", got)
	}
}

func TestOneRefusedSegmentDoesNotHoldTheOthers(t *testing.T) {
	t.Parallel()
	var refused string
	store := &shelf{fail: func(token string) error {
		if refused == "" {
			refused = token
		}
		if token == refused {
			return errors.New("column features: wrong type")
		}
		return nil
	}}
	l := open(t, Options{Dir: t.TempDir(), Store: store})
	for _, p := range ids(3) {
		appended(t, l, p)
		_ = l.Drain(t.Context())
	}
	if got := store.arrived(); !slices.Equal(got, []string{"p1", "p2"}) {
		t.Errorf("arrived %v, want all but the refused p0", got)
	}
	if s := l.Stats(); s.Records != 1 {
		t.Errorf("waiting: %+v, want the refused one", s)
	}
}

func TestATornTailIsCutOff(t *testing.T) {
	t.Parallel()
	dir, store := t.TempDir(), &shelf{}
	l := open(t, Options{Dir: dir, Store: store})
	appended(t, l, ids(3)...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	segment := files(t, dir, ".seg")[0]
	whole, err := os.ReadFile(segment)
	if err != nil {
		t.Fatal(err)
	}
	torn := append(slices.Clone(whole), whole[:len(whole)/3-1]...) // the next frame, a byte short
	if err := os.WriteFile(segment, torn, 0o644); err != nil {
		t.Fatal(err)
	}
	again := open(t, Options{Dir: dir, Store: store})
	appended(t, again, prediction("p3"))
	if err := again.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := store.arrived(); !slices.Equal(got, []string{"p0", "p1", "p2", "p3"}) {
		t.Errorf("arrived %v", got)
	}
}

func TestWhatWaitsIsFoundAfterARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, Options{Dir: dir, Store: &shelf{}})
	appended(t, l, ids(3)...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(rows(t, ids(1)...)); !errors.Is(err, ErrClosed) {
		t.Errorf("append after close: %v", err)
	}
	again := open(t, Options{Dir: dir, Store: &shelf{}})
	if p, waits, err := again.Find("p2"); err != nil || !waits || p.RequestID != "r-p2" {
		t.Errorf("got %+v, %v, %v", p, waits, err)
	}
}

// Who looked for one prediction finds those that came after it, in the segment
// that is written as in sealed ones.
func TestWhatComesLaterIsFound(t *testing.T) {
	t.Parallel()
	l := open(t, Options{Dir: t.TempDir(), Store: &shelf{fail: func(string) error { return errors.New("away") }}})
	all := ids(6)
	for i := range all {
		appended(t, l, all[i])
		if i == 2 {
			_ = l.Drain(t.Context()) // seals
		}
		for j := range all {
			p, waits, err := l.Find(all[j].PredictionID)
			if err != nil || waits != (j <= i) || waits && !reflect.DeepEqual(p, all[j]) {
				t.Fatalf("after p%d: p%d %v, %v, %+v", i, j, waits, err, p)
			}
		}
	}
}

// Many who append while the log is closed get their answer: durable or closed.
func TestClosingAnswersEveryone(t *testing.T) {
	t.Parallel()
	dir, store := t.TempDir(), &shelf{}
	l := open(t, Options{Dir: dir, Store: store})
	var mu sync.Mutex
	var kept []string
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for j := 0; ; j++ {
				p := prediction(fmt.Sprintf("p%d.%d", i, j))
				switch err := l.Append(rows(t, p)); {
				case errors.Is(err, ErrClosed):
					return
				case err != nil:
					t.Error(err)
					return
				}
				mu.Lock()
				kept = append(kept, p.PredictionID)
				mu.Unlock()
			}
		})
	}
	appended(t, l, prediction("first"))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	group.Wait()
	again := open(t, Options{Dir: dir, Store: store})
	if err := again.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	kept = append(kept, "first")
	slices.Sort(kept)
	if got := store.arrived(); !slices.Equal(got, kept) {
		t.Errorf("%d arrived, %d acknowledged", len(got), len(kept))
	}
}

func TestFullIsSaidAndNothingIsHalfKept(t *testing.T) {
	t.Parallel()
	store := &shelf{fail: func(string) error { return errors.New("away") }}
	l := open(t, Options{Dir: t.TempDir(), Store: store, MaxBytes: 700})
	first, second := prediction("p0"), prediction("p1")
	var kept []string
	for _, p := range []schema.Prediction{first, second, prediction("p2"), prediction("p3")} {
		switch err := l.Append(rows(t, p)); {
		case err == nil:
			kept = append(kept, p.PredictionID)
		case !errors.Is(err, ErrFull):
			t.Fatalf("got %v, want ErrFull", err)
		}
	}
	if len(kept) == 0 || len(kept) == 4 {
		t.Fatalf("kept %v within 700 bytes", kept)
	}
	store.fail = nil
	if err := l.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := store.arrived(); !slices.Equal(got, kept) {
		t.Errorf("arrived %v, acknowledged %v", got, kept)
	}
	appended(t, l, prediction("p9")) // there is room again
}

func TestAFailedWriteIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	store := &shelf{}
	l := open(t, Options{Dir: t.TempDir(), Store: store})
	appended(t, l, prediction("p0"))
	if err := l.file.Close(); err != nil { // the disk goes away under it
		t.Fatal(err)
	}
	if err := l.Append(rows(t, prediction("p1"))); err == nil {
		t.Fatal("acknowledged what could not be written")
	}
	appended(t, l, prediction("p2"))
	if err := l.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := store.arrived(); !slices.Equal(got, []string{"p0", "p2"}) {
		t.Errorf("arrived %v", got)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, Options{Dir: dir, Store: &shelf{}})
	if _, err := Open(Options{Dir: dir, Store: &shelf{}}); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("got %v", err)
	}
}

// A program that is being started holds copies of every open file until it runs.
func TestACopyOfTheLockHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, Options{Dir: dir, Store: &shelf{}})
	held, err := syscall.Dup(int(l.lock.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(held)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, Options{Dir: dir, Store: &shelf{}})
}

func BenchmarkAppend(b *testing.B) {
	l := open(b, Options{Dir: b.TempDir(), Store: &shelf{}})
	p := prediction("p")
	p.Features = make([]float32, 52)
	one := rows(b, p)
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := l.Append(one); err != nil {
				b.Error(err)
			}
		}
	})
}
