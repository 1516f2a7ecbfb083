package serving_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"puenktlich/internal/feature"
	"puenktlich/internal/serving"
	"puenktlich/internal/serving/servingtest"
	"puenktlich/schemas"
)

func champion(t testing.TB, dir string, packages serving.Packages) *serving.Champion {
	t.Helper()
	return serving.NewChampion(serving.ChampionOptions{Model: schemas.DefaultModel, Packages: packages, Dir: dir, Logger: slog.New(slog.DiscardHandler)})
}

func digest(t testing.TB, c *serving.Champion) string {
	t.Helper()
	loaded, err := c.Current()
	if errors.Is(err, serving.ErrNoChampion) {
		return "none"
	}
	if err != nil {
		t.Fatal(err)
	}
	return loaded.Ref.Digest
}

func TestARefusedPackageLeavesTheChampion(t *testing.T) {
	t.Parallel()
	good, bad := servingtest.Ref(1), servingtest.Ref(2)
	foreign := servingtest.Ref(3)
	foreign.Model = "another"
	packages := &servingtest.Packages{Broken: map[string]error{bad.Digest: errors.New("golden row 3 does not hold")}}
	c := champion(t, t.TempDir(), packages)
	if got := digest(t, c); got != "none" {
		t.Fatalf("before the first load: %s", got)
	}
	if err := c.Load(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []schemas.PackageRef{bad, foreign} {
		err := c.Load(t.Context(), ref)
		var refused *serving.RefusedError
		if !errors.As(err, &refused) || refused.Package.Digest != ref.Digest {
			t.Errorf("load %s@%d: %v, want it refused", ref.Model, ref.Version, err)
		}
	}
	packages.Offline = true
	err := c.Load(t.Context(), servingtest.Ref(4))
	var refused *serving.RefusedError
	if err == nil || errors.As(err, &refused) {
		t.Errorf("load without the object store: %v, want an error that a retry may mend", err)
	}
	if got := digest(t, c); got != good.Digest {
		t.Errorf("served is %s, want %s as before", got, good.Digest)
	}
}

func TestTheChampionComesBackWithoutTheStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := champion(t, dir, &servingtest.Packages{})
	for version := 1; version <= 2; version++ {
		if err := first.Load(t.Context(), servingtest.Ref(version)); err != nil {
			t.Fatal(err)
		}
	}
	again := champion(t, dir, &servingtest.Packages{Offline: true})
	if found, err := again.Restore(t.Context()); err != nil || !found {
		t.Fatalf("restore: %v, %v", found, err)
	}
	if got, want := digest(t, again), servingtest.Ref(2).Digest; got != want {
		t.Errorf("restored %s, want the one loaded last, %s", got, want)
	}
	if loaded, _ := again.Current(); loaded.Ref.Version != 2 || loaded.Ref.Prefix == "" {
		t.Errorf("restored as %+v", loaded.Ref)
	}
}

func TestRestoreOfNothingAndOfRubbish(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := champion(t, dir, &servingtest.Packages{})
	if found, err := c.Restore(t.Context()); found || err != nil {
		t.Errorf("nothing there: %v, %v", found, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "champion.json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Restore(t.Context()); err == nil || !strings.Contains(err.Error(), "remove the file") {
		t.Errorf("rubbish: %v, want what to do about it", err)
	}
}

// Requests never see a half of one package and a half of another.
func TestSwapsBesideRequests(t *testing.T) {
	t.Parallel()
	c := champion(t, t.TempDir(), &servingtest.Packages{})
	if err := c.Load(t.Context(), servingtest.Ref(1)); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			vector := make([]float32, feature.Width())
			for range 2000 {
				loaded, err := c.Current()
				if err != nil {
					t.Error(err)
					return
				}
				if loaded.Ref.Digest != fmt.Sprintf("%064x", loaded.Ref.Version) || loaded.Dir != loaded.Ref.Digest {
					t.Errorf("mixed package: %+v in %s", loaded.Ref, loaded.Dir)
				}
				if d, err := loaded.Model.Forecast(vector, 30); err != nil || math.Abs(d.OnTime()-servingtest.Confident) > 1e-6 {
					t.Errorf("forecast during swaps: %v, %v", d.OnTime(), err)
				}
			}
		})
	}
	for version := range 50 {
		if err := c.Load(t.Context(), servingtest.Ref(version+1)); err != nil {
			t.Error(err)
		}
	}
	group.Wait()
}

// aliases calls a hook while it is asked, as a promotion may come in then.
type aliases struct {
	champion schemas.PackageRef
	during   func()
}

func (a aliases) Aliases(context.Context, string) (schemas.Aliases, string, error) {
	if a.during != nil {
		a.during()
	}
	return schemas.Aliases{Champion: &schemas.AliasEntry{Package: a.champion}}, "", nil
}

func TestFollowCatchesUpButNeverUndoes(t *testing.T) {
	t.Parallel()
	c := champion(t, t.TempDir(), &servingtest.Packages{})
	once := func(a aliases) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := c.Follow(ctx, a, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	once(aliases{champion: servingtest.Ref(1)})
	if got := digest(t, c); got != servingtest.Ref(1).Digest {
		t.Errorf("a missed promotion: %s is served", got)
	}
	once(aliases{champion: servingtest.Ref(1), during: func() {
		if err := c.Load(t.Context(), servingtest.Ref(2)); err != nil {
			t.Error(err)
		}
	}})
	if got := digest(t, c); got != servingtest.Ref(2).Digest {
		t.Errorf("an alias read before a promotion undid it: %s is served", got)
	}
}
