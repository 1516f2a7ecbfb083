//go:build !linux

package localstack

import "syscall"

// childAttributes puts a child in a process group of its own, so that Ctrl-C
// reaches the parent alone. Where the parent is killed, its children live on.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

func keepsAttributes(string) bool { return true }
