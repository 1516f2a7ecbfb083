package registry_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"puenktlich/internal/objstore"
	"puenktlich/internal/registry"
	"puenktlich/internal/testenv"
	"puenktlich/schemas"
)

func TestMain(m *testing.M) { testenv.Main(m) }

const model = "punctuality"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open is an empty registry on a real S3 gateway.
func open(t *testing.T) (registry.Registry, *objstore.Store) {
	t.Helper()
	store, err := objstore.Open(t.Context(), objstore.Options(testenv.S3(t)))
	must(t, err)
	return on(store), store
}

func on(store registry.Store) registry.Registry {
	return registry.Registry{Store: store, NotFound: objstore.ErrNotFound}
}

// pkg is the package of a version; its digest is the version in 64 digits.
func pkg(version int) schemas.PackageRef {
	return schemas.PackageRef{Model: model, Version: version, Digest: fmt.Sprintf("%064d", version),
		Prefix: fmt.Sprintf("models/%s/%d", model, version), Created: day(version)}
}

func day(n int) time.Time { return time.Date(2024, 10, n, 3, 0, 0, 0, time.UTC) }

// registered claims and registers versions 1 to n.
func registered(t *testing.T, r registry.Registry, n int) {
	t.Helper()
	for version := 1; version <= n; version++ {
		got, err := r.NextVersion(t.Context(), model, fmt.Sprintf("run-%d", version))
		must(t, err)
		if got != version {
			t.Fatalf("version %d, want %d", got, version)
		}
		must(t, r.Register(t.Context(), pkg(version)))
	}
}

func promote(version int, token string) schemas.SwitchInput {
	return schemas.SwitchInput{Model: model, Package: pkg(version), Actor: "ops", Reason: "better", At: day(version), Token: token}
}

func rollback(digest, token string, at int) schemas.SwitchInput {
	return schemas.SwitchInput{Model: model, Rollback: true, Digest: digest, Actor: "ops", Reason: "worse", At: day(at), Token: token}
}

func do(t *testing.T, r registry.Registry, in schemas.SwitchInput) schemas.Aliases {
	t.Helper()
	a, changed, err := r.Switch(t.Context(), in)
	must(t, err)
	if !changed {
		t.Fatalf("switch %s changed nothing", in.Token)
	}
	return a
}

// story is the champion's version and those before it, newest first.
func story(a schemas.Aliases) string {
	var b strings.Builder
	if a.Champion != nil {
		fmt.Fprint(&b, a.Champion.Package.Version)
	}
	for _, e := range a.History {
		fmt.Fprint(&b, " ", e.Package.Version)
	}
	return b.String()
}

func wantStory(t *testing.T, a schemas.Aliases, want string) {
	t.Helper()
	if got := story(a); got != want {
		t.Errorf("champion and history %q, want %q", got, want)
	}
}

func TestSwitchAndRollback(t *testing.T) {
	t.Parallel()
	r, _ := open(t)
	registered(t, r, 3)
	a, etag, err := r.Aliases(t.Context(), model)
	if err != nil || etag != "" || a.Champion != nil || a.Model != model {
		t.Fatalf("aliases of a new model: %+v %q %v", a, etag, err)
	}
	wantStory(t, do(t, r, promote(1, "a")), "1")
	wantStory(t, do(t, r, promote(2, "b")), "2 1")
	wantStory(t, do(t, r, promote(3, "c")), "3 2 1")
	wantStory(t, do(t, r, rollback("", "d", 4)), "2 3 2 1")
	wantStory(t, do(t, r, rollback(pkg(1).Digest, "e", 5)), "1 2 3 2 1")
	a, etag, err = r.Aliases(t.Context(), model)
	must(t, err)
	wantStory(t, a, "1 2 3 2 1")
	if a.Revision != 5 || etag == "" || a.Champion.Reason != "worse" || !a.Champion.Since.Equal(day(5)) || a.Champion.Package.Prefix != pkg(1).Prefix {
		t.Errorf("revision %d, etag %q, champion %+v", a.Revision, etag, a.Champion)
	}
}

func TestSwitchIsMadeOnce(t *testing.T) {
	t.Parallel()
	r, _ := open(t)
	registered(t, r, 2)
	do(t, r, promote(1, "a"))
	do(t, r, promote(2, "b"))
	wantStory(t, do(t, r, promote(1, "a")), "2 1") // a late repetition promotes nothing
	wantStory(t, do(t, r, rollback("", "c", 3)), "1 2 1")
	wantStory(t, do(t, r, rollback("", "c", 3)), "1 2 1")
	a, changed, err := r.Switch(t.Context(), promote(1, "d"))
	if err != nil || changed || a.Revision != 3 {
		t.Errorf("promoting the champion: changed %v, revision %d, %v", changed, a.Revision, err)
	}
}

func TestSwitchRefuses(t *testing.T) {
	t.Parallel()
	r, _ := open(t)
	registered(t, r, 2)
	other := promote(1, "t")
	other.Package.Digest = strings.Repeat("f", 64)
	foreign := promote(1, "t")
	foreign.Package.Model = "other"
	path := promote(1, "t")
	path.Model, path.Package.Model = "../x", "../x"
	short := promote(1, "t")
	short.Package.Digest = "abc"
	tests := map[string]struct {
		in      schemas.SwitchInput
		kind    error
		message string
	}{
		"nothing before":    {rollback("", "t", 1), registry.ErrNothingBefore, "no earlier champion"},
		"unknown rollback":  {rollback(pkg(2).Digest, "t", 1), registry.ErrUnknownDigest, "none of the last 0 switches"},
		"never registered":  {promote(3, "t"), registry.ErrUnknownDigest, "punctuality@3"},
		"another digest":    {other, registry.ErrUnknownDigest, "ffff"},
		"foreign package":   {foreign, registry.ErrInvalid, `model "other"`},
		"path as a model":   {path, registry.ErrInvalid, `"../x"`},
		"half a digest":     {short, registry.ErrInvalid, `"abc"`},
		"nothing given":     {schemas.SwitchInput{}, registry.ErrInvalid, "actor is not set"},
		"no time of domain": {schemas.SwitchInput{Model: model, Rollback: true, Token: "t", Actor: "a", Reason: "r"}, registry.ErrInvalid, "at is not set"},
	}
	for name, test := range tests {
		_, changed, err := r.Switch(t.Context(), test.in)
		if changed || !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%s: changed %v, error %v\nwant %q", name, changed, err, test.message)
		}
	}
	do(t, r, promote(1, "a"))
	if _, _, err := r.Switch(t.Context(), rollback("", "b", 2)); !errors.Is(err, registry.ErrNothingBefore) {
		t.Errorf("rollback of the first champion: %v", err)
	}
}

// gate lets nobody write before all have read.
type gate struct {
	registry.Store
	read *sync.WaitGroup
}

func (g gate) Get(ctx context.Context, key string) ([]byte, string, error) {
	body, etag, err := g.Store.Get(ctx, key)
	if strings.HasPrefix(key, "aliases/") {
		g.read.Done()
		g.read.Wait()
	}
	return body, etag, err
}

// All have read the same aliases when they write: one wins, the others are
// told, whether there was a champion before or not.
func TestOnePromotionWins(t *testing.T) {
	t.Parallel()
	const rivals = 12
	r, store := open(t)
	registered(t, r, rivals+1)
	for round, before := range []string{"", " 13"} {
		read := new(sync.WaitGroup)
		read.Add(rivals)
		won := make([]bool, rivals)
		var wait sync.WaitGroup
		for i := range rivals {
			wait.Go(func() {
				// After its write each may read again, freely.
				_, changed, err := on(&once{Store: store, first: gate{store, read}}).Switch(t.Context(), promote(i+1, fmt.Sprint(round, "-", i)))
				if won[i] = changed; !changed && !errors.Is(err, registry.ErrConflict) {
					t.Errorf("rival %d: %v, want ErrConflict", i, err)
				}
			})
		}
		wait.Wait()
		a, _, err := r.Aliases(t.Context(), model)
		must(t, err)
		winners := 0
		for i, w := range won {
			if w {
				winners++
				wantStory(t, a, fmt.Sprint(i+1)+before)
			}
		}
		if winners != 1 {
			t.Errorf("round %d: %d winners, want 1", round, winners)
		}
		if round == 0 { // the second round starts from a known champion
			must(t, store.Delete(t.Context(), "aliases/"+model+".json"))
			do(t, r, promote(rivals+1, "between"))
		}
	}
}

// once goes through the gate at the first reading of the aliases only.
type once struct {
	registry.Store
	first gate
	done  bool
}

func (o *once) Get(ctx context.Context, key string) ([]byte, string, error) {
	if strings.HasPrefix(key, "aliases/") && !o.done {
		o.done = true
		return o.first.Get(ctx, key)
	}
	return o.Store.Get(ctx, key)
}

// Whatever the order of many switches, each that says it won is in the history
// once, and the revision counts them.
func TestSwitchesAtRandom(t *testing.T) {
	t.Parallel()
	r, _ := open(t)
	registered(t, r, 8)
	var wait sync.WaitGroup
	var lock sync.Mutex
	won := map[string]bool{}
	for i := range 24 {
		wait.Go(func() {
			token := fmt.Sprint(i)
			if _, changed, err := r.Switch(t.Context(), promote(i%8+1, token)); changed {
				lock.Lock()
				defer lock.Unlock()
				won[token] = true
			} else if err != nil && !errors.Is(err, registry.ErrConflict) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	a, _, err := r.Aliases(t.Context(), model)
	must(t, err)
	entries := append([]schemas.AliasEntry{*a.Champion}, a.History...)
	for _, e := range entries {
		if !won[e.Token] {
			t.Errorf("%s is in the history and did not win", e.Token)
		}
	}
	if len(entries) != len(won) || a.Revision != len(won) {
		t.Errorf("%d winners, %d entries, revision %d", len(won), len(entries), a.Revision)
	}
}

// deaf writes and loses the answer.
type deaf struct{ registry.Store }

func (d deaf) PutIfAbsent(ctx context.Context, key string, body []byte) error {
	return errors.Join(d.Store.PutIfAbsent(ctx, key, body), objstore.ErrUnavailable)
}

func (d deaf) PutIfMatch(ctx context.Context, key string, body []byte, etag string) (string, error) {
	_, err := d.Store.PutIfMatch(ctx, key, body, etag)
	return "", errors.Join(err, objstore.ErrUnavailable)
}

func TestLostAnswersAreNotLostWrites(t *testing.T) {
	t.Parallel()
	_, store := open(t)
	r := on(deaf{store})
	// A claim whose answer was lost is recognised, and so are the others.
	registered(t, r, 2)
	wantStory(t, do(t, r, promote(1, "a")), "1")
	wantStory(t, do(t, r, promote(2, "b")), "2 1")
}

// dead writes nothing.
type dead struct{ registry.Store }

func (dead) PutIfAbsent(context.Context, string, []byte) error { return objstore.ErrUnavailable }
func (dead) PutIfMatch(context.Context, string, []byte, string) (string, error) {
	return "", objstore.ErrUnavailable
}

func TestAStoreThatDoesNotWriteIsNoConflict(t *testing.T) {
	t.Parallel()
	r, store := open(t)
	registered(t, r, 2)
	broken := on(dead{store})
	for range 2 {
		if _, _, err := broken.Switch(t.Context(), promote(2, "x")); !errors.Is(err, objstore.ErrUnavailable) || errors.Is(err, registry.ErrConflict) {
			t.Errorf("switch: %v, want ErrUnavailable", err)
		}
		if _, err := broken.NextVersion(t.Context(), model, "run-x"); !errors.Is(err, objstore.ErrUnavailable) {
			t.Errorf("claim: %v, want ErrUnavailable", err)
		}
		_, _, err := r.Switch(t.Context(), promote(1, "a"))
		must(t, err)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	r, _ := open(t)
	registered(t, r, 2)
	var a schemas.Aliases
	for i := range registry.MaxHistory + 3 {
		a = do(t, r, promote(i%2+1, fmt.Sprint(i)))
	}
	if len(a.History) != 50 || a.Revision != 53 || a.History[0].Token != "51" || a.History[49].Token != "2" {
		t.Errorf("%d entries from %s to %s, revision %d", len(a.History), a.History[0].Token, a.History[49].Token, a.Revision)
	}
}

func TestADamagedAliasIsNotOverwritten(t *testing.T) {
	t.Parallel()
	r, store := open(t)
	registered(t, r, 1)
	must(t, store.Put(t.Context(), "aliases/"+model+".json", []byte(`{"model":"punctuality","champ":1}`)))
	if _, _, err := r.Switch(t.Context(), promote(1, "a")); err == nil || !strings.Contains(err.Error(), `unknown field "champ"`) {
		t.Errorf("error %v", err)
	}
}

func TestLiveAt(t *testing.T) {
	t.Parallel()
	entry := func(version, since int) schemas.AliasEntry {
		return schemas.AliasEntry{Package: pkg(version), Since: day(since)}
	}
	champion := entry(1, 9)
	a := schemas.Aliases{Champion: &champion, History: []schemas.AliasEntry{entry(2, 5), entry(1, 3)}}
	for _, test := range []struct {
		at   time.Time
		want int // 0: none
	}{
		{day(3).Add(-1), 0}, {day(3), 1}, {day(5).Add(-1), 1}, {day(5), 2}, {day(8), 2}, {day(9), 1}, {day(30), 1},
	} {
		e, ok := registry.LiveAt(a, test.at)
		if ok != (test.want > 0) || e.Package.Version != test.want {
			t.Errorf("at %s: %d %v, want %d", test.at, e.Package.Version, ok, test.want)
		}
	}
	if _, ok := registry.LiveAt(schemas.Aliases{}, day(1)); ok {
		t.Error("a champion without any")
	}
}
