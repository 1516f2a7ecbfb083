// Package atomicfile replaces files in one step and durably: whoever reads one sees the
// whole old content or the whole new one, also after the machine lost its power.
package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Write makes body the content of the file at path, with these permissions, and makes
// its directory where there is none.
func Write(path string, mode os.FileMode, body []byte) error {
	return WriteFunc(path, mode, func(w io.Writer) error {
		_, err := w.Write(body)
		return err
	})
}

// WriteFunc is Write of what the function writes. Its error is answered as it is; that
// and every other error before the file is in place leaves the old one as it was, and
// nothing beside it. An error about the directory comes after: then the new content is
// there, but may not outlive a loss of power.
func WriteFunc(path string, mode os.FileMode, write func(io.Writer) error) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return replaceError(path, err)
	}
	temp, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*") // there, so that renaming is one step
	if err != nil {
		return replaceError(path, err)
	}
	defer func() {
		_ = temp.Close()           // twice where all went well
		_ = os.Remove(temp.Name()) // it has another name by then
	}()
	if err := write(temp); err != nil {
		return err
	}
	if err := errors.Join(temp.Chmod(mode), temp.Sync(), temp.Close()); err != nil {
		return replaceError(path, err)
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return replaceError(path, err)
	}
	return replaceError(path, syncDir(dir))
}

// syncDir keeps the names in a directory over a loss of power.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// replaceError is nil for nil.
func replaceError(path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("replace %s: %w", path, err)
}
