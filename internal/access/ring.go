package access

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"puenktlich/internal/atomicfile"
)

// Ring holds the keys in memory and follows the book. What it knew last lies on
// disk, hashes only, so that an instance which starts while the store is away
// knows whom to let in. It is safe for concurrent use.
type Ring struct {
	book   Book
	file   string
	logger *slog.Logger
	held   atomic.Pointer[held]
}

// held is one state of the keys.
type held struct {
	byID map[string]*entry
	keys []Key
}

// entry is a key ready to be compared with.
type entry struct {
	Key
	sum   [sha256.Size]byte
	limit *rate.Limiter // nil: none
}

// NewRing makes a ring that knows nothing until Load or Restore.
func NewRing(book Book, file string, logger *slog.Logger) *Ring {
	if logger == nil {
		logger = slog.Default()
	}
	return &Ring{book: book, file: file, logger: logger}
}

// Known says whether the keys were ever read; nobody is let in before.
func (r *Ring) Known() bool { return r.held.Load() != nil }

// Configured says that a key was ever made. Keys that ended count: revoking the
// last one does not open the doors.
func (r *Ring) Configured() bool {
	h := r.held.Load()
	return h != nil && len(h.keys) > 0
}

// Load reads the book.
func (r *Ring) Load(ctx context.Context) error {
	keys, err := r.book.Keys(ctx)
	if err != nil {
		return err
	}
	if h := r.held.Load(); h != nil && equal(h.keys, keys) {
		return nil
	}
	if err := r.hold(keys); err != nil {
		return err
	}
	if err := r.save(keys); err != nil {
		r.logger.Error("the keys are known, but would not be after a restart without the object store", "error", err)
	}
	return nil
}

func equal(a, b []Key) bool {
	x, err := json.Marshal(a)
	y, other := json.Marshal(b)
	return err == nil && other == nil && string(x) == string(y)
}

// Restore takes the keys known last from the disk; false where there are none.
func (r *Ring) Restore() (bool, error) {
	body, err := os.ReadFile(r.file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("restore keys: %w", err)
	}
	d, err := decode(body)
	if err != nil {
		return false, err
	}
	return true, r.hold(d.Keys)
}

func (r *Ring) hold(keys []Key) error {
	next, err := newHeld(keys, r.held.Load())
	if err != nil {
		return err
	}
	r.held.Store(next)
	return nil
}

// newHeld makes keys ready; one that did not change keeps what is left of its
// rate.
func newHeld(keys []Key, before *held) (*held, error) {
	next := &held{byID: map[string]*entry{}, keys: keys}
	for _, k := range keys {
		sum, err := hex.DecodeString(k.Hash)
		if err != nil || len(sum) != sha256.Size {
			return nil, fmt.Errorf("key %s: sha256 %q is no SHA-256", k.ID, k.Hash)
		}
		e := &entry{Key: k}
		copy(e.sum[:], sum)
		if k.PerSecond > 0 {
			e.limit = rate.NewLimiter(rate.Limit(k.PerSecond), max(1, k.Burst))
		}
		if before != nil {
			if old := before.byID[k.ID]; old != nil && old.PerSecond == k.PerSecond && old.Burst == k.Burst {
				e.limit = old.limit
			}
		}
		next.byID[k.ID] = e
	}
	return next, nil
}

func (r *Ring) save(keys []Key) error {
	body, err := json.MarshalIndent(document{keys}, "", " ")
	if err != nil {
		return err
	}
	return atomicfile.Write(r.file, 0o600, body)
}

// Follow reads the book at each interval until ctx ends. While the store is away
// the keys known last stay; a key revoked meanwhile ends when it is back.
func (r *Ring) Follow(ctx context.Context, every time.Duration) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	away := false
	for {
		err := r.Load(ctx)
		if err != nil && ctx.Err() == nil && !away {
			r.logger.Warn("the keys cannot be read; those known last stay", "known", r.Known(), "error", err)
		}
		away = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// find answers the key whose secret was given. The comparison takes the same
// time for every secret, and as long for a key that does not exist.
func (h *held) find(secret string) (*entry, bool) {
	id, ok := idOf(secret)
	if !ok {
		return nil, false
	}
	e := h.byID[id]
	var want [sha256.Size]byte
	if e != nil {
		want = e.sum
	}
	got := sha256.Sum256([]byte(secret))
	return e, subtle.ConstantTimeCompare(got[:], want[:]) == 1 && e != nil
}

// Identify answers the valid key of a secret, for commands that act in its name;
// the error is a *Refusal.
func Identify(keys []Key, secret string, wanted Role, now time.Time) (Key, error) {
	h, err := newHeld(keys, nil)
	if err != nil {
		return Key{}, err
	}
	e, refusal := h.judge(secret, wanted, now)
	if refusal != nil {
		return Key{}, refusal
	}
	return e.Key, nil
}
