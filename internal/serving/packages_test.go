package serving_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"puenktlich/internal/modelpkg"
	"puenktlich/internal/serving"
	"puenktlich/internal/serving/servingtest"
	"puenktlich/schemas"
)

// shelf is an object store in memory.
type shelf struct {
	mu      sync.Mutex
	objects map[string][]byte
	away    bool
}

func (s *shelf) PutIfAbsent(_ context.Context, key string, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, found := s.objects[key]; found {
		return errors.New("there is one")
	}
	s.objects[key] = body
	return nil
}

func (s *shelf) GetUpTo(_ context.Context, key string, _ int64) ([]byte, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, found := s.objects[key]
	if s.away || !found {
		return nil, "", errors.New("no answer for " + key)
	}
	return body, "", nil
}

func newKey(t testing.TB) *modelpkg.Key {
	t.Helper()
	key, err := modelpkg.LoadOrCreateKey(filepath.Join(t.TempDir(), "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// publish builds a real package of the tiny model, signs and uploads it.
func publish(t testing.TB, store *shelf, version int, key *modelpkg.Key) schemas.PackageRef {
	t.Helper()
	contents, err := servingtest.Contents(version)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	digest, err := modelpkg.Build(dir, contents)
	if err != nil {
		t.Fatal(err)
	}
	if err := modelpkg.Sign(dir, key); err != nil {
		t.Fatal(err)
	}
	ref := schemas.PackageRef{Model: schemas.DefaultModel, Version: version, Digest: digest, Prefix: "models/punctuality/" + digest[:8], Created: contents.Created}
	if _, err := modelpkg.Upload(t.Context(), store, dir, ref.Prefix); err != nil {
		t.Fatal(err)
	}
	return ref
}

// Real packages, from the object store to the answer: signed ones are served,
// those of another key or altered are refused, and the cached one comes back
// while the store is away.
func TestRealPackages(t *testing.T) {
	t.Parallel()
	store, key, dir := &shelf{objects: map[string][]byte{}}, newKey(t), t.TempDir()
	packages := serving.ModelPackages{Store: store, CacheDir: filepath.Join(dir, "packages"), Keys: []modelpkg.PublicKey{key.Public()}}
	c := champion(t, dir, packages)
	good := publish(t, store, 1, key)
	if err := c.Load(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	loaded, err := c.Current()
	if err != nil || loaded.Ref != good || loaded.Baselines.Rate != 0.25 {
		t.Fatalf("served %+v, %v", loaded, err)
	}
	foreign := publish(t, store, 2, newKey(t))
	var refused *serving.RefusedError
	if err := c.Load(t.Context(), foreign); !errors.As(err, &refused) {
		t.Errorf("signed with another key: %v", err)
	}
	lying := publish(t, store, 3, key)
	lying.Version = 4
	if err := c.Load(t.Context(), lying); !errors.As(err, &refused) || !strings.Contains(err.Error(), "version 3") {
		t.Errorf("a package that says it is another version: %v", err)
	}
	if got := digest(t, c); got != good.Digest {
		t.Errorf("served is %s, want %s", got, good.Digest)
	}
	store.away = true
	again := champion(t, dir, packages)
	if found, err := again.Restore(t.Context()); !found || err != nil || digest(t, again) != good.Digest {
		t.Fatalf("restore without the store: %v, %v", found, err)
	}
	cached, err := filepath.Glob(filepath.Join(dir, "packages", good.Digest, "buckets.json"))
	if err != nil || len(cached) != 1 {
		t.Fatal(cached, err)
	}
	if err := os.WriteFile(cached[0], []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := champion(t, dir, packages).Restore(t.Context()); !errors.As(err, &refused) {
		t.Errorf("a cached package that was altered: %v", err)
	}
}
