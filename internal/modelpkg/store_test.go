package modelpkg_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"puenktlich/internal/modelpkg"
	"puenktlich/internal/objstore"
	"puenktlich/internal/testenv"
)

func bucket(t *testing.T) *objstore.Store {
	t.Helper()
	s, err := objstore.Open(t.Context(), objstore.Options(testenv.S3(t)))
	must(t, err)
	return s
}

const prefix = "models/punctuality/7"

func TestUploadAndDownload(t *testing.T) {
	t.Parallel()
	store, cache, ctx := bucket(t), t.TempDir(), t.Context()
	dir, digest, key := signed(t)
	for range 2 { // the same again is no error
		got, err := modelpkg.Upload(ctx, store, dir, prefix)
		if err != nil || got != digest {
			t.Fatalf("uploaded %s %v, want %s", got, err, digest)
		}
	}
	must(t, modelpkg.Sign(dir, key)) // another random number
	_, err := modelpkg.Upload(ctx, store, dir, prefix)
	must(t, err)
	got, err := modelpkg.Download(ctx, store, prefix, digest, cache)
	must(t, err)
	if got != filepath.Join(cache, digest) {
		t.Errorf("downloaded to %s", got)
	}
	p, err := modelpkg.Load(got, key.Public())
	if err != nil || p.Digest != digest {
		t.Errorf("loaded %v %v", p, err)
	}
	wantOnly(t, cache, digest)
}

// The manifest is the last object: whatever the upload dies at, nobody can
// download half a package, and a second upload completes it.
func TestUploadThatDies(t *testing.T) {
	t.Parallel()
	store, ctx := bucket(t), t.Context()
	dir, digest, _ := signed(t)
	for _, writes := range []int{0, 3, 21} { // 20 files, signature, manifest
		dying := &failing{Store: store, writes: writes}
		if _, err := modelpkg.Upload(ctx, dying, dir, prefix); !errors.Is(err, errDied) {
			t.Fatalf("after %d writes: %v, want the store's error", writes, err)
		}
		cache := t.TempDir()
		if _, err := modelpkg.Download(ctx, store, prefix, digest, cache); !errors.Is(err, objstore.ErrNotFound) {
			t.Errorf("after %d writes: %v, want ErrNotFound", writes, err)
		}
		wantOnly(t, cache)
	}
	_, err := modelpkg.Upload(ctx, store, dir, prefix)
	must(t, err)
	_, err = modelpkg.Download(ctx, store, prefix, digest, t.TempDir())
	must(t, err)
}

var errDied = errors.New("store died")

// failing is a store that dies after some writes.
type failing struct {
	*objstore.Store
	writes int
}

func (f *failing) PutIfAbsent(ctx context.Context, key string, body []byte) error {
	if f.writes--; f.writes < 0 {
		return errDied
	}
	return f.Store.PutIfAbsent(ctx, key, body)
}

func (f *failing) GetUpTo(ctx context.Context, key string, maxBytes int64) ([]byte, string, error) {
	if f.writes < 0 {
		return nil, "", errDied
	}
	return f.Store.GetUpTo(ctx, key, maxBytes)
}

// A write whose answer was lost counts as done.
func TestUploadWhoseAnswersAreLost(t *testing.T) {
	t.Parallel()
	dir, _, _ := signed(t)
	_, err := modelpkg.Upload(t.Context(), deaf{bucket(t)}, dir, prefix)
	must(t, err)
}

type deaf struct{ *objstore.Store }

func (d deaf) PutIfAbsent(ctx context.Context, key string, body []byte) error {
	_ = d.Store.PutIfAbsent(ctx, key, body)
	return objstore.ErrUnavailable
}

func TestUploadRefuses(t *testing.T) {
	t.Parallel()
	store, ctx := bucket(t), t.Context()
	dir, _, key := signed(t)
	_, err := modelpkg.Upload(ctx, store, dir, prefix)
	must(t, err)
	other := contents(t)
	other.CodeVersion = "v0.2.0"
	otherDir := filepath.Join(t.TempDir(), "other")
	_, err = modelpkg.Build(otherDir, other)
	must(t, err)
	_, err = modelpkg.Upload(ctx, store, otherDir, prefix)
	wantIntegrity(t, err, "signature.json", "is missing")
	must(t, modelpkg.Sign(otherDir, key))
	if _, err := modelpkg.Upload(ctx, store, otherDir, "elsewhere"); err != nil {
		t.Errorf("under a prefix of its own: %v", err)
	}
	if _, err := modelpkg.Upload(ctx, store, otherDir, prefix); !errors.Is(err, modelpkg.ErrDifferent) {
		t.Errorf("error %v, want ErrDifferent", err)
	}
	write(t, dir, "CARD.md", []byte("x"))
	_, err = modelpkg.Upload(ctx, store, dir, "damaged")
	wantIntegrity(t, err, "CARD.md", "bytes")
}

func TestDownloadRefusesWhatWasChangedInTheStore(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for path, reason := range map[string]string{
		"buckets.json": "bytes of the manifest", "manifest.json": "the package asked for is",
	} {
		store, cache := bucket(t), t.TempDir()
		dir, digest, _ := signed(t)
		_, err := modelpkg.Upload(ctx, store, dir, prefix)
		must(t, err)
		must(t, store.Put(ctx, prefix+"/"+path, []byte("{}")))
		_, err = modelpkg.Download(ctx, store, prefix, digest, cache)
		wantIntegrity(t, err, path, reason)
		wantOnly(t, cache)
	}
	if _, err := modelpkg.Download(ctx, bucket(t), prefix, "../../etc", t.TempDir()); err == nil || !strings.Contains(err.Error(), "is not a SHA-256") {
		t.Errorf("error %v", err)
	}
}

// What is cached is used without the store, and replaced where it is damaged.
// What is larger than it may be is refused by its size, which the store tells
// before anything is read.
func TestDownloadReadsNothingThatIsTooLarge(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dir, digest, _ := signed(t)
	listed, err := os.ReadFile(filepath.Join(dir, "buckets.json"))
	must(t, err)
	for path, body := range map[string][]byte{"buckets.json": append(listed, ' '), "manifest.json": make([]byte, 4<<20+1), "signature.json": make([]byte, 4<<20+1)} {
		store, cache := bucket(t), t.TempDir()
		_, err := modelpkg.Upload(ctx, store, dir, prefix)
		must(t, err)
		must(t, store.Put(ctx, prefix+"/"+path, body))
		_, err = modelpkg.Download(ctx, store, prefix, digest, cache)
		wantIntegrity(t, err, path, "is larger than the")
		wantOnly(t, cache)
		_, err = modelpkg.Upload(ctx, store, dir, prefix)
		if !errors.Is(err, modelpkg.ErrDifferent) {
			t.Errorf("%s: uploaded over it: %v, want ErrDifferent", path, err)
		}
	}
}

func TestDownloadUsesTheCache(t *testing.T) {
	t.Parallel()
	store, cache, ctx := bucket(t), t.TempDir(), t.Context()
	dir, digest, key := signed(t)
	_, err := modelpkg.Upload(ctx, store, dir, prefix)
	must(t, err)
	cached, err := modelpkg.Download(ctx, store, prefix, digest, cache)
	must(t, err)
	dead := &failing{Store: store, writes: -1}
	_, err = modelpkg.Download(ctx, dead, prefix, digest, cache)
	must(t, err)
	for _, path := range []string{"buckets.json", "signature.json", "manifest.json"} {
		write(t, cached, path, nil)
		if _, err := modelpkg.Download(ctx, dead, prefix, digest, cache); !errors.Is(err, errDied) {
			t.Errorf("%s damaged: %v, want the store to be asked", path, err)
		}
		_, err = modelpkg.Download(ctx, store, prefix, digest, cache)
		must(t, err)
		_, err = modelpkg.Load(cached, key.Public())
		must(t, err)
	}
	wantOnly(t, cache, digest)
}

func TestDownloadsAtOnce(t *testing.T) {
	t.Parallel()
	store, cache, ctx := bucket(t), t.TempDir(), t.Context()
	dir, digest, _ := signed(t)
	_, err := modelpkg.Upload(ctx, store, dir, prefix)
	must(t, err)
	var wait sync.WaitGroup
	for range 6 {
		wait.Go(func() {
			if _, err := modelpkg.Download(ctx, store, prefix, digest, cache); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	must(t, modelpkg.Verify(filepath.Join(cache, digest)))
	wantOnly(t, cache, digest)
}

// wantOnly says that nothing else was left behind.
func wantOnly(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(names, " ") {
		t.Errorf("%s holds %v, want %v", dir, got, names)
	}
}
