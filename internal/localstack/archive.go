package localstack

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// untarOne copies the named member of a gzipped tar archive to dst.
func untarOne(archive, member, dst string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	gz, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("%s: %w", archive, err)
	}
	for tr := tar.NewReader(gz); ; {
		header, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%s: holds no %s", archive, member)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", archive, err)
		}
		if path.Clean(header.Name) == member {
			return writeFrom(dst, tr)
		}
	}
}

// unzipUnder copies the files below the given folders of a zip archive to dir,
// keeping their paths.
func unzipUnder(archive, dir string, folders ...string) error {
	zr, err := zip.OpenReader(archive)
	if err != nil {
		return fmt.Errorf("%s: %w", archive, err)
	}
	defer func() { _ = zr.Close() }()
	for _, member := range zr.File {
		if member.FileInfo().IsDir() || !underAny(member.Name, folders) {
			continue
		}
		if err := unzipOne(member, dir); err != nil {
			return fmt.Errorf("%s: %s: %w", archive, member.Name, err)
		}
	}
	return nil
}

func underAny(name string, folders []string) bool {
	for _, folder := range folders {
		if filepath.IsLocal(name) && strings.HasPrefix(name, folder+"/") {
			return true
		}
	}
	return false
}

func unzipOne(member *zip.File, dir string) error {
	r, err := member.Open()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	dst := filepath.Join(dir, filepath.FromSlash(member.Name))
	if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
		return err
	}
	return writeFrom(dst, r)
}

func writeFrom(dst string, r io.Reader) error {
	f, err := os.OpenFile(dst, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, r); err != nil {
		_ = f.Close()
		return fmt.Errorf("write %s: %w", dst, err)
	}
	return f.Close()
}
