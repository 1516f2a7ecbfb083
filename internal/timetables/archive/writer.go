package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Writer writes one archive. The same entries in the same order give the same
// bytes: names as given, constant times and owners, a fixed compression level
// and one compressing thread. A new release of the compression library may
// give other bytes for the same content.
type Writer struct {
	zst   *zstd.Encoder
	tar   *tar.Writer
	names map[string]bool
}

// NewWriter writes to w, which stays the caller's to close after Close.
func NewWriter(w io.Writer) (*Writer, error) {
	zst, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedDefault),
		zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(true))
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	return &Writer{zst: zst, tar: tar.NewWriter(zst), names: make(map[string]bool)}, nil
}

// Add writes one entry, named from its call and poll time where Name is empty.
// A name of no known form (*NameError) and a name used before are errors.
func (w *Writer) Add(entry Entry) error {
	name := entry.Name
	if name == "" {
		name = Name(entry.Call, entry.PolledAt)
	}
	if _, err := parseName(name); err != nil {
		return err
	}
	if w.names[name] {
		return fmt.Errorf("archive: entry %q: written before", name)
	}
	w.names[name] = true
	header := &tar.Header{
		Typeflag: tar.TypeReg, Name: name, Size: int64(len(entry.Body)),
		Mode: 0o644, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR,
	}
	if err := w.tar.WriteHeader(header); err != nil {
		return fmt.Errorf("archive: entry %q: %w", name, err)
	}
	if _, err := w.tar.Write(entry.Body); err != nil {
		return fmt.Errorf("archive: entry %q: %w", name, err)
	}
	return nil
}

// Close writes the end of the archive.
func (w *Writer) Close() error {
	if err := errors.Join(w.tar.Close(), w.zst.Close()); err != nil {
		return fmt.Errorf("archive: end: %w", err)
	}
	return nil
}
