//go:build unix

package service

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// hold locks a file until it is closed, or its process has ended in whatever way. Without wait it fails when another holds it.
func hold(f *os.File, wait bool) error {
	how := unix.LOCK_EX
	if !wait {
		how |= unix.LOCK_NB
	}
	for {
		if err := unix.Flock(int(f.Fd()), how); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// finish gives a file its name while it is held still: between closing and renaming it another process could take it for a leftover.
func finish(f *os.File, path string) error {
	return errors.Join(os.Rename(f.Name(), path), f.Close())
}
