package registry_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"puenktlich/internal/registry"
	"puenktlich/schemas"
)

// Many runs at once, each asking three times at once: every run has one number,
// and the numbers are 1 to n.
func TestNextVersionGivesEachRunItsNumber(t *testing.T) {
	t.Parallel()
	r, _ := open(t)
	const runs = 8
	got := make([][3]int, runs)
	var wait sync.WaitGroup
	for run := range runs {
		for again := range 3 {
			wait.Go(func() {
				var err error
				if got[run][again], err = r.NextVersion(t.Context(), model, fmt.Sprint("run-", run)); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wait.Wait()
	var numbers []int
	for run, g := range got {
		if g[0] != g[1] || g[1] != g[2] {
			t.Errorf("run %d got the numbers %v", run, g)
		}
		numbers = append(numbers, g[0])
	}
	slices.Sort(numbers)
	if !slices.Equal(numbers, []int{1, 2, 3, 4, 5, 6, 7, 8}) {
		t.Errorf("numbers %v", numbers)
	}
	if n, err := r.NextVersion(t.Context(), "other", "run-0"); n != 1 || err != nil {
		t.Errorf("first version of another model: %d %v", n, err)
	}
}

func TestRegister(t *testing.T) {
	t.Parallel()
	r, _ := open(t)
	ctx := t.Context()
	registered(t, r, 2)
	_, err := r.NextVersion(ctx, model, "run-that-died")
	must(t, err)
	must(t, r.Register(ctx, pkg(2))) // again
	other := pkg(2)
	other.Digest = strings.Repeat("e", 64)
	if err := r.Register(ctx, other); !errors.Is(err, registry.ErrTaken) {
		t.Errorf("another package under a version: %v, want ErrTaken", err)
	}
	if err := r.Register(ctx, pkg(9)); !errors.Is(err, registry.ErrInvalid) || !strings.Contains(err.Error(), "never claimed") {
		t.Errorf("a version nobody claimed: %v", err)
	}
	for run, want := range map[string]schemas.PackageRef{"run-2": pkg(2), "run-that-died": {}, "run-of-nobody": {}} {
		if got, found, err := r.OfRun(ctx, model, run); got != want || found != (want.Digest != "") || err != nil {
			t.Errorf("package of %s: %v %v %v, want %v", run, got, found, err, want)
		}
	}
	if _, err := r.NextVersion(ctx, model, ""); !errors.Is(err, registry.ErrInvalid) {
		t.Errorf("no run: %v", err)
	}
	versions, err := r.Versions(ctx, model)
	if err != nil || !slices.Equal(versions, []schemas.PackageRef{pkg(1), pkg(2)}) {
		t.Errorf("versions %v %v", versions, err)
	}
	if _, err := r.Versions(ctx, "Not a name"); !errors.Is(err, registry.ErrInvalid) {
		t.Errorf("a bad name: %v", err)
	}
	if versions, err = r.Versions(ctx, "other"); err != nil || len(versions) != 0 {
		t.Errorf("versions of a new model: %v %v", versions, err)
	}
}

// Of several packages for one version at once one is registered.
func TestRegisterAtOnce(t *testing.T) {
	t.Parallel()
	r, _ := open(t)
	_, err := r.NextVersion(t.Context(), model, "run")
	must(t, err)
	won := make([]bool, 6)
	var wait sync.WaitGroup
	for i := range won {
		wait.Go(func() {
			p := pkg(1)
			p.Digest = fmt.Sprintf("%064d", 100+i)
			err := r.Register(t.Context(), p)
			if won[i] = err == nil; err != nil && !errors.Is(err, registry.ErrTaken) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	versions, err := r.Versions(t.Context(), model)
	must(t, err)
	for i, w := range won {
		if w != (versions[0].Digest == fmt.Sprintf("%064d", 100+i)) {
			t.Errorf("package %d says %v, registered is %s", i, w, versions[0].Digest)
		}
	}
}
