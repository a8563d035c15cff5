//go:build !unix

package service

import (
	"errors"
	"os"
)

// hold fails: nothing is known here that is told from a leftover for sure.
func hold(*os.File, bool) error { return errors.ErrUnsupported }

// finish closes a file and gives it its name; an open one can't be renamed here.
func finish(f *os.File, path string) error {
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
