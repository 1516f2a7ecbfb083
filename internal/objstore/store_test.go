package objstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"puenktlich/internal/objstore"
	"puenktlich/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// abc is the SHA-256 of "abc", published in FIPS 180-4's examples.
const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

func open(t *testing.T) *objstore.Store {
	t.Helper()
	s, err := objstore.Open(t.Context(), objstore.Options(testenv.S3(t)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("got error %v, want %v", err, kind)
	}
}

func TestOpenTwice(t *testing.T) {
	t.Parallel()
	opts := objstore.Options(testenv.S3(t))
	for range 2 {
		_, err := objstore.Open(t.Context(), opts)
		must(t, err)
	}
}

func TestPutGetHeadDelete(t *testing.T) {
	t.Parallel()
	s := open(t)
	ctx := t.Context()
	for name, body := range map[string][]byte{"text": []byte("abc"), "empty": {}, "8 MiB": bytes.Repeat([]byte{7}, 8<<20)} {
		must(t, s.Put(ctx, "dir/key "+name, body))
		got, etag, err := s.Get(ctx, "dir/key "+name)
		must(t, err)
		if !bytes.Equal(got, body) || etag == "" {
			t.Errorf("%s: read %d bytes with etag %q, want %d", name, len(got), etag, len(body))
		}
		head, err := s.Head(ctx, "dir/key "+name)
		must(t, err)
		if head.SizeBytes != int64(len(body)) || head.ETag != etag {
			t.Errorf("%s: head %+v, want %d bytes and etag %s", name, head, len(body), etag)
		}
	}
	head, err := s.Head(ctx, "dir/key text")
	must(t, err)
	if head.SHA256 != abc {
		t.Errorf("sha256 %s, want %s", head.SHA256, abc)
	}
	must(t, s.Delete(ctx, "dir/key text"))
	must(t, s.Delete(ctx, "dir/key text"))
	_, _, err = s.Get(ctx, "dir/key text")
	want(t, err, objstore.ErrNotFound)
	_, err = s.Head(ctx, "dir/key text")
	want(t, err, objstore.ErrNotFound)
}

func TestPutIfAbsentLetsExactlyOneWin(t *testing.T) {
	t.Parallel()
	s := open(t)
	var mu sync.Mutex
	var winners []string
	race(20, func(i int) {
		body := fmt.Sprintf("writer %d", i)
		err := s.PutIfAbsent(t.Context(), "aliases/one.json", []byte(body))
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err == nil:
			winners = append(winners, body)
		case !errors.Is(err, objstore.ErrExists):
			t.Errorf("writer %d: got %v, want ErrExists", i, err)
		}
	})
	got, _, err := s.Get(t.Context(), "aliases/one.json")
	must(t, err)
	if !slices.Equal(winners, []string{string(got)}) {
		t.Errorf("winners %q, stored %q", winners, got)
	}
}

func TestPutIfMatchLetsExactlyOneWin(t *testing.T) {
	t.Parallel()
	s := open(t)
	must(t, s.Put(t.Context(), "aliases/one.json", []byte("first")))
	_, etag, err := s.Get(t.Context(), "aliases/one.json")
	must(t, err)
	var mu sync.Mutex
	var etags []string
	race(20, func(i int) {
		newETag, err := s.PutIfMatch(t.Context(), "aliases/one.json", fmt.Appendf(nil, "writer %d", i), etag)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err == nil:
			etags = append(etags, newETag)
		case !errors.Is(err, objstore.ErrChanged):
			t.Errorf("writer %d: got %v, want ErrChanged", i, err)
		}
	})
	_, etag, err = s.Get(t.Context(), "aliases/one.json")
	must(t, err)
	if !slices.Equal(etags, []string{etag}) {
		t.Errorf("etags of the winners %q, stored %q", etags, etag)
	}
	_, err = s.PutIfMatch(t.Context(), "aliases/one.json", []byte("next"), etag)
	must(t, err)
}

func race(writers int, write func(i int)) {
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() { write(i) })
	}
	wg.Wait()
}

func TestPutIfMatchOfAMissingObjectHasChanged(t *testing.T) {
	t.Parallel()
	_, err := open(t).PutIfMatch(t.Context(), "nothing", []byte("x"), `"d41d8cd98f00b204e9800998ecf8427e"`)
	want(t, err, objstore.ErrChanged)
}

func TestPutContentIsNamedByItsDigest(t *testing.T) {
	t.Parallel()
	s := open(t)
	for range 2 {
		ref, err := s.PutContent(t.Context(), "raw/2024-10-29/", ".xml", []byte("abc"))
		must(t, err)
		if want := (objstore.Ref{Key: "raw/2024-10-29/" + abc + ".xml", SHA256: abc, SizeBytes: 3}); ref != want {
			t.Errorf("got %+v, want %+v", ref, want)
		}
	}
	ref := objstore.Ref{Key: "raw/2024-10-29/" + abc + ".xml", SHA256: abc}
	body, err := s.GetContent(t.Context(), ref)
	if err != nil || string(body) != "abc" {
		t.Errorf("read %q, %v, want abc", body, err)
	}
	ref.SHA256 = strings.Repeat("0", 64)
	_, err = s.GetContent(t.Context(), ref)
	want(t, err, objstore.ErrCorrupt)
	all, err := s.List(t.Context(), "raw/")
	must(t, err)
	if len(all) != 1 || all[0].SizeBytes != 3 {
		t.Errorf("listed %+v, want one object of 3 bytes", all)
	}
}

func TestKeyBelowAKeyIsRefused(t *testing.T) {
	t.Parallel()
	s := open(t)
	must(t, s.Put(t.Context(), "a/b", []byte("x")))
	want(t, s.Put(t.Context(), "a/b/c", []byte("x")), objstore.ErrBadKey)
	want(t, s.Put(t.Context(), "a", []byte("x")), objstore.ErrBadKey)
}

func TestBadKeys(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, key := range []string{"", "/a", "a/", "a//b", "../a", "a/./b", "a\nb", `a\b`, "\xff", strings.Repeat("k", 1025)} {
		want(t, s.Put(t.Context(), key, nil), objstore.ErrBadKey)
		_, _, err := s.Get(t.Context(), key)
		want(t, err, objstore.ErrBadKey)
	}
	for _, key := range []string{"runs/ä ö+%&=?#/x", strings.Repeat("k", 200)} {
		must(t, s.Put(t.Context(), key, []byte(key)))
		got, _, err := s.Get(t.Context(), key)
		must(t, err)
		if string(got) != key {
			t.Errorf("key %q: read %q", key, got)
		}
	}
}

func TestGetUpToTakesNoMore(t *testing.T) {
	t.Parallel()
	s := open(t)
	must(t, s.Put(t.Context(), "a", []byte("abc")))
	for _, most := range []int64{3, 4, 1 << 30} {
		if body, etag, err := s.GetUpTo(t.Context(), "a", most); string(body) != "abc" || etag == "" || err != nil {
			t.Errorf("at most %d bytes: %q %q %v", most, body, etag, err)
		}
	}
	for _, most := range []int64{0, 2} {
		if body, _, err := s.GetUpTo(t.Context(), "a", most); body != nil || !errors.Is(err, objstore.ErrTooLarge) || !strings.Contains(err.Error(), "read a") {
			t.Errorf("at most %d bytes: %q %v, want ErrTooLarge with the key", most, body, err)
		}
	}
	if _, _, err := s.GetUpTo(t.Context(), "none", 9); !errors.Is(err, objstore.ErrNotFound) {
		t.Errorf("no object: %v", err)
	}
}

func TestGetRange(t *testing.T) {
	t.Parallel()
	s := open(t)
	must(t, s.Put(t.Context(), "digits", []byte("0123456789")))
	for _, c := range []struct {
		offset, size int64
		want         string
	}{{0, 3, "012"}, {4, 2, "45"}, {8, 100, "89"}, {0, 100, "0123456789"}} {
		got, err := s.GetRange(t.Context(), "digits", c.offset, c.size)
		must(t, err)
		if string(got) != c.want {
			t.Errorf("%d bytes from %d: got %q, want %q", c.size, c.offset, got, c.want)
		}
	}
	for _, c := range [][2]int64{{-1, 2}, {0, 0}, {10, 1}} {
		if got, err := s.GetRange(t.Context(), "digits", c[0], c[1]); err == nil {
			t.Errorf("%d bytes from %d: got %q, want an error", c[1], c[0], got)
		}
	}
}

// A page has 1,000 keys.
func TestListOverPages(t *testing.T) {
	t.Parallel()
	s := open(t)
	const n = 1100
	slots := make(chan struct{}, 8)
	race(n, func(i int) {
		slots <- struct{}{}
		defer func() { <-slots }()
		if err := s.Put(t.Context(), fmt.Sprintf("many/%04d", i), []byte("x")); err != nil {
			t.Error(err)
		}
	})
	must(t, s.Put(t.Context(), "many-more/x", []byte("x")))
	all, err := s.List(t.Context(), "many/")
	must(t, err)
	if len(all) != n || all[0].Key != "many/0000" || all[n-1].Key != "many/1099" {
		t.Errorf("listed %d objects, want %d in order", len(all), n)
	}
	none, err := s.List(t.Context(), "nothing/")
	if err != nil || len(none) != 0 {
		t.Errorf("listed %v, %v, want nothing", none, err)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	s := open(t)
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	must(t, os.WriteFile(from, []byte("abc"), 0o600))
	ref, err := s.PutFile(t.Context(), "datasets/x.parquet", from)
	must(t, err)
	complete := objstore.Ref{Key: "datasets/x.parquet", SHA256: abc, SizeBytes: 3}
	if ref != complete {
		t.Errorf("wrote %+v, want %+v", ref, complete)
	}
	for _, wanted := range []objstore.Ref{complete, {Key: complete.Key}} {
		got, err := s.GetFile(t.Context(), wanted, to)
		must(t, err)
		body, err := os.ReadFile(to)
		must(t, err)
		if got != complete || string(body) != "abc" {
			t.Errorf("read %+v with %q, want %+v with abc", got, body, complete)
		}
		must(t, os.Remove(to))
	}
	for _, wrong := range []objstore.Ref{{Key: complete.Key, SHA256: strings.Repeat("0", 64)}, {Key: complete.Key, SizeBytes: 4}} {
		_, err := s.GetFile(t.Context(), wrong, to)
		want(t, err, objstore.ErrCorrupt)
	}
	_, err = s.GetFile(t.Context(), objstore.Ref{Key: "datasets/none"}, to)
	want(t, err, objstore.ErrNotFound)
	left, err := os.ReadDir(dir)
	must(t, err)
	if len(left) != 1 {
		t.Errorf("left behind %v, want the source alone", left)
	}
}

func TestUnavailableAndDenied(t *testing.T) {
	t.Parallel()
	opts := objstore.Options(testenv.S3(t))
	must(t, func() error { _, err := objstore.Open(t.Context(), opts); return err }())

	wrongKey := opts
	wrongKey.SecretKey = "wrong"
	s, err := objstore.New(wrongKey)
	must(t, err)
	want(t, s.Put(t.Context(), "k", nil), objstore.ErrDenied)

	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	nobody := opts
	nobody.Endpoint = "http://" + listener.Addr().String()
	must(t, listener.Close())
	s, err = objstore.New(nobody)
	must(t, err)
	want(t, s.PutIfAbsent(t.Context(), "k", nil), objstore.ErrUnavailable)
	want(t, s.EnsureBucket(t.Context()), objstore.ErrUnavailable)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = s.Get(ctx, "k")
	want(t, err, context.Canceled)
	if errors.Is(err, objstore.ErrUnavailable) {
		t.Errorf("the caller's own cancellation reads as %v", err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	good := objstore.Options{Endpoint: "http://127.0.0.1:1", AccessKey: "a", SecretKey: "s", Bucket: "puenktlich"}
	if _, err := objstore.New(good); err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string]func(*objstore.Options){
		"no endpoint": func(o *objstore.Options) { o.Endpoint = "" },
		"no scheme":   func(o *objstore.Options) { o.Endpoint = "127.0.0.1:9000" },
		"short name":  func(o *objstore.Options) { o.Bucket = "ab" },
		"capitals":    func(o *objstore.Options) { o.Bucket = "Puenktlich" },
		"no key":      func(o *objstore.Options) { o.SecretKey = "" },
	} {
		opts := good
		edit(&opts)
		if _, err := objstore.New(opts); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// A file is kept under its digest, once; its reads are told.
func TestKeepFile(t *testing.T) {
	t.Parallel()
	s := open(t)
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "a.parquet")
	must(t, os.WriteFile(path, []byte("abc"), 0o600))
	ref := objstore.Ref{Key: "sources/" + abc + ".parquet", SHA256: abc, SizeBytes: 3}
	reads := 0
	keep := func(ref objstore.Ref) error {
		return s.KeepFile(ctx, ref, path, func() error { reads++; return nil })
	}
	must(t, keep(ref))
	body, err := s.GetContent(ctx, ref)
	if err != nil || string(body) != "abc" || reads == 0 {
		t.Errorf("kept %q after %d reads, %v", body, reads, err)
	}
	reads = 0
	must(t, keep(ref))
	if reads != 0 {
		t.Errorf("%d reads of a file that is kept already", reads)
	}
	must(t, s.Put(ctx, "sources/other", []byte("something else")))
	want(t, keep(objstore.Ref{Key: "sources/other", SHA256: abc, SizeBytes: 3}), objstore.ErrCorrupt)
	if body, _, err := s.Get(ctx, "sources/other"); err != nil || string(body) != "something else" {
		t.Errorf("an object was overwritten with %q, %v", body, err)
	}
	enough := errors.New("enough")
	if err := s.KeepFile(ctx, objstore.Ref{Key: "sources/new", SHA256: abc, SizeBytes: 3}, path, func() error { return enough }); !errors.Is(err, enough) {
		t.Errorf("stopped: %v", err)
	}
	if _, err := s.Head(ctx, "sources/new"); !errors.Is(err, objstore.ErrNotFound) {
		t.Errorf("what was stopped is there: %v", err)
	}
}
