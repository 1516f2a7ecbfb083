package access_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/access"
	"puenktlich/internal/objstore"
	"puenktlich/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

var noon = time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC)

// hand is a clock that a test sets.
type hand struct{ at time.Time }

func (h *hand) now() time.Time { return h.at }

func open(t *testing.T) access.Book {
	t.Helper()
	store, err := objstore.Open(t.Context(), objstore.Options(testenv.S3(t)))
	require.NoError(t, err)
	return access.Book{Store: store, NotFound: objstore.ErrNotFound}
}

func ring(t *testing.T, b access.Book) *access.Ring {
	t.Helper()
	r := access.NewRing(b, filepath.Join(t.TempDir(), "keys.json"), nil)
	require.NoError(t, r.Load(t.Context()))
	return r
}

func want(name string, role access.Role) access.Wanted {
	return access.Wanted{Name: name, Role: role, CreatedBy: "anna"}
}

// outcome of asking with a secret for a role.
func outcome(g *access.Gate, secret string, role access.Role) access.Reason {
	_, err := g.Admit(access.Ask{Secret: secret, Remote: "203.0.113.7:4711", Host: "trains.example", Wanted: role})
	var refusal *access.Refusal
	if errors.As(err, &refusal) {
		return refusal.Reason
	}
	return 0
}

func TestRolesIncludeThoseBefore(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		has, wanted access.Role
		want        bool
	}{
		{"read", "read", true}, {"predict", "read", true}, {"operate", "predict", true}, {"operate", "", true}, {"", "", true},
		{"read", "predict", false}, {"predict", "operate", false}, {"", "read", false}, {"admin", "read", false},
	} {
		require.Equal(t, test.want, test.has.Includes(test.wanted), "%s includes %s", test.has, test.wanted)
	}
}

// A key goes from its making to its end, and every state is told apart.
func TestLifeOfAKey(t *testing.T) {
	t.Parallel()
	book, clock := open(t), &hand{noon}
	w := want("board", access.RolePredict)
	w.Expires = noon.Add(time.Hour)
	key, secret, err := book.Create(t.Context(), w, noon)
	require.NoError(t, err)
	other, forever, err := book.Create(t.Context(), want("ops", access.RoleOperate), noon)
	require.NoError(t, err)
	r := ring(t, book)
	gate := access.NewGate(access.GateOptions{Ring: r, Now: clock.now})
	require.Zero(t, outcome(gate, secret, access.RolePredict))
	require.Equal(t, access.Forbidden, outcome(gate, secret, access.RoleOperate))
	require.Zero(t, outcome(gate, forever, access.RoleOperate))
	require.Equal(t, access.Missing, outcome(gate, "", access.RoleRead))
	mixed := secret[:strings.LastIndexByte(secret, '_')] + forever[strings.LastIndexByte(forever, '_'):]
	for _, wrong := range []string{mixed, secret[:len(secret)-1], secret + "A", "pnk_", "?", strings.ToUpper(secret)} {
		require.Equal(t, access.Invalid, outcome(gate, wrong, access.RoleRead), wrong)
	}
	clock.at = noon.Add(time.Hour)
	require.Equal(t, access.Invalid, outcome(gate, secret, access.RoleRead), "expired")
	revoked, err := book.Revoke(t.Context(), "ops", "bert", noon)
	require.NoError(t, err)
	require.Equal(t, other.ID, revoked.ID)
	require.Zero(t, outcome(gate, forever, access.RoleRead), "not read again yet")
	require.NoError(t, r.Load(t.Context()))
	require.Equal(t, access.Invalid, outcome(gate, forever, access.RoleRead), "revoked")
	keys, err := book.Keys(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"expired", "revoked"}, []string{keys[0].State(clock.at), keys[1].State(clock.at)})
	require.Equal(t, "bert", keys[1].RevokedBy)
	require.Equal(t, key.Hash, keys[0].Hash)
}

// What is stored, in the object store and on disk, holds no secret.
func TestSecretsAreKeptNowhere(t *testing.T) {
	t.Parallel()
	book := open(t)
	_, secret, err := book.Create(t.Context(), want("board", access.RoleRead), noon)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "keys.json")
	require.NoError(t, access.NewRing(book, file, nil).Load(t.Context()))
	body, _, err := book.Store.Get(t.Context(), access.DocumentKey)
	require.NoError(t, err)
	kept, err := os.ReadFile(file)
	require.NoError(t, err)
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	random := secret[strings.LastIndexByte(secret, '_')+1:]
	require.NotContains(t, string(body), random)
	require.NotContains(t, string(kept), random)

	later := access.NewRing(access.Book{}, file, nil) // without any store
	gate := access.NewGate(access.GateOptions{Ring: later, Now: (&hand{noon}).now})
	require.Equal(t, access.NotYet, outcome(gate, secret, access.RoleRead))
	found, err := later.Restore()
	require.NoError(t, err)
	require.True(t, found)
	require.Zero(t, outcome(gate, secret, access.RoleRead))
}

// Writers at once all win: none loses another's key.
func TestKeysMadeAtOnceAreAllKept(t *testing.T) {
	t.Parallel()
	book := open(t)
	var wait sync.WaitGroup
	failed := make([]error, 4)
	for i := range failed {
		wait.Go(func() {
			_, _, failed[i] = book.Create(t.Context(), want(string(rune('a'+i)), access.RoleRead), noon)
		})
	}
	wait.Wait()
	require.NoError(t, errors.Join(failed...))
	keys, err := book.Keys(t.Context())
	require.NoError(t, err)
	require.Len(t, keys, len(failed))
}

func TestWrongWishesAreExplained(t *testing.T) {
	t.Parallel()
	book := open(t)
	_, _, err := book.Create(t.Context(), access.Wanted{Name: "\n", Role: "admin", PerSecond: -1, Burst: -1, Expires: noon.Add(-time.Hour)}, noon)
	for _, part := range []string{`name "\n"`, `role "admin": want read, predict or operate`, "rate -1", "burst -1", "expires 2026-03-06T11:00:00Z: that is over"} {
		require.ErrorContains(t, err, part)
	}
	_, _, err = book.Create(t.Context(), want("a", access.RoleRead), noon)
	require.NoError(t, err)
	_, _, err = book.Create(t.Context(), want("a", access.RoleRead), noon)
	require.ErrorContains(t, err, `is called "a" already`)
	_, err = book.Revoke(t.Context(), "nobody", "bert", noon)
	require.ErrorIs(t, err, access.ErrNoKey)
}

func TestRateIsTheKeysOwn(t *testing.T) {
	t.Parallel()
	book, clock := open(t), &hand{noon}
	slow, quick := want("slow", access.RoleRead), want("quick", access.RoleRead)
	slow.PerSecond, slow.Burst = 0.5, 2
	quick.PerSecond, quick.Burst = 10, 10
	_, a, err := book.Create(t.Context(), slow, noon)
	require.NoError(t, err)
	_, b, err := book.Create(t.Context(), quick, noon)
	require.NoError(t, err)
	r := ring(t, book)
	gate := access.NewGate(access.GateOptions{Ring: r, Now: clock.now})
	require.Zero(t, outcome(gate, a, access.RoleRead))
	require.Zero(t, outcome(gate, a, access.RoleRead))
	_, err = gate.Admit(access.Ask{Secret: a, Wanted: access.RoleRead})
	var refusal *access.Refusal
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, access.TooMany, refusal.Reason)
	require.Equal(t, 2*time.Second, refusal.Again)
	caller, err := gate.Admit(access.Ask{Secret: b, Wanted: access.RoleRead})
	require.NoError(t, err)
	require.Equal(t, 9, caller.Remaining)
	_, _, err = book.Create(t.Context(), want("third", access.RoleRead), noon)
	require.NoError(t, err)
	require.NoError(t, r.Load(t.Context()))
	require.Equal(t, access.TooMany, outcome(gate, a, access.RoleRead), "another key's making resets no rate")
	clock.at = noon.Add(2 * time.Second)
	require.Zero(t, outcome(gate, a, access.RoleRead))
}

// Without keys this machine's own callers may do everything, and nobody else
// anything.
func TestWithoutKeysOnlyThisMachineIsLetIn(t *testing.T) {
	t.Parallel()
	book := open(t)
	r := ring(t, book)
	gate := access.NewGate(access.GateOptions{Ring: r, OpenWhileNoKey: true, Now: (&hand{noon}).now})
	for _, test := range []struct {
		name string
		ask  access.Ask
		in   bool
	}{
		{"this machine", access.Ask{Remote: "127.0.0.1:1", Host: "127.0.0.1:8080"}, true},
		{"by name", access.Ask{Remote: "127.0.0.1:1", Host: "localhost:8080"}, true},
		{"by IPv6", access.Ask{Remote: "[::1]:1", Host: "[::1]:8080"}, true},
		{"another machine", access.Ask{Remote: "192.0.2.1:1", Host: "127.0.0.1:8080"}, false},
		{"a browser lured here under another name", access.Ask{Remote: "127.0.0.1:1", Host: "evil.example:8080"}, false},
	} {
		test.ask.Wanted = access.RoleOperate
		caller, err := gate.Admit(test.ask)
		require.Equal(t, test.in, err == nil, test.name)
		require.Equal(t, "unauthenticated API", caller.Actor(), test.name)
	}
	_, _, err := book.Create(t.Context(), want("first", access.RoleRead), noon)
	require.NoError(t, err)
	_, err = book.Revoke(t.Context(), "first", "anna", noon)
	require.NoError(t, err)
	require.NoError(t, r.Load(t.Context()))
	_, err = gate.Admit(access.Ask{Remote: "127.0.0.1:1", Host: "localhost", Wanted: access.RoleRead})
	require.Error(t, err, "revoking the last key opens nothing")
}

func TestAddressesWithoutAKeyHaveARateEach(t *testing.T) {
	t.Parallel()
	clock := &hand{noon}
	gate := access.NewGate(access.GateOptions{Ring: ring(t, open(t)), Anonymous: access.RolePredict, AnonymousPerSecond: 1, Now: clock.now})
	ask := func(remote string) error {
		_, err := gate.Admit(access.Ask{Remote: remote, Wanted: access.RolePredict})
		return err
	}
	require.NoError(t, ask("192.0.2.1:1"))
	require.NoError(t, ask("192.0.2.1:2"))
	require.Error(t, ask("192.0.2.1:3"))
	require.NoError(t, ask("192.0.2.2:1"))
	require.NoError(t, ask("[2001:db8::1]:1"))
	require.NoError(t, ask("[2001:db8::2]:1"))
	require.Error(t, ask("[2001:db8::3]:1"), "one network, one rate")
	_, err := gate.Admit(access.Ask{Remote: "192.0.2.9:1", Wanted: access.RoleOperate})
	require.Error(t, err)
}
