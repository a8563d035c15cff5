package service

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// WriteWhole makes a file that only its owner may read, and that has its name only once all of it is on the disk; a file of that
// name is replaced. Until then it has the name with ".partial-" and a number behind it, and is removed when write fails. What
// processes that were killed have left under such names is removed first, where a file can be locked: not on Windows.
func WriteWhole(path string, write func(io.Writer) error) error {
	return writeWhole(path, write, regexp.MustCompile("^"+regexp.QuoteMeta(filepath.Base(path))+`\.partial-\d+$`))
}

// writeWhole is WriteWhole with the names of what may have been left.
func writeWhole(path string, write func(io.Writer) error, left *regexp.Regexp) error {
	removeLeft(filepath.Dir(path), left)
	f, err := createHeld(filepath.Dir(path), filepath.Base(path)+".partial-*")
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	if err = errors.Join(write(w), w.Flush(), f.Sync()); err == nil {
		err = finish(f, path)
	} else {
		_ = f.Close() // the file is of no use
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// removeLeft removes the files of dir with such names that no process holds. One that stays does no harm.
func removeLeft(dir string, names *regexp.Regexp) {
	entries, _ := os.ReadDir(dir) // who makes a file there will see the error
	for _, e := range entries {
		if !e.Type().IsRegular() || !names.MatchString(e.Name()) {
			continue
		}
		if f, err := os.OpenFile(filepath.Join(dir, e.Name()), os.O_RDWR, 0); err == nil { // NFS locks no file that is only read
			if hold(f, false) == nil {
				_ = os.Remove(f.Name())
			}
			_ = f.Close()
		}
	}
}

// createHeld makes a file, with mode 0600, that others see is being written. Where files can't be locked nobody removes any.
func createHeld(dir, pattern string) (*os.File, error) {
	for {
		f, err := os.CreateTemp(dir, pattern)
		if err != nil || hold(f, true) != nil {
			return f, err
		}
		if _, err := os.Stat(f.Name()); !errors.Is(err, fs.ErrNotExist) {
			return f, nil
		}
		_ = f.Close() // somebody took it for a leftover before it was held
	}
}
