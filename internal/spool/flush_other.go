//go:build !linux

package spool

import "os"

// flusher brings what was written to a file onto the disk.
type flusher struct{}

func newFlusher(func(why error)) *flusher { return &flusher{} }

func (*flusher) close() {}

func (*flusher) sync(file *os.File) error { return file.Sync() }
