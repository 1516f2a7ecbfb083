package modelpkg

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// DataDir is where an archive with all data keeps it, beside the package.
const DataDir = "data"

// Limits of what is unpacked.
const (
	// MaxArchiveBytes bounds an archive without data once it is unpacked.
	MaxArchiveBytes = maxPackageBytes + maxFiles*headerBytes
	headerBytes     = 2048 // of a tar entry, with its padding
	maxArchiveFiles = 100_000
	decoderBytes    = 64 << 20
)

// Attachment is a file that goes into an archive beside the package.
type Attachment struct {
	Path string // below DataDir
	Read func() ([]byte, error)
}

// Pack writes the package in dir, which must hold, as a tar archive below
// NAME-VERSION/, and attachments below data/. The same package and attachments
// give the same bytes: entries ascend by path, carry the package's time and
// belong to nobody in particular.
func Pack(w io.Writer, dir string, attachments ...Attachment) (err error) {
	m, entries, err := Entries(dir)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("pack %s: %w", m, err)
		}
	}()
	archive := tar.NewWriter(w)
	attachments = slices.SortedFunc(slices.Values(attachments), func(a, b Attachment) int { return strings.Compare(a.Path, b.Path) })
	for _, a := range attachments {
		body, err := a.Read()
		if err == nil {
			err = addEntry(archive, path.Join(DataDir, a.Path), m.Created, body)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", a.Path, err)
		}
	}
	top := fmt.Sprintf("%s-%d", m.Name, m.Version)
	for _, e := range entries {
		if err := addEntry(archive, path.Join(top, e.Path), m.Created, e.Body); err != nil {
			return fmt.Errorf("%s: %w", e.Path, err)
		}
	}
	return archive.Close()
}

// Entry is a file of a package.
type Entry struct {
	Path string
	Body []byte
}

// Entries reads every file of the package in dir, which must hold, with manifest
// and, where there is one, signature. They ascend by path.
func Entries(dir string) (Manifest, []Entry, error) {
	m, _, err := verify(dir, nil)
	if err != nil {
		return Manifest{}, nil, err
	}
	var all []Entry
	for _, name := range paths(dir, m) {
		body, err := readFile(dir, m, name)
		if err != nil {
			return Manifest{}, nil, fmt.Errorf("read package %s: %w", m, err)
		}
		all = append(all, Entry{name, body})
	}
	return m, all, nil
}

// paths are all files of a package, with manifest and, where there is one,
// signature.
func paths(dir string, m Manifest) []string {
	all := []string{ManifestFile}
	for _, f := range m.Files {
		all = append(all, f.Path)
	}
	if _, err := readSignature(dir); err == nil {
		all = append(all, SignatureFile)
	}
	slices.Sort(all)
	return all
}

// readFile reads any file of a verified package.
func readFile(dir string, m Manifest, name string) ([]byte, error) {
	if name == ManifestFile || name == SignatureFile {
		return readLimited(dir, name)
	}
	return readListed(dir, m, name)
}

func addEntry(archive *tar.Writer, name string, at time.Time, body []byte) error {
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(body)), Mode: 0o644, ModTime: at.UTC().Truncate(time.Second)}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err := archive.Write(body)
	return err
}

// ArchiveError says what is wrong with an archive, and where in it.
type ArchiveError struct {
	Entry  string // empty for the archive as a whole
	Reason string
}

// Error is a sentence.
func (e *ArchiveError) Error() string {
	if e.Entry == "" {
		return "package archive " + e.Reason
	}
	return fmt.Sprintf("package archive: entry %q %s", e.Entry, e.Reason)
}

// Unpack writes a tar archive, plain or compressed by gzip or Zstandard, into
// the empty directory dir and answers where below it the package lies. Nothing
// is written outside of dir; entries that are neither file nor directory, paths
// that are not plain, and more than maxBytes in all are an *ArchiveError. The
// package is not verified yet.
func Unpack(r io.Reader, dir string, maxBytes int64) (string, error) {
	content, err := decompress(r)
	if err != nil {
		return "", err
	}
	defer content.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", fmt.Errorf("unpack: %w", err)
	}
	defer root.Close()
	archive := tar.NewReader(&bounded{content, maxBytes, maxBytes})
	found := ""
	for n := 0; ; n++ {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", unreadable(err)
		}
		if n == maxArchiveFiles {
			return "", &ArchiveError{"", fmt.Sprintf("has more than %d entries", maxArchiveFiles)}
		}
		name, err := unpackEntry(root, archive, header)
		if err != nil {
			return "", err
		}
		if path.Base(name) == ManifestFile && strings.Count(name, "/") < 2 {
			if found != "" {
				return "", &ArchiveError{name, "is a second package"}
			}
			found = name
		}
	}
	if found == "" {
		return "", &ArchiveError{"", "holds no " + ManifestFile + ": this is no package"}
	}
	return filepath.Join(dir, filepath.FromSlash(path.Dir(found))), nil
}

// unreadable is any fault of the bytes; the limit is one of them.
func unreadable(err error) error {
	var known *ArchiveError
	if errors.As(err, &known) {
		return known
	}
	return &ArchiveError{"", "cannot be read: " + err.Error()}
}

// unpackEntry writes one entry and answers its path.
func unpackEntry(root *os.Root, body io.Reader, header *tar.Header) (string, error) {
	name := strings.TrimSuffix(strings.TrimPrefix(header.Name, "./"), "/")
	if header.Typeflag == tar.TypeDir && (name == "" || name == ".") {
		return "", nil
	}
	if !fs.ValidPath(name) || name == "." || strings.ContainsAny(name, `\:`) || strings.ContainsFunc(name, control) {
		return "", &ArchiveError{header.Name, "is not a plain relative path"}
	}
	switch header.Typeflag {
	case tar.TypeDir:
		return name, root.MkdirAll(name, 0o755)
	case tar.TypeReg:
	default:
		return "", &ArchiveError{header.Name, "is neither file nor directory: links and devices are refused"}
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return "", &ArchiveError{header.Name, "has no place: " + err.Error()}
	}
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return "", &ArchiveError{header.Name, "comes twice"}
	}
	if err != nil {
		return "", fmt.Errorf("unpack %s: %w", name, err)
	}
	_, err = io.Copy(file, body)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return "", unreadable(err)
	}
	return name, nil
}

// bounded ends a stream that grows beyond what is allowed.
type bounded struct {
	r           io.Reader
	left, limit int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, &ArchiveError{"", fmt.Sprintf("unpacks to more than %d bytes", b.limit)}
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// decompress looks at the first bytes.
func decompress(r io.Reader) (io.ReadCloser, error) {
	buffered := bufio.NewReader(r)
	magic, err := buffered.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read package archive: %w", err)
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		content, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, unreadable(err)
		}
		return content, nil
	case bytes.HasPrefix(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		content, err := zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(decoderBytes))
		if err != nil {
			return nil, unreadable(err)
		}
		return content.IOReadCloser(), nil
	}
	return io.NopCloser(buffered), nil
}
