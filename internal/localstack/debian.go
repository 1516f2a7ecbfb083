package localstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// debianFreeBytes covers the unpacked packages many times over.
const debianFreeBytes = 64 * mebibyte

// debianDir is the root below which Debian's packages are unpacked.
func (s *setup) debianDir() string {
	return filepath.Join(s.CacheDir, "lib", "xgboost-"+XGBoostVersion)
}

// libraryIn returns the library of that file name in an unpacked package,
// empty if absent.
func libraryIn(root, file string) string {
	found, _ := filepath.Glob(filepath.Join(root, "usr", "lib", "*-linux-gnu", file))
	if len(found) == 0 {
		return ""
	}
	return found[0]
}

// cachedDebian returns the library unpacked earlier, empty if there is none or
// if it is not the file that was unpacked then.
func (s *setup) cachedDebian() string {
	lib := libraryIn(s.debianDir(), "libxgboost.so.0")
	if lib == "" {
		return ""
	}
	want := debianPins[debianXGBoost].sha256
	if st, err := readStamp(lib); err == nil {
		want = st.SHA256
	}
	if ok, _, err := verified(lib, want); err != nil || !ok {
		s.out.Printf("libxgboost %s: %s was changed since it was unpacked: fetching it again", XGBoostVersion, lib)
		return ""
	}
	return lib
}

// xgboostDebian downloads libxgboost0 and what it needs, unpacks them into the
// cache without installing anything, and returns the library.
func (s *setup) xgboostDebian(ctx context.Context) (string, error) {
	apt, err := s.run.look("apt-get")
	if err != nil {
		return "", err
	}
	if err := checkFree(s.CacheDir, debianFreeBytes); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(s.CacheDir, ".fetch-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s.out.Printf("libxgboost %s: obtaining Debian's libxgboost0…", XGBoostVersion)
	if err := s.aptDownload(ctx, apt, dir); err != nil {
		return "", err
	}
	return s.unpackDebian(ctx, dir)
}

// aptDownload downloads into dir, with one refresh of the package index when it
// does not know the packages, as in a fresh container.
func (s *setup) aptDownload(ctx context.Context, apt, dir string) error {
	packages := []string{"libxgboost0", "libdmlc0"}
	if s.systemLibrary("libgomp.so.1") == "" {
		packages = append(packages, "libgomp1")
	}
	download := command{dir: dir, name: apt, args: append([]string{"download", "-qq"}, packages...)}
	_, err := s.run.run(ctx, download)
	if err == nil || ctx.Err() != nil {
		return err
	}
	s.out.Printf("libxgboost %s: refreshing the package index…", XGBoostVersion)
	if _, updateErr := s.run.run(ctx, command{dir: dir, name: apt, args: []string{"update", "-qq"}}); updateErr != nil {
		return errors.Join(err, updateErr)
	}
	_, err = s.run.run(ctx, download)
	return err
}

// unpackDebian unpacks every package in dir, verifies the libraries of pinned
// versions and moves the tree into the cache, whole or not at all.
func (s *setup) unpackDebian(ctx context.Context, dir string) (string, error) {
	packages, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil {
		return "", err
	}
	tree := filepath.Join(dir, "tree")
	for _, deb := range packages {
		if _, err := s.run.run(ctx, command{dir: dir, name: "dpkg-deb", args: []string{"-x", deb, tree}}); err != nil {
			return "", err
		}
		if err := s.verifyDebian(filepath.Base(deb), tree); err != nil {
			return "", err
		}
	}
	lib := libraryIn(tree, "libxgboost.so.0")
	if lib == "" {
		return "", fmt.Errorf("%d packages of apt-get hold no libxgboost.so.0", len(packages))
	}
	sum, err := fileSHA256(lib)
	root := s.debianDir()
	err = errors.Join(err, os.RemoveAll(root), os.MkdirAll(filepath.Dir(root), 0o755), os.Rename(tree, root))
	if err != nil {
		return "", err
	}
	lib = libraryIn(root, "libxgboost.so.0")
	return lib, writeStamp(lib, sum)
}

// verifyDebian checks the library of a pinned package. Another version cannot be
// checked here; apt-get has verified its signature chain, and the line says so.
func (s *setup) verifyDebian(deb, tree string) error {
	pin, ok := debianPins[deb]
	if !ok {
		s.out.Printf("libxgboost: %s is not a pinned version; verified by apt-get alone", strings.TrimSuffix(deb, ".deb"))
		return nil
	}
	sum, err := fileSHA256(libraryIn(tree, pin.file))
	if err != nil {
		return fmt.Errorf("%s: %w", deb, err)
	}
	if sum != pin.sha256 {
		return fmt.Errorf("%s: %s has sha256 %s, not the pinned %s", deb, pin.file, sum, pin.sha256)
	}
	return nil
}
