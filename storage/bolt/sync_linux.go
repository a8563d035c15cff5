package bolt

import (
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// syncer makes what was written to a file durable: its bytes, and of its metadata what is needed to read them. One call at
// a time.
//
// It has the kernel do it and waits for that as for a socket. A thread that is in fdatasync itself keeps its processor (Go's P)
// for most of the call, and with one for each core a core stands idle meanwhile; see docs/decisions/0009-asynchronous-sync.md.
// Where the kernel does not take the request, it is a plain fdatasync.
type syncer struct {
	context  uintptr  // the kernel's (io_setup); 0: there is none
	done     *os.File // an eventfd, readable when a request is done
	request  aioRequest
	requests *aioRequest // what io_submit is given the address of
	result   aioResult
}

// aioRequest is the kernel's struct iocb (include/uapi/linux/aio_abi.h).
type aioRequest struct {
	data       uint64
	keyFlags   uint64
	opcode     uint16
	priority   int16
	file       uint32
	buffer     uint64
	bytes      uint64
	offset     int64
	_          uint64
	flags      uint32
	resultFile uint32
}

// aioResult is the kernel's struct io_event.
type aioResult struct {
	data, request uint64
	result, more  int64 // result: 0, or a negative errno
}

// Of the same header.
const (
	aioDataSync       = 3 // IOCB_CMD_FDSYNC
	aioWithResultFile = 1 // IOCB_FLAG_RESFD
)

func newSyncer() *syncer {
	s := &syncer{}
	event, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return s
	}
	s.done = os.NewFile(uintptr(event), "eventfd")
	if _, _, errno := unix.Syscall(unix.SYS_IO_SETUP, 1, uintptr(unsafe.Pointer(&s.context)), 0); errno != 0 {
		s.context = 0
		return s
	}
	s.request = aioRequest{opcode: aioDataSync, flags: aioWithResultFile, resultFile: uint32(event)}
	s.requests = &s.request
	return s
}

// sync returns when f is durable.
func (s *syncer) sync(f *os.File) error {
	if s.context == 0 || !s.submit(f) {
		return dataSync(f)
	}
	var count [8]byte
	_, _ = s.done.Read(count[:]) // should it fail, the next call waits in its place
	for {
		_, _, errno := unix.Syscall6(unix.SYS_IO_GETEVENTS, s.context, 1, 1, uintptr(unsafe.Pointer(&s.result)), 0, 0)
		switch {
		case errno == unix.EINTR:
		case errno != 0:
			return errno
		case s.result.result < 0:
			return unix.Errno(-s.result.result)
		default:
			return nil
		}
	}
}

// submit has the kernel begin.
func (s *syncer) submit(f *os.File) bool {
	s.request.file = uint32(f.Fd())
	_, _, errno := unix.Syscall(unix.SYS_IO_SUBMIT, s.context, 1, uintptr(unsafe.Pointer(&s.requests)))
	return errno == 0
}

func (s *syncer) close() error {
	if s.context != 0 {
		_, _, _ = unix.Syscall(unix.SYS_IO_DESTROY, s.context, 0, 0)
		s.context = 0
	}
	if s.done == nil {
		return nil
	}
	if err := s.done.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

func dataSync(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if err != unix.EINTR { //nolint:errorlint // a bare errno
			return err
		}
	}
}
