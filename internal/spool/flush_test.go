package spool

import (
	"os"
	"path/filepath"
	"testing"
)

// A flusher tells of what cannot be flushed, and goes on after it.
func TestFlush(t *testing.T) {
	t.Parallel()
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	f := newFlusher()
	defer f.close()
	flushed := func() {
		t.Helper()
		for range 100 {
			if _, err := file.WriteString("a line\n"); err != nil {
				t.Fatal(err)
			}
			if err := f.sync(file); err != nil {
				t.Fatal(err)
			}
		}
	}
	flushed()
	if err := f.sync(writer); err == nil {
		t.Error("a pipe is on no disk, and was flushed")
	}
	flushed() // by fsync from here on
	f.close()
	flushed()
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.sync(file); err == nil {
		t.Error("a closed file was flushed")
	}
	if err := newFlusher().sync(file); err == nil {
		t.Error("a closed file was flushed aside")
	}
	_, _ = reader.Close(), writer.Close()
}
