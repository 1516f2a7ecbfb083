package spool

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// A flusher tells of what cannot be flushed, and goes on after it, by fsync, saying why.
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
	defer func() { _, _ = reader.Close(), writer.Close() }()
	var reasons []error
	f := newFlusher(func(why error) { reasons = append(reasons, why) })
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
	aside := runtime.GOOS == "linux" && !errors.Is(errors.Join(reasons...), syscall.ENOSYS) && !errors.Is(errors.Join(reasons...), syscall.EPERM)
	if !aside {
		t.Logf("NOT TESTED: nothing is flushed aside here: %v", reasons)
	} else if len(reasons) > 0 {
		t.Fatalf("flushed by fsync where the kernel could do it aside: %v", reasons)
	}
	if err := f.sync(writer); err == nil {
		t.Error("a pipe is on no disk, and was flushed")
	}
	if aside && (len(reasons) != 1 || !errors.Is(reasons[0], syscall.EINVAL)) {
		t.Errorf("a pipe cannot be flushed aside: %v", reasons)
	}
	flushed()
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.sync(file); err == nil {
		t.Error("a closed file was flushed")
	}
	if aside && len(reasons) != 1 {
		t.Errorf("said more than once: %v", reasons)
	}
	another := newFlusher(func(error) {})
	defer another.close()
	if err := another.sync(file); err == nil {
		t.Error("a closed file was flushed aside")
	}
}
