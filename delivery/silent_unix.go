//go:build unix

package delivery

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// canListen says that silent can tell.
const canListen = true

// silent reports whether there is nothing to be read from a socket, and that its other side has not closed it.
func silent(raw syscall.RawConn) (is bool) {
	err := raw.Read(func(fd uintptr) bool {
		var next [1]byte
		_, _, err := unix.Recvfrom(int(fd), next[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		is = err == unix.EAGAIN
		return true
	})
	return is && err == nil
}
