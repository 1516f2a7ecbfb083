package localstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// chdbFreeBytes covers the npm package (178 MB), the unpacked library (566 MB)
// and some room.
const chdbFreeBytes = 900 * mebibyte

// chdbPin is one platform's npm package and the digest of libchdb.so inside it.
type chdbPin struct{ npmPackage, sha256 string }

var chdbPins = map[platform]chdbPin{
	{"linux", "amd64"}: {
		npmPackage: "@chdb/lib-linux-x64-gnu@26.7.3-stable.1",
		sha256:     "36ad4e999882821ef13cf2d0f52c93f48e6ee1b4498b35a201c23ce4b8d15bf5",
	},
}

// chdb returns the ClickHouse engine library: the configured one, else the
// pinned one, obtained through npm where the cache lacks it.
func (s *setup) chdb(ctx context.Context) (string, error) {
	name := "libchdb " + ChDBVersion
	if s.LibChDB != "" {
		return s.configured("libchdb", s.LibChDB, SettingLibChDB)
	}
	pin, ok := chdbPins[s.platform]
	if !ok {
		return "", fmt.Errorf("%s: no digest is pinned for %s yet: set %s to the path of that library", name, s.platform, SettingLibChDB)
	}
	path := filepath.Join(s.CacheDir, "lib", "libchdb-"+ChDBVersion+".so")
	return path, s.ensure(ctx, artifact{
		name:   name,
		path:   path,
		sha256: pin.sha256,
		needs:  chdbFreeBytes,
		fetch:  func(ctx context.Context, dir string) (string, error) { return s.npmLibrary(ctx, dir, pin.npmPackage) },
	})
}

// npmLibrary packs the npm package into dir and takes libchdb.so out of it.
func (s *setup) npmLibrary(ctx context.Context, dir, npmPackage string) (string, error) {
	npm, err := s.run.look("npm")
	if errors.Is(err, errNoProgram) {
		return "", fmt.Errorf("npm is not installed: install npm (Debian: apt-get install npm), or set %s to the path of libchdb %s", SettingLibChDB, ChDBVersion)
	}
	if err != nil {
		return "", err
	}
	s.out.Printf("libchdb %s: obtaining through npm (178 MB, 566 MB unpacked)…", ChDBVersion)
	// npm looks for a project upwards from its directory; --prefix keeps it here.
	if _, err := s.run.run(ctx, command{dir: dir, name: npm, args: []string{"pack", "--silent", "--prefix", dir, "--pack-destination", dir, npmPackage}}); err != nil {
		return "", err
	}
	archive, err := single(dir, "*.tgz")
	if err != nil {
		return "", err
	}
	lib := filepath.Join(dir, "libchdb.so")
	if err := untarOne(archive, "package/libchdb.so", lib); err != nil {
		return "", err
	}
	return lib, os.Remove(archive)
}

// single returns the one file in dir that matches the pattern.
func single(dir, pattern string) (string, error) {
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", fmt.Errorf("%d files match %s after the download, expected 1", len(found), pattern)
	}
	return found[0], nil
}
