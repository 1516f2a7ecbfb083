package modelpkg

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// IntegrityError says which file of a package is not what it should be. No
// retry can mend it.
type IntegrityError struct {
	File   string // path in the package
	Reason string // continues a sentence that begins with File
}

// Error is a sentence.
func (e *IntegrityError) Error() string { return fmt.Sprintf("package file %q %s", e.File, e.Reason) }

// Verify checks that dir holds the files its manifest lists, with their sizes
// and hashes, and no other, and that one of the keys signed them. Without keys
// the signature is not looked at. What does not hold is an *IntegrityError;
// other errors are of reading.
func Verify(dir string, keys ...PublicKey) error {
	_, _, err := verify(dir, keys)
	return err
}

// verify answers the manifest and its digest too.
func verify(dir string, keys []PublicKey) (Manifest, string, error) {
	m, digest, err := verifyFiles(dir)
	if err == nil && len(keys) > 0 {
		err = verifySignature(dir, m, digest, keys)
	}
	if err != nil {
		return Manifest{}, "", fmt.Errorf("verify package %s: %w", dir, err)
	}
	return m, digest, nil
}

func readSignature(dir string) ([]byte, error) {
	body, err := readLimited(dir, SignatureFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errUnsigned()
	}
	return body, err
}

func errUnsigned() error {
	return &IntegrityError{SignatureFile, "is missing: the package is not signed"}
}

func verifySignature(dir string, m Manifest, digest string, keys []PublicKey) error {
	body, err := readSignature(dir)
	if err != nil {
		return err
	}
	if err := checkSignature(body, m, digest, keys); err != nil {
		return &IntegrityError{SignatureFile, err.Error()}
	}
	return nil
}

// verifyFiles checks everything but the signature.
func verifyFiles(dir string) (Manifest, string, error) {
	body, err := readLimited(dir, ManifestFile)
	if errors.Is(err, fs.ErrNotExist) {
		return Manifest{}, "", &IntegrityError{ManifestFile, "is missing: this is no package, or half of one"}
	}
	if err != nil {
		return Manifest{}, "", err
	}
	m, err := parseManifest(body)
	if err != nil {
		return Manifest{}, "", err
	}
	if err := checkListed(dir, m); err != nil {
		return Manifest{}, "", err
	}
	for _, f := range m.Files {
		if err := checkFile(dir, f); err != nil {
			return Manifest{}, "", err
		}
	}
	return m, digestOf(body), nil
}

// checkListed refuses files that the manifest does not know, and everything
// that is neither file nor directory, such as a link.
func checkListed(dir string, m Manifest) error {
	return fs.WalkDir(os.DirFS(dir), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if !entry.Type().IsRegular() {
			return &IntegrityError{path, "is no plain file: links and devices are refused"}
		}
		if _, listed := m.file(path); !listed && path != ManifestFile && path != SignatureFile {
			return &IntegrityError{path, "is not listed in " + ManifestFile + ": remove it"}
		}
		return nil
	})
}

// checkFile compares size and hash without holding the file in memory.
func checkFile(dir string, f File) error {
	file, err := openPlain(dir, f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return &IntegrityError{f.Path, "is missing"}
	}
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, io.LimitReader(file, f.SizeBytes+1))
	if err != nil {
		return fmt.Errorf("read %s: %w", f.Path, err)
	}
	return f.compare(n, hex.EncodeToString(sum.Sum(nil)))
}

func (f File) compare(sizeBytes int64, digest string) error {
	if sizeBytes != f.SizeBytes {
		return &IntegrityError{f.Path, fmt.Sprintf("has not the %d bytes of the manifest", f.SizeBytes)}
	}
	if digest != f.SHA256 {
		return &IntegrityError{f.Path, fmt.Sprintf("has the SHA-256 %s, the manifest says %s", digest, f.SHA256)}
	}
	return nil
}

// readListed reads a file into memory and compares that very content, so that
// what is used is what was verified.
func readListed(dir string, m Manifest, path string) ([]byte, error) {
	f, listed := m.file(path)
	if !listed {
		return nil, &IntegrityError{path, "is missing in " + ManifestFile}
	}
	file, err := openPlain(dir, path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	body, err := io.ReadAll(io.LimitReader(file, f.SizeBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return body, f.compare(int64(len(body)), digestOf(body))
}

// readLimited reads the manifest or the signature.
func readLimited(dir, path string) ([]byte, error) {
	file, err := openPlain(dir, path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	body, err := io.ReadAll(io.LimitReader(file, maxDocumentBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(body) > maxDocumentBytes {
		return nil, &IntegrityError{path, fmt.Sprintf("is longer than %d bytes", maxDocumentBytes)}
	}
	return body, nil
}

// openPlain opens a plain file below dir; a root keeps a link that was put
// there meanwhile from leading out of it.
func openPlain(dir, path string) (*os.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &IntegrityError{path, "is no plain file: links and devices are refused"}
	}
	return root.Open(path)
}

// Digest is that of the package in dir, whose files must hold.
func Digest(dir string) (string, error) {
	_, digest, err := verify(dir, nil)
	return digest, err
}
