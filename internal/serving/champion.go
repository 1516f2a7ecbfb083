package serving

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"puenktlich/internal/atomicfile"
	"puenktlich/internal/feature"
	"puenktlich/internal/forecast"
	"puenktlich/internal/learn"
	"puenktlich/internal/modelpkg"
	"puenktlich/schemas"
)

// Package is what serving needs of a model package.
type Package struct {
	Ref       schemas.PackageRef
	Model     *forecast.Model
	Baselines learn.Baselines
	Report    schemas.Report
}

// Packages brings packages into this process.
type Packages interface {
	// Fetch answers the directory of a package on this machine, brought there
	// if need be.
	Fetch(ctx context.Context, ref schemas.PackageRef) (dir string, err error)
	// Open verifies a package and makes it ready. It needs no network.
	Open(dir string) (Package, error)
}

// ErrNoChampion says that no package was loaded yet.
var ErrNoChampion = errors.New("no champion is loaded yet: it is promoted by RunLifecycle or PromoteModel")

// RefusedError says that a package must not be served. The one that was served
// before still is.
type RefusedError struct {
	Package schemas.PackageRef
	Cause   error
}

// Error names the package and the reason.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("package %s@%d (%s) is refused: %v", e.Package.Model, e.Package.Version, e.Package.Digest, e.Cause)
}

// Unwrap gives the reason.
func (e *RefusedError) Unwrap() error { return e.Cause }

// Refused tells callers that a retry will not help.
func (e *RefusedError) Refused() bool { return true }

// ChampionOptions say what a Champion serves.
type ChampionOptions struct {
	Model    string // served under this name alone
	Packages Packages
	// Dir keeps champion.json, which names the package loaded last.
	Dir string
	// Instance names this process in alerts.
	Instance string
	// Alerts hears of packages that are refused; nil for nobody. Clock gives the
	// domain time of it and is required with Alerts.
	Alerts Alerts
	Clock  interface{ Now() time.Time }
	// Metrics defaults to metrics nobody reads.
	Metrics *Metrics
	// Logger defaults to slog.Default().
	Logger *slog.Logger
}

// Champion holds the package that answers. Loading another one never disturbs
// a request: it is warmed first and swapped in one step, and requests under way
// finish on the one they began with. It is safe for concurrent use.
type Champion struct {
	o       ChampionOptions
	loading sync.Mutex
	current atomic.Pointer[Loaded]
	trial   atomic.Pointer[Trial]
	// What was told of refused packages, of each place of the registry.
	refusedChampion, refusedChallenger refusal
}

// Loaded is a package that answers.
type Loaded struct {
	Package
	Dir string
}

// NewChampion makes a Champion without a package.
func NewChampion(o ChampionOptions) *Champion {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(nil)
	}
	return &Champion{o: o, refusedChampion: refusal{place: "champion"}, refusedChallenger: refusal{place: "challenger"}}
}

// Current is the package that answers, ErrNoChampion before the first.
func (c *Champion) Current() (*Loaded, error) {
	if loaded := c.current.Load(); loaded != nil {
		return loaded, nil
	}
	return nil, ErrNoChampion
}

// Load serves a package from now on. A package that does not hold is a
// *RefusedError; either way an error leaves the present one in place.
func (c *Champion) Load(ctx context.Context, ref schemas.PackageRef) error {
	c.loading.Lock()
	defer c.loading.Unlock()
	return c.load(ctx, ref)
}

func (c *Champion) load(ctx context.Context, ref schemas.PackageRef) error {
	if ref.Model != c.o.Model {
		return c.refuse(ctx, &c.refusedChampion, ref, fmt.Errorf("this instance serves the model %q", c.o.Model))
	}
	if present := c.current.Load(); present != nil && present.Ref.Digest == ref.Digest {
		c.accepted(ctx, &c.refusedChampion)
		return nil
	}
	dir, err := c.fetch(ctx, &c.refusedChampion, ref)
	if err != nil {
		return err
	}
	if err := c.serve(ctx, ref, dir); err != nil {
		return err
	}
	c.accepted(ctx, &c.refusedChampion)
	if err := c.remember(ref, dir); err != nil {
		c.o.Logger.Error("the champion is served, but would not be after a restart without the object store", "error", err)
	}
	return nil
}

// fetch brings a package here. One that arrived damaged is refused; a store that
// is away may have it later.
func (c *Champion) fetch(ctx context.Context, told *refusal, ref schemas.PackageRef) (string, error) {
	dir, err := c.o.Packages.Fetch(ctx, ref)
	if damaged := (*modelpkg.IntegrityError)(nil); errors.As(err, &damaged) {
		return "", c.refuse(ctx, told, ref, err)
	}
	if err != nil {
		c.o.Metrics.loads.WithLabelValues("unavailable").Inc()
		return "", fmt.Errorf("load %s@%d: %w", ref.Model, ref.Version, err)
	}
	return dir, nil
}

// open opens, checks and warms.
func (c *Champion) open(ctx context.Context, told *refusal, ref schemas.PackageRef, dir string) (*Loaded, error) {
	p, err := c.o.Packages.Open(dir)
	if err != nil {
		return nil, c.refuse(ctx, told, ref, err)
	}
	if err := check(p, ref); err != nil {
		return nil, c.refuse(ctx, told, ref, err)
	}
	p.Ref = ref
	return &Loaded{Package: p, Dir: dir}, nil
}

// serve opens and swaps.
func (c *Champion) serve(ctx context.Context, ref schemas.PackageRef, dir string) error {
	loaded, err := c.open(ctx, &c.refusedChampion, ref, dir)
	if err != nil {
		return err
	}
	c.current.Store(loaded)
	c.o.Metrics.loads.WithLabelValues("served").Inc()
	c.o.Metrics.champion(ref)
	c.o.Logger.Info("champion loaded", "model", ref.Model, "version", ref.Version, "digest", ref.Digest)
	return nil
}

// Rehearse opens the package in dir and checks and warms it as a Champion that
// was asked to load it would, without serving it.
func Rehearse(packages Packages, dir string) (Package, error) {
	p, err := packages.Open(dir)
	if err != nil {
		return Package{}, err
	}
	return p, check(p, p.Ref)
}

// check compares what was opened with what was asked for and with the features
// this program computes, and makes one forecast that knows nothing.
func check(p Package, ref schemas.PackageRef) error {
	switch {
	case p.Model == nil:
		return errors.New("it holds no model")
	case p.Ref.Digest != ref.Digest:
		return fmt.Errorf("its digest is %s", p.Ref.Digest)
	case p.Ref.Model != ref.Model || p.Ref.Version != ref.Version:
		return fmt.Errorf("it says that it is %s version %d", p.Ref.Model, p.Ref.Version)
	case p.Model.FeatureVersion() != feature.Version() || !slices.Equal(p.Model.Features(), feature.Names()):
		return fmt.Errorf("its features are %s, this program computes %s", p.Model.FeatureVersion(), feature.Version())
	}
	vector := make([]float32, feature.Width())
	for i := range vector {
		vector[i] = float32(math.NaN())
	}
	d, err := p.Model.Forecast(vector, 60)
	if err != nil {
		return fmt.Errorf("warm up: %w", err)
	}
	if !(d.OnTime() >= 0 && d.OnTime() <= 1) {
		return fmt.Errorf("warm up: P(on time) is %v", d.OnTime())
	}
	p.Model.Contributions(vector)
	return nil
}

// remembered is champion.json.
type remembered struct {
	Package schemas.PackageRef `json:"package"`
	Dir     string             `json:"dir"`
}

func (c *Champion) file() string { return filepath.Join(c.o.Dir, "champion.json") }

func (c *Champion) remember(ref schemas.PackageRef, dir string) error {
	body, err := json.MarshalIndent(remembered{ref, dir}, "", "  ")
	if err != nil {
		return fmt.Errorf("remember champion: %w", err)
	}
	if err := atomicfile.Write(c.file(), 0o600, body); err != nil {
		return fmt.Errorf("remember champion: %w", err)
	}
	return nil
}

// Restore serves the package loaded last from the disk alone. It answers false
// where there was none; a package that no longer holds is an error.
func (c *Champion) Restore(ctx context.Context) (bool, error) {
	body, err := os.ReadFile(c.file())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	var last remembered
	if err == nil {
		err = json.Unmarshal(body, &last)
	}
	if err != nil {
		return false, fmt.Errorf("restore champion from %s: %w; remove the file to wait for the next promotion", c.file(), err)
	}
	c.loading.Lock()
	defer c.loading.Unlock()
	if last.Package.Model != c.o.Model {
		return false, nil
	}
	if err := c.serve(ctx, last.Package, last.Dir); err != nil {
		return false, err
	}
	return true, nil
}

// Aliases says which package is champion; the text is the state of the object
// it was read from, which nobody needs here.
type Aliases interface {
	Aliases(ctx context.Context, model string) (schemas.Aliases, string, error)
}

// Follow looks at the aliases at once and then each interval until ctx ends,
// and loads a champion that this instance missed, because it was down when all
// were asked to. A store that is away leaves everything as it is.
func (c *Champion) Follow(ctx context.Context, aliases Aliases, every time.Duration) error {
	for {
		if err := c.catchUp(ctx, aliases); err != nil && ctx.Err() == nil {
			c.o.Logger.Warn("the registry's champion could not be looked up or loaded", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(every):
		}
	}
}

// Following is a champion with the registry that it follows.
type Following struct {
	*Champion
	Aliases Aliases
}

// Catch looks at the aliases once.
func (f Following) Catch(ctx context.Context) error { return f.catchUp(ctx, f.Aliases) }

// catchUp never undoes a load that was asked for while it read the alias.
func (c *Champion) catchUp(ctx context.Context, aliases Aliases) error {
	before := c.current.Load()
	found, _, err := aliases.Aliases(ctx, c.o.Model)
	if err != nil || found.Champion == nil {
		return err
	}
	c.loading.Lock()
	defer c.loading.Unlock()
	if c.current.Load() == before {
		if err := c.load(ctx, found.Champion.Package); err != nil {
			return err
		}
	}
	return c.try(ctx, found.Challenger)
}
