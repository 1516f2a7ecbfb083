package localstack

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeRunner stands for the package managers: the network has no part in these
// tests. Every program it knows is a function that writes files.
type fakeRunner struct {
	programs map[string]func(c command) error
	mu       sync.Mutex
	ran      []string
}

func (f *fakeRunner) look(name string) (string, error) {
	if _, ok := f.programs[name]; !ok {
		return "", fmt.Errorf("%s: %w", name, errNoProgram)
	}
	return "/fake/" + name, nil
}

func (f *fakeRunner) run(_ context.Context, c command) ([]byte, error) {
	name := filepath.Base(c.name)
	f.mu.Lock()
	f.ran = append(f.ran, strings.Join(append([]string{name}, c.args...), " "))
	f.mu.Unlock()
	return nil, f.programs[name](c)
}

func newTestSetup(t *testing.T, programs map[string]func(c command) error) (*setup, *fakeRunner, *lines) {
	t.Helper()
	out := &lines{}
	run := &fakeRunner{programs: programs}
	s := &setup{
		SetupOptions: SetupOptions{CacheDir: t.TempDir(), ToolsDir: filepath.Join(t.TempDir(), "absent")},
		platform:     platform{"linux", "amd64"},
		run:          run,
		libDirs:      []string{filepath.Join(t.TempDir(), "lib")},
		out:          newProgress(out),
	}
	return s, run, out
}

// helloSHA256 is the published digest of "hello world" with no line end.
const helloSHA256 = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"

// localArtifact is fetched from a file and counts how often.
func localArtifact(t *testing.T, s *setup, content string) (artifact, *int) {
	t.Helper()
	fetched := new(int)
	source := filepath.Join(t.TempDir(), "source")
	writeFile(t, source, content)
	return artifact{
		name:   "library 1.0",
		path:   filepath.Join(s.CacheDir, "lib", "library.so"),
		sha256: helloSHA256,
		fetch: func(_ context.Context, dir string) (string, error) {
			*fetched++
			got := filepath.Join(dir, "got")
			return got, os.WriteFile(got, []byte(readFile(t, source)), 0o644)
		},
	}, fetched
}

func TestEnsureFetchesOnce(t *testing.T) {
	t.Parallel()
	s, _, out := newTestSetup(t, nil)
	a, fetched := localArtifact(t, s, "hello world")
	for range 3 {
		if err := s.ensure(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	if *fetched != 1 || readFile(t, a.path) != "hello world" {
		t.Errorf("fetched %d times, content %q", *fetched, readFile(t, a.path))
	}
	mustContain(t, out.String(), "library 1.0: ready, sha256 verified", "library 1.0: present")
}

func TestEnsureTakesAFileThatWasPutThere(t *testing.T) {
	t.Parallel()
	s, _, _ := newTestSetup(t, nil)
	a, fetched := localArtifact(t, s, "hello world")
	writeFile(t, a.path, "hello world")
	if err := s.ensure(t.Context(), a); err != nil || *fetched != 0 {
		t.Errorf("fetched %d times, error %v", *fetched, err)
	}
}

func TestEnsureFetchesADamagedFileAgain(t *testing.T) {
	t.Parallel()
	s, _, out := newTestSetup(t, nil)
	a, fetched := localArtifact(t, s, "hello world")
	if err := s.ensure(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	writeFile(t, a.path, "hello w0rld") // the same size
	later := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Chtimes(a.path, later, later); err != nil {
		t.Fatal(err)
	}
	if err := s.ensure(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if *fetched != 2 || readFile(t, a.path) != "hello world" {
		t.Errorf("fetched %d times, content %q", *fetched, readFile(t, a.path))
	}
	mustContain(t, out.String(), "not the pinned b94d27b9934d…: fetching it again")
}

func TestEnsureKeepsNothingThatIsNotPinned(t *testing.T) {
	t.Parallel()
	s, _, _ := newTestSetup(t, nil)
	a, _ := localArtifact(t, s, "hello mars")
	err := s.ensure(t.Context(), a)
	if err == nil {
		t.Fatal("no error")
	}
	mustContain(t, err.Error(), "library 1.0", "not the pinned "+helloSHA256)
	left, err := os.ReadDir(s.CacheDir)
	if err != nil || len(left) != 0 {
		t.Errorf("left in the cache: %v, %v", left, err)
	}
}

func TestEnsureNamesAFullDisk(t *testing.T) {
	t.Parallel()
	s, _, _ := newTestSetup(t, nil)
	a, fetched := localArtifact(t, s, "hello world")
	a.needs = 1 << 60
	err := s.ensure(t.Context(), a)
	if err == nil || *fetched != 0 {
		t.Fatalf("error %v, fetched %d times", err, *fetched)
	}
	mustContain(t, err.Error(), "nearly full", "MiB needed", SettingCacheDir)
}

// npmPack writes what `npm pack` does: one archive with the library inside.
func npmPack(content string) func(c command) error {
	return func(c command) error {
		var buf bytes.Buffer
		gz := gzip.NewWriter(&buf)
		tw := tar.NewWriter(gz)
		for _, member := range []struct{ name, content string }{{"package/package.json", "{}"}, {"package/libchdb.so", content}} {
			header := &tar.Header{Name: member.name, Mode: 0o644, Size: int64(len(member.content)), Typeflag: tar.TypeReg}
			if err := tw.WriteHeader(header); err != nil {
				return err
			}
			if _, err := tw.Write([]byte(member.content)); err != nil {
				return err
			}
		}
		if err := errors.Join(tw.Close(), gz.Close()); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(c.dir, "lib-1.0.tgz"), buf.Bytes(), 0o644)
	}
}

func TestChDBComesOutOfTheNpmPackage(t *testing.T) {
	t.Parallel()
	s, run, _ := newTestSetup(t, map[string]func(command) error{"npm": npmPack("an engine")})
	lib, err := s.npmLibrary(t.Context(), t.TempDir(), "@some/package@1.0")
	if err != nil {
		t.Fatal(err)
	}
	if got := readFile(t, lib); got != "an engine" {
		t.Errorf("library holds %q", got)
	}
	mustContain(t, run.ran[0], "npm pack", "@some/package@1.0")
}

func TestChDBThatIsNotThePinnedOneIsRefused(t *testing.T) {
	t.Parallel()
	s, _, _ := newTestSetup(t, map[string]func(command) error{"npm": npmPack("another engine")})
	_, err := s.chdb(t.Context())
	// sha256 of "another engine" as sha256sum prints it.
	if err == nil || !strings.Contains(err.Error(), sha256Of("another engine")) {
		t.Errorf("error %v, want one that names both digests", err)
	}
}

func sha256Of(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestMissingPartsSayWhatToDo(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(s *setup)
		want   []string
	}{
		"nothing installed": {func(*setup) {}, []string{
			"npm is not installed: install npm", SettingLibChDB,
			"temporal 1.5.1 is neither in", "nor on PATH", "install Go",
			"versitygw 1.8.0 is neither in",
			"libxgboost: neither Debian's package nor the Python wheel", SettingLibXGBoost,
		}},
		"another platform": {func(s *setup) { s.platform = platform{"darwin", "arm64"} }, []string{
			"libchdb 26.7.3: no digest is pinned for darwin/arm64 yet: set " + SettingLibChDB,
		}},
		"a configured library that is not there": {func(s *setup) { s.LibChDB, s.LibXGBoost = "/nowhere/a.so", "/nowhere/b.so" }, []string{
			SettingLibChDB + " names a file that cannot be read", SettingLibXGBoost + " names a file that cannot be read",
		}},
		"no cache directory": {func(s *setup) { s.CacheDir = "" }, []string{"no cache directory given; set " + SettingCacheDir}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _, _ := newTestSetup(t, nil)
			tt.change(s)
			_, err := s.all(t.Context())
			if err == nil {
				t.Fatal("no error")
			}
			mustContain(t, err.Error(), tt.want...)
		})
	}
}

func TestConfiguredLibrariesAreTaken(t *testing.T) {
	t.Parallel()
	s, _, out := newTestSetup(t, map[string]func(command) error{"temporal": nil, "versitygw": nil})
	s.LibChDB = filepath.Join(t.TempDir(), "engine.so")
	s.LibXGBoost = filepath.Join(t.TempDir(), "trees.so")
	writeFile(t, s.LibChDB, "x")
	writeFile(t, s.LibXGBoost, "x")
	got, err := s.all(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.LibChDB != s.LibChDB || got.LibXGBoost != s.LibXGBoost || got.Temporal != "/fake/temporal" || got.Workflowcheck != "" {
		t.Errorf("components %+v", got)
	}
	mustContain(t, out.String(), "in place of the pinned 1.5.1", "workflowcheck 0.6.0: absent", "given by "+SettingLibChDB)
}

// goBuild writes what `go build -o DIR/ tool` does.
func goBuild(c command) error {
	dir := c.args[slices.Index(c.args, "-o")+1]
	for _, name := range []string{"temporal", "versitygw", "workflowcheck"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o755); err != nil {
			return err
		}
	}
	return nil
}

func TestToolsAreBuiltOncePerPinnedVersions(t *testing.T) {
	t.Parallel()
	s, run, out := newTestSetup(t, map[string]func(command) error{"go": goBuild})
	s.ToolsDir = t.TempDir()
	writeFile(t, filepath.Join(s.ToolsDir, "go.mod"), "module a\n")
	writeFile(t, filepath.Join(s.ToolsDir, "go.sum"), "")
	var first, second, third, elsewhere Components
	build := func(c *Components) {
		t.Helper()
		if err := s.tools(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	build(&first)
	build(&second)
	if len(run.ran) != 1 || first.Temporal != second.Temporal || readFile(t, first.Versitygw) != "versitygw" {
		t.Errorf("%d builds, %+v and %+v", len(run.ran), first, second)
	}
	writeFile(t, filepath.Join(s.ToolsDir, "go.mod"), "module a\n\ngo 1.26.0\n")
	build(&third)
	if len(run.ran) != 2 || third.Temporal == first.Temporal {
		t.Errorf("%d builds after a change of go.mod, %s and %s", len(run.ran), first.Temporal, third.Temporal)
	}
	s.ToolsDir = filepath.Join(t.TempDir(), "absent")
	build(&elsewhere)
	if elsewhere.Temporal != third.Temporal {
		t.Errorf("without a checkout: %+v, want those last built %+v", elsewhere, third)
	}
	mustContain(t, out.String(), "temporal 1.5.1: building (about 3 min the first time)…", "workflowcheck 0.6.0: present", "versitygw 1.8.0: present, as last built")
}

func TestAFailedBuildLeavesNothing(t *testing.T) {
	t.Parallel()
	s, _, _ := newTestSetup(t, map[string]func(command) error{"go": func(c command) error {
		_ = goBuild(c)
		return errors.New("no space left on device")
	}})
	s.ToolsDir = t.TempDir()
	writeFile(t, filepath.Join(s.ToolsDir, "go.mod"), "module a\n")
	writeFile(t, filepath.Join(s.ToolsDir, "go.sum"), "")
	err := s.tools(t.Context(), &Components{})
	if err == nil || !strings.Contains(err.Error(), "no space left on device") {
		t.Errorf("error %v", err)
	}
	if left, err := os.ReadDir(filepath.Join(s.CacheDir, "bin")); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestPinnedToolVersions(t *testing.T) {
	t.Parallel()
	mod := readFile(t, "../../tools/go.mod")
	mustContain(t, mod,
		"github.com/temporalio/cli v"+TemporalVersion+" ",
		"github.com/versity/versitygw v"+VersitygwVersion+" ",
		"go.temporal.io/sdk/contrib/tools/workflowcheck v"+WorkflowcheckVersion+" ",
	)
}

// aptGet writes packages, but only after `update` when the index is empty.
func aptGet(indexed bool) func(c command) error {
	return func(c command) error {
		if c.args[0] == "update" {
			indexed = true
			return nil
		}
		if !indexed {
			return errors.New("E: Unable to locate package libxgboost0")
		}
		return os.WriteFile(filepath.Join(c.dir, "libxgboost0_9.9-1_amd64.deb"), []byte("deb"), 0o644)
	}
}

// dpkgDeb unpacks a library and a sibling it needs.
func dpkgDeb(c command) error {
	lib := filepath.Join(c.args[2], "usr", "lib", "x86_64-linux-gnu")
	return errors.Join(
		os.MkdirAll(lib, 0o755),
		os.WriteFile(filepath.Join(lib, "libxgboost.so.9"), []byte("trees"), 0o644),
		os.WriteFile(filepath.Join(lib, "libdmlc.so.0"), []byte("streams"), 0o644),
		os.Symlink("libxgboost.so.9", filepath.Join(lib, "libxgboost.so.0")),
	)
}

func TestXGBoostFromDebian(t *testing.T) {
	t.Parallel()
	s, run, out := newTestSetup(t, map[string]func(command) error{"apt-get": aptGet(false), "dpkg-deb": dpkgDeb})
	for range 2 {
		lib, preload, err := s.xgboost(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if readFile(t, lib) != "trees" || len(preload) != 1 || readFile(t, preload[0]) != "streams" {
			t.Errorf("library %s, to be opened before it %v", lib, preload)
		}
	}
	if got := strings.Join(run.ran, "\n"); strings.Count(got, "apt-get update") != 1 || strings.Count(got, "apt-get download") != 2 {
		t.Errorf("ran:\n%s", got)
	}
	mustContain(t, out.String(), "refreshing the package index", "libxgboost0_9.9-1_amd64 is not a pinned version", "which is not the measured 1.7.4")
	if !strings.Contains(run.ran[0], "libgomp1") {
		t.Errorf("without the system's libgomp, its package is downloaded too: %s", run.ran[0])
	}
}

func TestXGBoostDamagedInTheCacheIsFetchedAgain(t *testing.T) {
	t.Parallel()
	s, run, _ := newTestSetup(t, map[string]func(command) error{"apt-get": aptGet(true), "dpkg-deb": dpkgDeb})
	lib, _, err := s.xgboost(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, lib, "trees, felled")
	if lib, _, err = s.xgboost(t.Context()); err != nil || readFile(t, lib) != "trees" {
		t.Errorf("library holds %q, error %v", readFile(t, lib), err)
	}
	if got := strings.Count(strings.Join(run.ran, "\n"), "apt-get download"); got != 2 {
		t.Errorf("downloaded %d times, want 2", got)
	}
}

func TestXGBoostOfThePinnedVersionIsVerified(t *testing.T) {
	t.Parallel()
	s, _, _ := newTestSetup(t, map[string]func(command) error{
		"apt-get":  func(c command) error { return os.WriteFile(filepath.Join(c.dir, debianXGBoost), nil, 0o644) },
		"dpkg-deb": dpkgDeb,
	})
	_, _, err := s.xgboost(t.Context())
	if err == nil {
		t.Fatal("a library with another digest was taken for the pinned one")
	}
	mustContain(t, err.Error(), debianXGBoost, "not the pinned 0b38d85620f7")
}

func TestXGBoostOfTheSystemComesFirst(t *testing.T) {
	t.Parallel()
	s, run, out := newTestSetup(t, nil)
	want := filepath.Join(s.libDirs[0], "libxgboost.so.0")
	writeFile(t, want, "trees")
	lib, preload, err := s.xgboost(t.Context())
	if err != nil || lib != want || len(preload) != 0 || len(run.ran) != 0 {
		t.Errorf("library %s, preload %v, ran %v, error %v", lib, preload, run.ran, err)
	}
	mustContain(t, out.String(), "the system's", "not the measured 1.7.4")
}

func TestSetupWaitsForAnother(t *testing.T) {
	t.Parallel()
	s, _, out := newTestSetup(t, nil)
	held, err := tryLock(filepath.Join(s.CacheDir, "setup.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = held.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { _, err := s.all(ctx); done <- err }()
	eventually(t, "waiting line", func() bool { return strings.Contains(out.String(), "waiting for another set-up") })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want a cancellation", err)
	}
}

func TestLeftoversOfAKilledSetupAreRemoved(t *testing.T) {
	t.Parallel()
	s, _, _ := newTestSetup(t, nil)
	writeFile(t, filepath.Join(s.CacheDir, ".fetch-123", "libchdb.so"), "half")
	writeFile(t, filepath.Join(s.CacheDir, "bin", ".build-4", "temporal"), "half")
	writeFile(t, filepath.Join(s.CacheDir, "bin", "abc", "temporal"), "whole")
	if err := s.removeLeftovers(); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(s.CacheDir, "*", ".build-*"))
	if err != nil || len(left) != 0 || exists(filepath.Join(s.CacheDir, ".fetch-123")) || !exists(filepath.Join(s.CacheDir, "bin", "abc")) {
		t.Errorf("left %v, error %v", left, err)
	}
}

func TestDefaultCacheDir(t *testing.T) {
	t.Parallel()
	tests := []struct{ cache, home, want string }{
		{"/big/cache", "/home/anna", "/big/cache"},
		{"", "/home/anna", "/home/anna/.cache/puenktlich"},
		{"", "", ""},
	}
	for _, tt := range tests {
		env := map[string]string{SettingCacheDir: tt.cache, "HOME": tt.home}
		got, err := DefaultCacheDir(func(name string) string { return env[name] })
		if got != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("%+v: %q, %v", tt, got, err)
		}
	}
}
