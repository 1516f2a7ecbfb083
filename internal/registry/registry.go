// Package registry keeps, for each model, the numbers of its versions and the
// alias that says which package is champion, with the history of what was.
//
//	models/<model>/versions/<n>.json   whose run has claimed the number
//	models/<model>/packages/<n>.json   the package registered under it
//	aliases/<model>.json               champion and history
//
// Everything is written only with conditions, so of several writers at once
// exactly one wins and the others are told. Whether a write that failed was
// made after all, or lost to whom, is read from what the store then holds.
package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"puenktlich/internal/strictjson"
	"puenktlich/schemas"
)

// Store holds small documents.
type Store interface {
	// Get answers an error that is Registry.NotFound where there is no object.
	Get(ctx context.Context, key string) (body []byte, etag string, err error)
	// PutIfAbsent fails where there is an object.
	PutIfAbsent(ctx context.Context, key string, body []byte) error
	// PutIfMatch fails where the object is not the one read under etag.
	PutIfMatch(ctx context.Context, key string, body []byte, etag string) (newETag string, err error)
}

// Errors of the registry, matched with errors.Is. No retry mends them.
var (
	// ErrConflict: somebody else wrote in between. Look, and decide again.
	ErrConflict = errors.New("somebody else changed the alias in between")
	// ErrNothingBefore: there is no earlier champion to go back to.
	ErrNothingBefore = errors.New("there is no earlier champion to go back to")
	// ErrUnknownDigest: no such package was registered, or was ever champion.
	ErrUnknownDigest = errors.New("no such package is known")
	// ErrTaken: the version belongs to another run or package.
	ErrTaken = errors.New("the version is taken")
	// ErrInvalid: a field is missing or wrong.
	ErrInvalid = errors.New("invalid request")
)

// Registry is the registry in a store. It keeps no state of its own.
type Registry struct {
	Store Store
	// NotFound is what the store's Get answers, by errors.Is, for no object.
	NotFound error
}

// get reads a document; found is false where there is none.
func (r Registry) get(ctx context.Context, key string, into any) (etag string, found bool, err error) {
	body, etag, err := r.Store.Get(ctx, key)
	if errors.Is(err, r.NotFound) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("read %s: %w", key, err)
	}
	if err := strictjson.Unmarshal(body, into); err != nil {
		return "", false, fmt.Errorf("read %s: %w", key, err)
	}
	return etag, true, nil
}

// put replaces what was read under etag; an empty etag means there was nothing.
func (r Registry) put(ctx context.Context, key string, document any, etag string) error {
	body, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return err
	}
	if etag == "" {
		err = r.Store.PutIfAbsent(ctx, key, body)
	} else {
		_, err = r.Store.PutIfMatch(ctx, key, body, etag)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", key, err)
	}
	return nil
}

// create writes a document that never changes, or reads into held the one that
// is there; made says which.
func (r Registry) create(ctx context.Context, key string, document, held any) (made bool, err error) {
	failed := r.put(ctx, key, document, "")
	if failed == nil {
		return true, nil
	}
	return false, look(ctx, failed, func() (bool, error) {
		_, found, err := r.get(ctx, key, held)
		return found, err
	})
}

// A write may be refused shortly before its rival's object can be read.
const (
	lookTimes = 10
	lookEvery = 20 * time.Millisecond
)

// look repeats until seen finds an explanation for the write that failed, and
// answers that failure where there is none.
func look(ctx context.Context, failed error, seen func() (bool, error)) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for range lookTimes {
		found, err := seen()
		if found {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(failed, ctx.Err())
		case <-tick.C:
		}
	}
	return failed
}

var (
	modelName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	hexDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// checkModel keeps a name from reaching other keys.
func checkModel(model string) error {
	if !modelName.MatchString(model) {
		return fmt.Errorf("%w: model %q: lower case letters, digits and hyphens are needed, 63 at most", ErrInvalid, model)
	}
	return nil
}

func checkPackage(model string, p schemas.PackageRef) error {
	switch {
	case p.Model != model:
		return fmt.Errorf("%w: package of model %q for model %q", ErrInvalid, p.Model, model)
	case p.Version < 1:
		return fmt.Errorf("%w: package version %d: versions count from 1", ErrInvalid, p.Version)
	case !hexDigest.MatchString(p.Digest):
		return fmt.Errorf("%w: package digest %q is not a SHA-256 in hexadecimal", ErrInvalid, p.Digest)
	}
	return nil
}
