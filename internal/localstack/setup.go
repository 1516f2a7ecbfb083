package localstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
)

// SetupOptions says where set-up keeps what it obtains.
type SetupOptions struct {
	// CacheDir holds everything obtained, outside the checkout. Required;
	// DefaultCacheDir gives the usual place.
	CacheDir string
	// ToolsDir is the checkout's tools directory, whose go.mod pins the Go tools.
	// Where it does not exist, tools built before are taken from the cache, else
	// those on PATH.
	ToolsDir string
	// LibChDB, where set, is the ClickHouse library to use as it is, unverified.
	LibChDB string
	// LibXGBoost, where set, is the XGBoost library to use as it is, unverified.
	LibXGBoost string
	// Out gets one progress line a component. Defaults to discarding them.
	Out io.Writer
}

// setup is one run of Setup: options plus the parts of the machine it uses,
// which tests replace.
type setup struct {
	SetupOptions
	platform platform
	run      runner
	libDirs  []string // where the system keeps its libraries
	out      *progress
}

// Setup obtains what is missing and returns where everything lies. Concurrent
// calls, also from other processes, wait for each other. All components are
// tried; the error joins one sentence for each that could not be had. A second
// call only looks at file sizes and times.
func Setup(ctx context.Context, opts SetupOptions) (Components, error) {
	s := &setup{
		SetupOptions: opts,
		platform:     platform{runtime.GOOS, runtime.GOARCH},
		run:          execRunner{},
		libDirs:      systemLibraryDirs(runtime.GOARCH),
		out:          newProgress(opts.Out),
	}
	return s.all(ctx)
}

func (s *setup) all(ctx context.Context) (Components, error) {
	if s.CacheDir == "" {
		return Components{}, fmt.Errorf("set-up: no cache directory given; set %s", SettingCacheDir)
	}
	if err := os.MkdirAll(filepath.Join(s.CacheDir, "lib"), 0o755); err != nil {
		return Components{}, fmt.Errorf("set-up: cache directory: %w; set %s to a directory that can be written", err, SettingCacheDir)
	}
	unlock, err := lockCache(ctx, filepath.Join(s.CacheDir, "setup.lock"), s.out)
	if err != nil {
		return Components{}, err
	}
	defer unlock()
	if err := s.removeLeftovers(); err != nil {
		return Components{}, fmt.Errorf("set-up: %w", err)
	}
	return s.obtain(ctx)
}

// removeLeftovers removes what a set-up that was killed left half done. Only the
// holder of the lock makes such directories.
func (s *setup) removeLeftovers() error {
	var errs []error
	for _, pattern := range []string{".fetch-*", filepath.Join("bin", ".build-*")} {
		found, err := filepath.Glob(filepath.Join(s.CacheDir, pattern))
		errs = append(errs, err)
		for _, dir := range found {
			errs = append(errs, os.RemoveAll(dir))
		}
	}
	return errors.Join(errs...)
}

// obtain runs the steps side by side: the build uses the processors, the
// downloads the network.
func (s *setup) obtain(ctx context.Context) (Components, error) {
	var c Components
	steps := []func() error{
		func() error { return s.tools(ctx, &c) },
		func() (err error) { c.LibChDB, err = s.chdb(ctx); return err },
		func() (err error) { c.LibXGBoost, c.LibXGBoostPreload, err = s.xgboost(ctx); return err },
	}
	errs := make([]error, len(steps))
	var wg sync.WaitGroup
	for i, step := range steps {
		wg.Go(func() { errs[i] = step() })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return Components{}, err
	}
	return c, nil
}

// platform is a Go operating system and processor pair.
type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "/" + p.arch }

// configured checks a library given by the user.
func (s *setup) configured(name, path, setting string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	info, err := os.Stat(abs)
	if err != nil {
		return "", fmt.Errorf("%s: %s names a file that cannot be read: %w", name, setting, err)
	}
	if !info.Mode().IsRegular() || info.Size() == 0 {
		return "", fmt.Errorf("%s: %s=%s is not a library file", name, setting, abs)
	}
	s.out.Printf("%s: %s (given by %s, not verified)", name, abs, setting)
	return abs, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
