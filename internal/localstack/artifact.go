package localstack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"puenktlich/internal/atomicfile"
)

// artifact is one file in the cache, identified by its digest.
type artifact struct {
	name   string // as progress lines call it: "libchdb 26.7.3"
	path   string // where it lies in the cache
	sha256 string // lower-case hexadecimal
	needs  uint64 // bytes of free space its fetching takes at most
	// fetch obtains the file into dir, an empty directory on the cache's file
	// system that is removed afterwards, and returns its path there.
	fetch func(ctx context.Context, dir string) (string, error)
}

// stamp remembers that a file of this size and time had this digest, so that
// hundreds of megabytes are not read at every start.
type stamp struct {
	SizeBytes   int64  `json:"size_bytes"`
	ModUnixNano int64  `json:"mod_unix_nano"`
	SHA256      string `json:"sha256"`
}

// ensure makes sure that the artifact lies at its path with its digest. A file
// with another digest is fetched again.
func (s *setup) ensure(ctx context.Context, a artifact) error {
	ok, found, err := verified(a.path, a.sha256)
	if err != nil {
		return fmt.Errorf("%s: %w", a.name, err)
	}
	if ok {
		s.out.Printf("%s: present", a.name)
		return nil
	}
	if found != "" {
		s.out.Printf("%s: %s has sha256 %.12s…, not the pinned %.12s…: fetching it again", a.name, a.path, found, a.sha256)
	}
	if err := checkFree(s.CacheDir, a.needs); err != nil {
		return fmt.Errorf("%s: %w; or set %s to a directory on another disk", a.name, err, SettingCacheDir)
	}
	return s.fetch(ctx, a)
}

func (s *setup) fetch(ctx context.Context, a artifact) error {
	dir, err := os.MkdirTemp(s.CacheDir, ".fetch-")
	if err != nil {
		return fmt.Errorf("%s: %w", a.name, err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	got, err := a.fetch(ctx, dir)
	if err != nil {
		return fmt.Errorf("%s: %w", a.name, err)
	}
	sum, err := fileSHA256(got)
	if err != nil {
		return fmt.Errorf("%s: %w", a.name, err)
	}
	if sum != a.sha256 {
		return fmt.Errorf("%s: what was fetched has sha256 %s, not the pinned %s; nothing was kept: try again, and do not use it if this repeats", a.name, sum, a.sha256)
	}
	if err := os.MkdirAll(filepath.Dir(a.path), 0o755); err != nil {
		return fmt.Errorf("%s: %w", a.name, err)
	}
	if err := os.Rename(got, a.path); err != nil {
		return fmt.Errorf("%s: %w", a.name, err)
	}
	s.out.Printf("%s: ready, sha256 verified", a.name)
	return writeStamp(a.path, sum)
}

// verified reports whether the file at path has the digest; found is the digest
// of a file that has another, empty when there is no file.
func verified(path, want string) (ok bool, found string, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, "", nil
	}
	if err != nil {
		return false, "", err
	}
	if st, err := readStamp(path); err == nil && st == (stamp{info.Size(), info.ModTime().UnixNano(), want}) {
		return true, want, nil
	}
	sum, err := fileSHA256(path)
	if err != nil {
		return false, "", err
	}
	if sum != want {
		return false, sum, nil
	}
	return true, sum, writeStamp(path, sum)
}

func stampPath(path string) string { return path + ".stamp" }

func readStamp(path string) (stamp, error) {
	var st stamp
	raw, err := os.ReadFile(stampPath(path))
	if err != nil {
		return st, err
	}
	return st, json.Unmarshal(raw, &st)
}

func writeStamp(path, sum string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("stamp: %w", err)
	}
	raw, err := json.Marshal(stamp{info.Size(), info.ModTime().UnixNano(), sum})
	if err != nil {
		return fmt.Errorf("stamp %s: %w", path, err)
	}
	return atomicfile.Write(stampPath(path), 0o644, raw)
}

func fileSHA256(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("hash %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
