package localstack

import (
	"errors"
	"syscall"
)

// childAttributes puts a child in a process group of its own, so that Ctrl-C
// reaches the parent alone, which then ends its children in order; and has the
// system kill the child when the thread that started it ends, which is when the
// parent does: see child.supervise.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// keepsAttributes reports whether the file system of dir keeps the extended
// attributes in which the S3 gateway stores an object's metadata.
func keepsAttributes(dir string) bool {
	const name = "user.puenktlich"
	err := syscall.Setxattr(dir, name, []byte("1"), 0)
	return !errors.Is(err, syscall.ENOTSUP)
}
