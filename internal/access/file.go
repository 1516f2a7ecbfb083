package access

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"puenktlich/internal/atomicfile"
)

// File is a Store of the one document of keys in a file of this machine, for an
// instance without an object store. Its NotFound is fs.ErrNotExist. Writers exclude
// each other by a lock beside the file.
type File struct{ Path string }

// errAltered: the file is not the one that was read.
var errAltered = errors.New("the file was changed in between")

// Get reads the file, whatever the key's name is; the etag is its hash.
func (f File) Get(context.Context, string) (body []byte, etag string, err error) {
	if body, err = os.ReadFile(f.Path); err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256(body)
	return body, hex.EncodeToString(sum[:]), nil
}

// PutIfAbsent writes the file where there is none.
func (f File) PutIfAbsent(ctx context.Context, key string, body []byte) error {
	_, err := f.put(ctx, key, body, "")
	return err
}

// PutIfMatch replaces the file that was read under etag.
func (f File) PutIfMatch(ctx context.Context, key string, body []byte, etag string) (string, error) {
	return f.put(ctx, key, body, etag)
}

func (f File) put(ctx context.Context, key string, body []byte, etag string) (string, error) {
	lock, err := os.OpenFile(f.Path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", fmt.Errorf("lock keys: %w", err)
	}
	defer lock.Close() // and so unlock
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("lock keys: %w", err)
	}
	_, present, err := f.Get(ctx, key)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if present != etag {
		return "", fmt.Errorf("write %s: %w", f.Path, errAltered)
	}
	if err := atomicfile.Write(f.Path, 0o600, body); err != nil {
		return "", fmt.Errorf("write keys: %w", err)
	}
	_, etag, err = f.Get(ctx, key)
	return etag, err
}
