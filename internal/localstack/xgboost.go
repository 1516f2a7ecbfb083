package localstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// libraryPin is a library's file name and digest.
type libraryPin struct{ file, sha256 string }

// Debian 12's packages for amd64, the ones the evaluator was measured with.
// libdmlc is what libxgboost needs beside the usual system libraries.
const (
	debianXGBoost = "libxgboost0_1.7.4-1_amd64.deb"
	debianDMLC    = "libdmlc0_0.5-1_amd64.deb"
)

var debianPins = map[string]libraryPin{
	debianXGBoost: {"libxgboost.so.0", "0b38d85620f7e04a16c2f048ecea11ceb30b05776eb6d4e8a09b0a4864b7b4de"},
	debianDMLC:    {"libdmlc.so.0", "894983b5c5c6afc6ab71ee15441f8bafc84dcefbd6382bf7102dbad5f06b7d45"},
}

// wheelPins are the digests of libxgboost.so in the Python wheel.
var wheelPins = map[platform]string{
	{"linux", "amd64"}: "308f73b900bdfdd710f351b3d3a3b489cc7adb6ca4c813c41cd618d2ade9ded1",
}

// systemLibraryDirs are the directories of the loader's default configuration
// on Debian, Red Hat and their kin.
func systemLibraryDirs(arch string) []string {
	multiarch := map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[arch]
	dirs := []string{"/usr/local/lib", "/usr/lib64", "/usr/lib"}
	if multiarch == "" {
		return dirs
	}
	return append([]string{filepath.Join("/usr/lib", multiarch), filepath.Join("/lib", multiarch)}, dirs...)
}

// xgboost returns the XGBoost library and what must be opened before it: the
// configured one, else the system's, else Debian's package, else the Python
// wheel's, the latter two unpacked into the cache.
func (s *setup) xgboost(ctx context.Context) (lib string, preload []string, err error) {
	if s.LibXGBoost != "" {
		lib, err = s.configured("libxgboost", s.LibXGBoost, SettingLibXGBoost)
		return lib, siblings(lib), err
	}
	if lib = s.systemLibrary("libxgboost.so.0"); lib != "" {
		return lib, nil, s.sayXGBoost(lib, "the system's")
	}
	if lib = s.cachedDebian(); lib != "" {
		return lib, siblings(lib), s.sayXGBoost(lib, "present")
	}
	if exists(s.wheelLibrary()) {
		return s.xgboostWheel(ctx)
	}
	return s.obtainXGBoost(ctx)
}

// obtainXGBoost tries Debian's package, then the wheel.
func (s *setup) obtainXGBoost(ctx context.Context) (lib string, preload []string, err error) {
	lib, debErr := s.xgboostDebian(ctx)
	if debErr == nil {
		return lib, siblings(lib), s.sayXGBoost(lib, "ready")
	}
	if ctx.Err() != nil {
		return "", nil, fmt.Errorf("libxgboost: %w", debErr)
	}
	s.out.Printf("libxgboost %s: not from Debian's package (%s)", XGBoostVersion, firstLine(debErr))
	lib, preload, err = s.xgboostWheel(ctx)
	if err != nil {
		return "", nil, fmt.Errorf("libxgboost: neither Debian's package nor the Python wheel could be had: install libxgboost0 or pip, or set %s\n  %w\n  %w", SettingLibXGBoost, debErr, err)
	}
	return lib, preload, nil
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// systemLibrary returns the path of an installed library, empty if absent.
func (s *setup) systemLibrary(file string) string {
	for _, dir := range s.libDirs {
		if path := filepath.Join(dir, file); exists(path) {
			return path
		}
	}
	return ""
}

// siblings are the libraries beside lib that must be opened before it: an
// unpacked package lies where the system's loader does not look.
func siblings(lib string) []string {
	var found []string
	for _, file := range []string{"libgomp.so.1", "libdmlc.so.0"} {
		if path := filepath.Join(filepath.Dir(lib), file); lib != "" && exists(path) {
			found = append(found, path)
		}
	}
	return found
}

// sayXGBoost prints what was found: the measured library, or another one.
func (s *setup) sayXGBoost(lib, how string) error {
	real, err := filepath.EvalSymlinks(lib)
	if err != nil {
		return fmt.Errorf("libxgboost: %w", err)
	}
	sum, err := fileSHA256(real)
	if err != nil {
		return fmt.Errorf("libxgboost: %w", err)
	}
	if sum == debianPins[debianXGBoost].sha256 {
		s.out.Printf("libxgboost %s: %s", XGBoostVersion, how)
		return nil
	}
	s.out.Printf("libxgboost: %s, %s with sha256 %.12s…, which is not the measured %s of Debian 12", how, real, sum, XGBoostVersion)
	return nil
}

// xgboostWheel returns the library out of the pinned Python wheel. Its run path
// finds the OpenMP library it brings, so nothing is to be opened before it.
func (s *setup) xgboostWheel(ctx context.Context) (string, []string, error) {
	sum, ok := wheelPins[s.platform]
	if !ok {
		return "", nil, fmt.Errorf("wheel %s: no digest is pinned for %s yet: set %s", XGBoostWheelVersion, s.platform, SettingLibXGBoost)
	}
	path := s.wheelLibrary()
	return path, nil, s.ensure(ctx, artifact{
		name:   "libxgboost " + XGBoostWheelVersion + " (Python wheel)",
		path:   path,
		sha256: sum,
		needs:  700 * mebibyte,
		fetch:  s.unpackWheel,
	})
}

func (s *setup) wheelLibrary() string {
	return filepath.Join(s.CacheDir, "lib", "xgboost-wheel-"+XGBoostWheelVersion, "xgboost", "lib", "libxgboost.so")
}

// unpackWheel downloads the wheel into dir, puts the OpenMP library it brings
// into its place in the cache and returns the library's path in dir.
func (s *setup) unpackWheel(ctx context.Context, dir string) (string, error) {
	pip, args, err := s.pip()
	if err != nil {
		return "", err
	}
	s.out.Printf("libxgboost %s: obtaining the Python wheel through pip (200 MB)…", XGBoostWheelVersion)
	args = append(args, "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:", "--dest", dir, "xgboost=="+XGBoostWheelVersion)
	if _, err := s.run.run(ctx, command{dir: dir, name: pip, args: args}); err != nil {
		return "", err
	}
	wheel, err := single(dir, "*.whl")
	if err != nil {
		return "", err
	}
	if err := unzipUnder(wheel, dir, "xgboost/lib", "xgboost.libs"); err != nil {
		return "", err
	}
	home := filepath.Dir(filepath.Dir(filepath.Dir(s.wheelLibrary())))
	libs := filepath.Join(home, "xgboost.libs")
	if err := errors.Join(os.MkdirAll(home, 0o755), os.RemoveAll(libs), os.Rename(filepath.Join(dir, "xgboost.libs"), libs)); err != nil {
		return "", err
	}
	return filepath.Join(dir, "xgboost", "lib", "libxgboost.so"), nil
}

// pip returns the program and first arguments that run pip.
func (s *setup) pip() (string, []string, error) {
	for _, name := range []string{"pip3", "pip"} {
		if path, err := s.run.look(name); err == nil {
			return path, nil, nil
		}
	}
	if path, err := s.run.look("python3"); err == nil {
		return path, []string{"-m", "pip"}, nil
	}
	return "", nil, fmt.Errorf("neither pip nor python3 is installed: %w", errNoProgram)
}
