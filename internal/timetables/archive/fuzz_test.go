package archive_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"

	"puenktlich/internal/timetables/archive"
)

const (
	// fuzzBytes bounds what one input may expand to, for the speed of fuzzing.
	fuzzBytes = 8 << 20
	// seedBytes leaves out the large ones, which would be mutated a byte at a time.
	seedBytes = 64 << 10
)

// FuzzReader: no bytes make the reader fail in another way than by its errors.
func FuzzReader(f *testing.F) {
	files, err := filepath.Glob("testdata/bad/*.tar.zst")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Fuzz(checkArchive)
}

// FuzzEntries: the same for what is within the compression.
func FuzzEntries(f *testing.F) {
	files, err := filepath.Glob("testdata/bad/*.tar.zst")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		if body := unpacked(file); len(body) > 0 && len(body) < seedBytes {
			f.Add(body)
		}
	}
	writer, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) { checkArchive(t, writer.EncodeAll(body, nil)) })
}

// unpacked is what a file has before its damage, a megabyte at most.
func unpacked(file string) []byte {
	opened, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer opened.Close()
	zst, err := zstd.NewReader(opened)
	if err != nil {
		return nil
	}
	defer zst.Close()
	body, _ := io.ReadAll(io.LimitReader(zst, 1<<20)) // damage is what is wanted
	return body
}

// checkArchive reads all there is; what is read can be written and read again.
func checkArchive(t *testing.T, file []byte) {
	reader, err := archive.NewReader(bytes.NewReader(file), "f")
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var again bytes.Buffer
	writer, err := archive.NewWriter(&again)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string][]byte{}
	for left := fuzzBytes; left > 0; {
		entry, err := reader.Next()
		left -= len(entry.Body) + 512
		if stop(t, err) {
			break
		}
		if _, there := names[entry.Name]; err != nil || there || len(entry.Name) > 100 {
			continue
		}
		names[entry.Name] = entry.Body
		if err := writer.Add(archive.Entry{Name: entry.Name, Body: entry.Body}); err != nil {
			t.Fatalf("read %q, but cannot write it: %v", entry.Name, err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	for _, entry := range reread(t, again.Bytes()) {
		if !bytes.Equal(entry.Body, names[entry.Name]) {
			t.Fatalf("%q says something else when it was written again", entry.Name)
		}
		delete(names, entry.Name)
	}
	if len(names) > 0 {
		t.Fatalf("%d entries are not there any more", len(names))
	}
}

// stop says that reading is over, and knows the only ways for it to end.
func stop(t *testing.T, err error) bool {
	name, cut := (*archive.NameError)(nil), (*archive.CutError)(nil)
	switch {
	case err == nil, errors.As(err, &name):
		return false
	case errors.Is(err, io.EOF), errors.As(err, &cut):
		return true
	}
	t.Fatalf("neither *NameError nor *CutError: %v", err)
	return true
}

func reread(t *testing.T, file []byte) []archive.Entry {
	entries, err := read(t, file)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}
