package localstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// errLocked says that another process holds the lock.
var errLocked = errors.New("locked by another process")

// tryLock opens path and takes its advisory lock, which the system gives back
// when the holder ends, however it ends. The caller unlocks with release.
func tryLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errLocked
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return f, nil
}

// release unlocks at once. Closing alone would not while a program is being started: it
// shares the open file until it runs.
func release(f *os.File) {
	_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
	_ = f.Close()
}

// lockCache waits for the cache's lock and says so once.
func lockCache(ctx context.Context, path string, out *progress) (unlock func(), err error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for said := false; ; said = true {
		f, err := tryLock(path)
		if err == nil {
			return func() { release(f) }, nil
		}
		if !errors.Is(err, errLocked) {
			return nil, fmt.Errorf("set-up: %w", err)
		}
		if !said {
			out.Printf("set-up: waiting for another set-up that holds %s", path)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("set-up: waiting for %s: %w", path, ctx.Err())
		case <-tick.C:
		}
	}
}
