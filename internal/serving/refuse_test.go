package serving_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/alert"
	"puenktlich/internal/modelpkg"
	"puenktlich/internal/objstore"
	"puenktlich/internal/serving"
	"puenktlich/internal/serving/servingtest"
	"puenktlich/internal/testenv"
	"puenktlich/internal/warehouse"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// ticking is a second later each time it is asked.
type ticking struct{ asked atomic.Int64 }

func (c *ticking) Now() time.Time {
	return time.Date(2024, 10, 29, 11, 0, 0, 0, time.UTC).Add(time.Duration(c.asked.Add(1)) * time.Second)
}

// registryOf answers a champion and a challenger once, and then ends what asks.
type registryOf struct {
	champion, challenger *schemas.PackageRef
	end                  context.CancelFunc
	asked                bool
}

func (r *registryOf) Aliases(ctx context.Context, _ string) (schemas.Aliases, string, error) {
	if r.asked {
		r.end()
		return schemas.Aliases{}, "", ctx.Err()
	}
	r.asked = true
	a := schemas.Aliases{Champion: &schemas.AliasEntry{Package: *r.champion}}
	if r.challenger != nil {
		a.Challenger = &schemas.ChallengerEntry{AliasEntry: schemas.AliasEntry{Package: *r.challenger}, Mode: schemas.ModeShadow}
	}
	return a, "", nil
}

// server is an instance on a real object store, whose alerts a real store keeps.
type server struct {
	*serving.Champion
	t       *testing.T
	alerts  *alert.Center
	objects *objstore.Store
	db      *warehouse.DB
	key     *modelpkg.Key
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{t: t, key: newKey(t)}
	var err error
	s.objects, err = objstore.Open(t.Context(), objstore.Options(testenv.S3(t)))
	require.NoError(t, err)
	s.db, err = warehouse.Open(warehouse.Options(testenv.ClickHouse(t)))
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.db.Close() })
	_, err = s.db.Migrate(t.Context())
	require.NoError(t, err)
	dir, quiet, clock := t.TempDir(), slog.New(slog.DiscardHandler), &ticking{}
	s.alerts = alert.New(alert.Options{Store: s.db, Clock: clock, Logger: quiet})
	s.Champion = serving.NewChampion(serving.ChampionOptions{Model: schemas.DefaultModel, Dir: dir, Logger: quiet, Instance: "api-1", Clock: clock,
		Alerts:   s.alerts,
		Packages: serving.ModelPackages{Store: s.objects, CacheDir: filepath.Join(dir, "packages"), Keys: []modelpkg.PublicKey{s.key.Public()}}})
	return s
}

// store builds and signs a package and puts its files into the object store, as
// change leaves them; a file it deletes is left out.
func (s *server) store(version int, key *modelpkg.Key, change func(dir string)) schemas.PackageRef {
	s.t.Helper()
	contents, err := servingtest.Contents(version)
	require.NoError(s.t, err)
	dir := filepath.Join(s.t.TempDir(), "package")
	digest, err := modelpkg.Build(dir, contents)
	require.NoError(s.t, err)
	require.NoError(s.t, modelpkg.Sign(dir, key))
	change(dir)
	ref := schemas.PackageRef{Model: contents.Name, Version: version, Digest: digest, Prefix: "models/punctuality/" + digest[:12], Created: contents.Created}
	require.NoError(s.t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		return errors.Join(err, s.objects.PutIfAbsent(s.t.Context(), ref.Prefix+"/"+filepath.ToSlash(name), body))
	}))
	return ref
}

// firing are the alerts of refused packages that go on, those included that the store did
// not take in time: the process stores them as soon as it can.
func (s *server) firing(place string) []schema.Alert {
	s.t.Helper()
	require.NoError(s.t, s.alerts.Flush(s.t.Context()))
	found, err := s.db.FiringAlerts(s.t.Context(), "package-refused", place+" of punctuality on api-1")
	require.NoError(s.t, err)
	return found
}

// look follows the registry for one look.
func (s *server) look(champion, challenger *schemas.PackageRef) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	require.NoError(s.t, s.Follow(ctx, &registryOf{champion: champion, challenger: challenger, end: cancel}, time.Millisecond))
}

// A package that is unsigned, altered in the store, or of a foreign key is
// refused on the way a promotion takes; the champion goes on, and an alert says
// so until a package that holds is asked for.
func TestRefusalsKeepTheChampionAndRaiseAnAlert(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	intact := func(string) {}
	good := s.store(1, s.key, intact)
	require.NoError(t, s.Load(t.Context(), good))
	require.Empty(t, s.firing("champion"))
	edit := func(file, old, replacement string) func(string) {
		return func(dir string) {
			path := filepath.Join(dir, file)
			body, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Contains(t, string(body), old)
			require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(body), old, replacement, 1)), 0o644))
		}
	}
	remove := func(file string) func(string) {
		return func(dir string) { require.NoError(t, os.Remove(filepath.Join(dir, file))) }
	}
	for i, test := range []struct {
		key     *modelpkg.Key
		change  func(string)
		message string
	}{
		{s.key, remove("signature.json"), "is not signed"},
		{newKey(t), intact, "none of the 1 trusted keys"},
		{s.key, edit("buckets.json", `"num_class":"8"`, `"num_class":"9"`), "has the SHA-256"},
		{s.key, remove("golden.json"), "is missing"},
		{s.key, edit("signature.json", `"sig": "M`, `"sig": "N`), "none of the 1 trusted keys"},
		{s.key, edit("manifest.json", `"punctuality"`, `"punctualitx"`), "the package asked for is"},
	} {
		bad := s.store(i+2, test.key, test.change)
		var refused *serving.RefusedError
		require.ErrorAs(t, s.Load(t.Context(), bad), &refused, test.message)
		require.ErrorContains(t, refused, test.message)
		require.Equal(t, good.Digest, digest(t, s.Champion), "the champion stays")
		told := s.firing("champion")
		require.NotEmpty(t, told, test.message)
		require.Equal(t, "critical", told[0].Severity)
		require.Contains(t, told[0].Summary, "punctuality@1 goes on answering")
		require.NoError(t, s.Load(t.Context(), good)) // rolled back
		require.Empty(t, s.firing("champion"), "the alert is over")
	}
}

// A challenger that is refused is not tried, and is an alert of its own.
func TestARefusedChallengerIsNotTried(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	good, foreign := s.store(1, s.key, func(string) {}), s.store(2, newKey(t), func(string) {})
	require.NoError(t, s.Load(t.Context(), good))
	s.look(&good, &foreign)
	require.Nil(t, s.Trial())
	require.Empty(t, s.firing("champion"))
	require.Len(t, s.firing("challenger"), 1)
	s.look(&good, &foreign)
	require.Len(t, s.firing("challenger"), 1, "it goes on")
	s.look(&good, nil)
	require.Empty(t, s.firing("challenger"))
}
