package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"puenktlich/internal/objstore"
)

// cursors remember, in the object store, through which moment a group was
// collected.
type cursors struct {
	objects *objstore.Store
	source  string
}

type cursor struct {
	Through time.Time `json:"through"`
}

func (c cursors) key(group string) string {
	return "cursors/" + c.source + "/" + group + ".json"
}

func (c cursors) read(ctx context.Context, group string) (cursor, string, error) {
	body, etag, err := c.objects.Get(ctx, c.key(group))
	if errors.Is(err, objstore.ErrNotFound) {
		return cursor{}, "", nil
	}
	var at cursor
	if err == nil {
		err = json.Unmarshal(body, &at)
	}
	return at, etag, err
}

// Cursor is the zero time for a group that was never collected.
func (c cursors) Cursor(ctx context.Context, group string) (time.Time, error) {
	at, _, err := c.read(ctx, group)
	return at.Through, err
}

// Advance moves the cursor forward, conditionally; moving it back changes
// nothing.
func (c cursors) Advance(ctx context.Context, group string, through time.Time) error {
	at, etag, err := c.read(ctx, group)
	if err != nil || !through.After(at.Through) {
		return err
	}
	body, err := json.Marshal(cursor{Through: through.UTC()})
	if err != nil {
		return fmt.Errorf("cursor of %s: %w", group, err)
	}
	if etag == "" {
		err = c.objects.PutIfAbsent(ctx, c.key(group), body)
	} else {
		_, err = c.objects.PutIfMatch(ctx, c.key(group), body, etag)
	}
	if err != nil {
		return fmt.Errorf("advance cursor of %s: %w", group, err)
	}
	return nil
}
