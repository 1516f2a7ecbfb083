package objstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"

	"puenktlich/internal/atomicfile"
)

// PutFile writes a local file as an object, as Put does, without holding it in
// memory.
func (s *Store) PutFile(ctx context.Context, key, path string) (Ref, error) {
	file, err := os.Open(path)
	if err != nil {
		return Ref{}, fmt.Errorf("write %s: %w", key, err)
	}
	defer func() { _ = file.Close() }()
	digest := sha256.New()
	size, err := io.Copy(digest, file)
	if err != nil {
		return Ref{}, fmt.Errorf("write %s: %w", key, err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return Ref{}, fmt.Errorf("write %s: %w", key, err)
	}
	ref := Ref{Key: key, SHA256: hex.EncodeToString(digest.Sum(nil)), SizeBytes: size}
	_, err = s.put(ctx, s.object(key, file, ref.SHA256))
	return ref, classify("write "+key, err)
}

// MaxFileBytes is what S3 takes in one piece.
const MaxFileBytes = 5 << 30

// KeepFile writes a local file, whose size and SHA-256 are those of ref, as the
// object of ref, without holding it in memory. What is there already is not
// sent again, and never overwritten. beat is called at every read of the file;
// its error ends the write.
func (s *Store) KeepFile(ctx context.Context, ref Ref, path string, beat func() error) error {
	found, err := s.Head(ctx, ref.Key)
	if err == nil && found.SHA256 == ref.SHA256 && found.SizeBytes == ref.SizeBytes {
		return nil
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("write %s: %w", ref.Key, err)
	}
	defer func() { _ = file.Close() }()
	input := s.object(ref.Key, &beating{file, beat}, ref.SHA256)
	input.IfNoneMatch = aws.String("*")
	_, err = s.put(ctx, input, once)
	if sentinel(err) == ErrChanged { // another writer was first, or what is there is not what it should be
		return s.same(ctx, ref)
	}
	return classify("write "+ref.Key, err)
}

// same says that an object is the one of a reference.
func (s *Store) same(ctx context.Context, ref Ref) error {
	found, err := s.Head(ctx, ref.Key)
	if err != nil {
		return err
	}
	if found.SizeBytes != ref.SizeBytes {
		return fmt.Errorf("write %s: %w: it has %d bytes, want %d", ref.Key, ErrCorrupt, found.SizeBytes, ref.SizeBytes)
	}
	return verify(ref.Key, found.SHA256, ref.SHA256)
}

// beating tells of every read of a file.
type beating struct {
	file *os.File
	beat func() error
}

func (b *beating) Read(p []byte) (int, error) {
	if err := b.beat(); err != nil {
		return 0, err
	}
	return b.file.Read(p)
}

func (b *beating) Seek(offset int64, whence int) (int64, error) { return b.file.Seek(offset, whence) }

// GetFile reads an object into a local file, which appears whole and verified
// or not at all. The digest wanted is ref.SHA256, else the one the object
// carries; a size given is checked too. It answers the complete reference.
func (s *Store) GetFile(ctx context.Context, ref Ref, path string) (Ref, error) {
	output, err := s.open(ctx, ref.Key, nil)
	if err != nil {
		return Ref{}, err
	}
	defer func() { _ = output.Body.Close() }()
	if ref.SHA256 == "" {
		ref.SHA256 = output.Metadata[shaMetadata]
	}
	if size := aws.ToInt64(output.ContentLength); ref.SizeBytes != 0 && ref.SizeBytes != size {
		return Ref{}, fmt.Errorf("read %s: %w: it has %d bytes, want %d", ref.Key, ErrCorrupt, size, ref.SizeBytes)
	}
	return save(ref, path, output.Body)
}

// save puts the body at path once it is verified.
func save(ref Ref, path string, body io.Reader) (got Ref, err error) {
	err = atomicfile.WriteFunc(path, 0o644, func(w io.Writer) error {
		digest := sha256.New()
		size, err := io.Copy(io.MultiWriter(w, digest), body)
		if err != nil {
			return classify("read "+ref.Key, err)
		}
		got = Ref{Key: ref.Key, SHA256: hex.EncodeToString(digest.Sum(nil)), SizeBytes: size, Rows: ref.Rows}
		return verify(ref.Key, got.SHA256, ref.SHA256)
	})
	if err != nil {
		return Ref{}, err
	}
	return got, nil
}
