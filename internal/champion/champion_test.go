package champion_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"puenktlich/internal/champion"
	"puenktlich/internal/modelpkg"
	"puenktlich/internal/objstore"
	"puenktlich/internal/registry"
	"puenktlich/internal/serving/servingtest"
	"puenktlich/internal/testenv"
	"puenktlich/schemas"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// shelf is the object store, with a switch to take it away and a count of reads.
type shelf struct {
	*objstore.Store
	away  bool
	reads int
}

var errAway = errors.New("the store is away")

func (s *shelf) Get(ctx context.Context, key string) ([]byte, string, error) {
	if s.away {
		return nil, "", errAway
	}
	s.reads++
	return s.Store.Get(ctx, key)
}

func (s *shelf) GetUpTo(ctx context.Context, key string, maxBytes int64) ([]byte, string, error) {
	if s.away {
		return nil, "", errAway
	}
	s.reads++
	return s.Store.GetUpTo(ctx, key, maxBytes)
}

func newKey(t *testing.T) *modelpkg.Key {
	t.Helper()
	key, err := modelpkg.LoadOrCreateKey(filepath.Join(t.TempDir(), "key.pem"))
	must(t, err)
	return key
}

// promote builds a package of the tiny model, signs it, uploads it and makes it
// champion.
func promote(t *testing.T, store *shelf, key *modelpkg.Key, run string) schemas.PackageRef {
	t.Helper()
	r := registry.Registry{Store: store, NotFound: objstore.ErrNotFound}
	version, err := r.NextVersion(t.Context(), schemas.DefaultModel, run)
	must(t, err)
	contents, err := servingtest.Contents(version)
	must(t, err)
	dir, created := t.TempDir(), contents.Created
	digest, err := modelpkg.Build(dir, contents)
	must(t, err)
	must(t, modelpkg.Sign(dir, key))
	ref := schemas.PackageRef{Model: schemas.DefaultModel, Version: version, Digest: digest, Prefix: "models/punctuality/" + digest[:8], Created: created}
	_, err = modelpkg.Upload(t.Context(), store, dir, ref.Prefix)
	must(t, err)
	must(t, r.Register(t.Context(), ref))
	_, _, err = r.Switch(t.Context(), schemas.SwitchInput{Model: schemas.DefaultModel, Package: ref, Actor: "a test", Reason: "it is there", At: created, Token: digest})
	must(t, err)
	return ref
}

func TestChampion(t *testing.T) {
	t.Parallel()
	objects, err := objstore.Open(t.Context(), objstore.Options(testenv.S3(t)))
	must(t, err)
	store, key := &shelf{Store: objects}, newKey(t)
	loader := &champion.Loader{Registry: registry.Registry{Store: store, NotFound: objstore.ErrNotFound}, Objects: store, Keys: []modelpkg.PublicKey{key.Public()}, Dir: t.TempDir()}
	if _, _, err := loader.Champion(t.Context(), schemas.DefaultModel); !errors.Is(err, champion.ErrNone) || !strings.Contains(err.Error(), "run RunLifecycle first") {
		t.Errorf("before any promotion: %v", err)
	}
	first := promote(t, store, key, "run-1")
	loaded, ref, err := loader.Champion(t.Context(), schemas.DefaultModel)
	must(t, err)
	if ref != first || loaded.Digest != first.Digest {
		t.Errorf("champion %+v with digest %s, want %+v", ref, loaded.Digest, first)
	}
	before := store.reads
	again, _, err := loader.Champion(t.Context(), schemas.DefaultModel)
	must(t, err)
	if again != loaded || store.reads != before+1 {
		t.Errorf("asked again: loaded anew %v, %d reads; want the alias alone", again != loaded, store.reads-before)
	}
	second := promote(t, store, key, "run-2")
	loaded, ref, err = loader.Champion(t.Context(), schemas.DefaultModel)
	must(t, err)
	if ref != second || loaded.Digest != second.Digest || second.Digest == first.Digest {
		t.Errorf("after the promotion of %+v: %+v", second, ref)
	}
	store.away = true
	if _, _, err := loader.Champion(t.Context(), schemas.DefaultModel); !errors.Is(err, errAway) {
		t.Errorf("the store is away: %v", err)
	}
}

func TestForeignSignatureIsRefused(t *testing.T) {
	t.Parallel()
	objects, err := objstore.Open(t.Context(), objstore.Options(testenv.S3(t)))
	must(t, err)
	store := &shelf{Store: objects}
	promote(t, store, newKey(t), "run-1")
	ours := newKey(t)
	loader := &champion.Loader{Registry: registry.Registry{Store: store, NotFound: objstore.ErrNotFound}, Objects: store, Keys: []modelpkg.PublicKey{ours.Public()}, Dir: t.TempDir()}
	_, _, err = loader.Champion(t.Context(), schemas.DefaultModel)
	if broken := (*modelpkg.IntegrityError)(nil); !errors.As(err, &broken) {
		t.Errorf("signed with another key: %v", err)
	}
}
