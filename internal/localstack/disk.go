package localstack

import (
	"fmt"
	"syscall"
)

const mebibyte = 1 << 20

// checkFree fails with a sentence when the file system of dir has less than
// need bytes free for this user. dir must exist.
func checkFree(dir string, need uint64) error {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return fmt.Errorf("free space of %s: %w", dir, err)
	}
	free := uint64(fs.Bavail) * uint64(fs.Bsize)
	if free >= need {
		return nil
	}
	return fmt.Errorf("the disk of %s is nearly full: %d MiB free, %d MiB needed: make room", dir, free/mebibyte, need/mebibyte)
}
