package bolt

import (
	"os"
	"syscall"
)

// syncData makes the bytes of a file durable, and of its metadata what is needed to read them.
func syncData(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		if err != syscall.EINTR { //nolint:errorlint // a bare errno
			return err
		}
	}
}
