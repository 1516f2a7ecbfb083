package modelpkg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"puenktlich/schemas"
)

// ObjectStore is where packages are kept: prefix/path for each file.
type ObjectStore interface {
	// PutIfAbsent writes an object, or fails where there is one.
	PutIfAbsent(ctx context.Context, key string, body []byte) error
	// GetUpTo reads an object of at most maxBytes; of a larger one it reads
	// nothing that it can help.
	GetUpTo(ctx context.Context, key string, maxBytes int64) (body []byte, etag string, err error)
}

// ErrDifferent says that another package lies under the same prefix.
var ErrDifferent = errors.New("other content is stored under this key")

// Upload stores the package in dir, which must hold and be signed, below
// prefix, and answers its digest. The manifest goes last, so a package without one does not exist.
// Uploading the same package again is no error, also where its signature was
// made anew: the stored one stays.
func Upload(ctx context.Context, store ObjectStore, dir, prefix string) (digest string, err error) {
	m, digest, err := verify(dir, nil)
	if err != nil {
		return "", err
	}
	signature, err := readSignature(dir)
	if err != nil {
		return "", fmt.Errorf("upload package %s: %w", m, err)
	}
	for _, f := range m.Files {
		body, err := readListed(dir, m, f.Path)
		if err != nil {
			return "", fmt.Errorf("upload package %s: %w", m, err)
		}
		if err := put(ctx, store, prefix+"/"+f.Path, body, bytes.Equal); err != nil {
			return "", err
		}
	}
	if err := put(ctx, store, prefix+"/"+SignatureFile, signature, sameStatement); err != nil {
		return "", err
	}
	manifest, err := readLimited(dir, ManifestFile)
	if err != nil {
		return "", fmt.Errorf("upload package %s: %w", m, err)
	}
	if digestOf(manifest) != digest {
		return "", &IntegrityError{ManifestFile, "changed while it was uploaded"}
	}
	return digest, put(ctx, store, prefix+"/"+ManifestFile, manifest, bytes.Equal)
}

// put writes once. Whatever the store answers, what it then holds decides.
func put(ctx context.Context, store ObjectStore, key string, body []byte, same func(a, b []byte) bool) error {
	failed := store.PutIfAbsent(ctx, key, body)
	if failed == nil {
		return nil
	}
	stored, _, err := store.GetUpTo(ctx, key, max(int64(len(body)), maxDocumentBytes))
	if errors.Is(err, schemas.ErrObjectTooLarge) {
		return fmt.Errorf("upload %s: %w", key, ErrDifferent)
	}
	if err != nil {
		return fmt.Errorf("upload %s: %w", key, errors.Join(failed, err))
	}
	if !same(stored, body) {
		return fmt.Errorf("upload %s: %w", key, ErrDifferent)
	}
	return nil
}

// sameStatement says whether two signatures are about the same files.
func sameStatement(a, b []byte) bool {
	left, errLeft := signedPayload(a)
	right, errRight := signedPayload(b)
	return errLeft == nil && errRight == nil && bytes.Equal(left, right)
}

var hexDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Download brings the package with this digest from below prefix to
// cacheDir/digest, whole or not at all, and answers that directory. One that
// is there already and holds is used; one that does not hold is replaced. No
// object larger than the manifest says, or than a manifest may be, is read. The
// signature is Load's to check.
func Download(ctx context.Context, store ObjectStore, prefix, digest, cacheDir string) (dir string, err error) {
	if !hexDigest.MatchString(digest) {
		return "", fmt.Errorf("download package %s: digest %q is not a SHA-256 in hexadecimal", prefix, digest)
	}
	dir = filepath.Join(cacheDir, digest)
	if held(dir, digest) {
		return dir, nil
	}
	if err := os.MkdirAll(cacheDir, 0o755); err != nil {
		return "", fmt.Errorf("download package %s: %w", prefix, err)
	}
	temporary, err := os.MkdirTemp(cacheDir, ".download-*")
	if err != nil {
		return "", fmt.Errorf("download package %s: %w", prefix, err)
	}
	defer os.RemoveAll(temporary)
	if err := fetch(ctx, store, prefix, digest, temporary); err != nil {
		return "", fmt.Errorf("download package %s: %w", prefix, err)
	}
	return dir, install(temporary, dir, digest)
}

// held says whether dir is the whole package, with a signature of some kind.
func held(dir, digest string) bool {
	if _, got, err := verify(dir, nil); err != nil || got != digest {
		return false
	}
	signature, err := readSignature(dir)
	if err != nil {
		return false
	}
	_, err = signedPayload(signature)
	return err == nil
}

// fetch writes manifest, files and signature into dir, each verified.
func fetch(ctx context.Context, store ObjectStore, prefix, digest, dir string) error {
	manifest, err := fetchFile(ctx, store, prefix, ManifestFile, maxDocumentBytes)
	if err != nil {
		return err
	}
	if got := digestOf(manifest); got != digest {
		return &IntegrityError{ManifestFile, fmt.Sprintf("has the SHA-256 %s, the package asked for is %s", got, digest)}
	}
	m, err := parseManifest(manifest)
	if err != nil {
		return err
	}
	for _, f := range m.Files {
		body, err := fetchFile(ctx, store, prefix, f.Path, f.SizeBytes)
		if err != nil {
			return err
		}
		if err := f.compare(int64(len(body)), digestOf(body)); err != nil {
			return err
		}
		if err := writeFile(dir, f.Path, body); err != nil {
			return err
		}
	}
	signature, err := fetchFile(ctx, store, prefix, SignatureFile, maxDocumentBytes)
	if err != nil {
		return err
	}
	if err := writeFile(dir, SignatureFile, signature); err != nil {
		return err
	}
	return writeFile(dir, ManifestFile, manifest)
}

// fetchFile tells a package that is damaged, which no retry mends, from a store
// that is away.
func fetchFile(ctx context.Context, store ObjectStore, prefix, path string, maxBytes int64) ([]byte, error) {
	body, _, err := store.GetUpTo(ctx, prefix+"/"+path, maxBytes)
	switch {
	case errors.Is(err, schemas.ErrObjectTooLarge):
		return nil, &IntegrityError{path, fmt.Sprintf("below %s is larger than the %d bytes it may have", prefix, maxBytes)}
	case errors.Is(err, schemas.ErrObjectMissing) && path == SignatureFile:
		return nil, errUnsigned()
	case errors.Is(err, schemas.ErrObjectMissing) && path != ManifestFile: // without one there is no package yet
		return nil, &IntegrityError{path, "is missing below " + prefix}
	case errors.Is(err, schemas.ErrObjectCorrupt):
		return nil, &IntegrityError{path, "is not what was stored: " + err.Error()}
	}
	return body, err
}

// install renames, which is atomic. Where somebody else was quicker, theirs
// stays; what does not hold gives way.
func install(temporary, dir, digest string) error {
	if err := os.Chmod(temporary, 0o755); err != nil {
		return err
	}
	if os.Rename(temporary, dir) == nil || held(dir, digest) {
		return nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("replace damaged package: %w", err)
	}
	return os.Rename(temporary, dir)
}
