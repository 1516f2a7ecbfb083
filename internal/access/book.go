package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// DocumentKey is where all keys lie in the object store.
const DocumentKey = "access/keys.json"

// Store holds small documents.
type Store interface {
	// Get answers an error that is Book.NotFound where there is no object.
	Get(ctx context.Context, key string) (body []byte, etag string, err error)
	// PutIfAbsent fails where there is an object.
	PutIfAbsent(ctx context.Context, key string, body []byte) error
	// PutIfMatch fails where the object is not the one read under etag.
	PutIfMatch(ctx context.Context, key string, body []byte, etag string) (newETag string, err error)
}

// Book is the document of all keys. Both fields are required.
type Book struct {
	Store    Store
	NotFound error
}

// document is the file; revoked keys stay in it, for the audit and so that
// revoking the last one opens nothing.
type document struct {
	Keys []Key `json:"keys"`
}

// Errors of the book, matched with errors.Is.
var (
	// ErrNoKey: there is no key of that id or name.
	ErrNoKey = errors.New("there is no such key")
	// ErrBusy: others changed the keys again and again.
	ErrBusy = errors.New("others are changing the keys: try again")
)

// attempts to write against others who write.
const attempts = 8

// Keys lists all keys, oldest first, revoked ones too. No document is no key.
func (b Book) Keys(ctx context.Context) ([]Key, error) {
	d, _, err := b.read(ctx)
	return d.Keys, err
}

func (b Book) read(ctx context.Context) (document, string, error) {
	body, etag, err := b.Store.Get(ctx, DocumentKey)
	if errors.Is(err, b.NotFound) {
		return document{}, "", nil
	}
	if err != nil {
		return document{}, "", fmt.Errorf("read keys: %w", err)
	}
	d, err := decode(body)
	return d, etag, err
}

func decode(body []byte) (document, error) {
	var d document
	if err := json.Unmarshal(body, &d); err != nil {
		return d, fmt.Errorf("read keys: %s: %w", DocumentKey, err)
	}
	return d, nil
}

// Create makes a key and answers its secret, which nothing can show again.
func (b Book) Create(ctx context.Context, w Wanted, now time.Time) (k Key, secret string, err error) {
	if k, secret, err = Mint(w, now); err != nil {
		return Key{}, "", err
	}
	err = b.change(ctx, func(d *document) error {
		for _, other := range d.Keys {
			if other.Name == k.Name && other.State(now) == "valid" {
				return fmt.Errorf("key %s is called %q already: revoke it, or choose another name", other.ID, other.Name)
			}
		}
		d.Keys = append(d.Keys, k)
		return nil
	}, func(d document) bool { return slices.ContainsFunc(d.Keys, func(o Key) bool { return o.ID == k.ID }) })
	if err != nil {
		return Key{}, "", err
	}
	return k, secret, nil
}

// Revoke ends a key, named by its id or by the name of a valid one. Revoking a
// revoked one changes nothing.
func (b Book) Revoke(ctx context.Context, which, by string, now time.Time) (Key, error) {
	var revoked Key
	find := func(keys []Key) int {
		at := slices.IndexFunc(keys, func(k Key) bool { return k.ID == which })
		if at < 0 {
			at = slices.IndexFunc(keys, func(k Key) bool { return k.Name == which && k.Revoked.IsZero() })
		}
		return at
	}
	err := b.change(ctx, func(d *document) error {
		at := find(d.Keys)
		if at < 0 {
			return fmt.Errorf("revoke %q: %w; `puenktlich keys list` shows those there are", which, ErrNoKey)
		}
		if d.Keys[at].Revoked.IsZero() {
			d.Keys[at].Revoked, d.Keys[at].RevokedBy = now.UTC().Truncate(time.Second), by
		}
		revoked = d.Keys[at]
		return nil
	}, func(d document) bool {
		return slices.ContainsFunc(d.Keys, func(k Key) bool { return k.ID == revoked.ID && !k.Revoked.IsZero() })
	})
	return revoked, err
}

// change reads, changes and writes under a condition, until it wins. made says
// whether the document holds the change, for a write whose answer was lost.
func (b Book) change(ctx context.Context, change func(*document) error, made func(document) bool) error {
	var failed error
	for range attempts {
		d, etag, err := b.read(ctx)
		if err != nil {
			return err
		}
		if failed != nil && made(d) {
			return nil
		}
		if err := change(&d); err != nil {
			return err
		}
		body, err := json.MarshalIndent(d, "", " ")
		if err != nil {
			return fmt.Errorf("write keys: %w", err)
		}
		if etag == "" {
			failed = b.Store.PutIfAbsent(ctx, DocumentKey, body)
		} else {
			_, failed = b.Store.PutIfMatch(ctx, DocumentKey, body, etag)
		}
		if failed == nil || ctx.Err() != nil {
			break
		}
	}
	if failed != nil {
		return fmt.Errorf("write keys: %w: %w", ErrBusy, failed)
	}
	return nil
}
