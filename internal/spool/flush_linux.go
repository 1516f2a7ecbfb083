package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// flusher brings what was written to a file onto the disk. A goroutine that calls fsync
// keeps its processor until Go's monitor takes it away, which is too late for a disk of
// some hundred microseconds: on one processor nobody would work while the disk does. So
// the kernel is asked to do it aside, and tells by an eventfd, for which a goroutine
// waits as it waits for a socket (io_submit(2), IOCB_CMD_FDSYNC, since Linux 4.18). Where
// the kernel, the container or the file system has none of it, it is fsync, and the
// flusher says why. It belongs to one goroutine.
type flusher struct {
	onFsync func(why error) // told once
	context uintptr         // aio_context_t
	told    *os.File        // the eventfd; nil: fsync
	order   iocb
	orders  [1]*iocb
	event   ioEvent
}

// iocb and ioEvent are the structs of linux/aio_abi.h.
type iocb struct {
	data      uint64
	key       uint32 // key and rwFlags change places where the greater end comes first: both are 0
	rwFlags   uint32
	opcode    uint16
	priority  int16
	file      uint32
	buf       uint64
	nbytes    uint64
	offset    int64
	reserved  uint64
	flags     uint32
	eventFile uint32
}

type ioEvent struct {
	data, obj uint64
	res, res2 int64
}

// Of linux/aio_abi.h.
const (
	iocbFdsync    = 3 // IOCB_CMD_FDSYNC
	iocbTellsFile = 1 // IOCB_FLAG_RESFD
)

// newFlusher never fails: fsync is always there. onFsync hears why it is all there is.
func newFlusher(onFsync func(why error)) *flusher {
	f := &flusher{onFsync: onFsync}
	if _, _, errno := unix.Syscall(unix.SYS_IO_SETUP, 1, uintptr(unsafe.Pointer(&f.context)), 0); errno != 0 {
		f.context = 0
		f.fallBack(os.NewSyscallError("io_setup", errno))
		return f
	}
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		f.fallBack(os.NewSyscallError("eventfd", err))
		return f
	}
	f.told = os.NewFile(uintptr(fd), "eventfd of the prediction log")
	f.order = iocb{opcode: iocbFdsync, flags: iocbTellsFile, eventFile: uint32(fd)}
	f.orders[0] = &f.order
	return f
}

// fallBack is fsync from now on.
func (f *flusher) fallBack(why error) {
	f.close()
	f.onFsync(why)
}

// close ends what was begun; from then on it is fsync.
func (f *flusher) close() {
	if f.context != 0 {
		_, _, _ = unix.Syscall(unix.SYS_IO_DESTROY, f.context, 0, 0) // waits for what runs
	}
	if f.told != nil {
		_ = f.told.Close()
	}
	f.context, f.told = 0, nil
}

// sync is fdatasync. After an error nobody knows what is on the disk.
func (f *flusher) sync(file *os.File) error {
	if f.told == nil {
		return file.Sync()
	}
	defer runtime.KeepAlive(file)
	f.order.file = uint32(file.Fd())
	if _, _, errno := unix.Syscall(unix.SYS_IO_SUBMIT, f.context, 1, uintptr(unsafe.Pointer(&f.orders))); errno != 0 {
		f.fallBack(os.NewSyscallError("io_submit", errno))
		return file.Sync()
	}
	if err := f.wait(); err != nil {
		f.fallBack(err)
		return fmt.Errorf("wait for fdatasync: %w", err)
	}
	if f.event.res != 0 {
		return os.NewSyscallError("fdatasync", syscall.Errno(-f.event.res))
	}
	return nil
}

// wait takes the one event that was ordered.
func (f *flusher) wait() error {
	var count [8]byte
	if _, err := f.told.Read(count[:]); err != nil {
		return err
	}
	if n := binary.NativeEndian.Uint64(count[:]); n != 1 {
		return fmt.Errorf("%d events for one order", n)
	}
	n, _, errno := unix.Syscall6(unix.SYS_IO_GETEVENTS, f.context, 1, 1, uintptr(unsafe.Pointer(&f.event)), 0, 0)
	if errno != 0 {
		return os.NewSyscallError("io_getevents", errno)
	}
	if n != 1 {
		return errors.New("io_getevents: nothing there, though the eventfd told of one")
	}
	return nil
}
