package bolt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrOccupied is in the chain of the error of a Restore that would replace something and was not told to.
var ErrOccupied = errors.New("the directory is not empty")

// Restoration says what to make a store of, and where.
type Restoration struct {
	Dir    string // made when it is not there
	Backup io.Reader
	// Replace lets Dir have files; a store in it is replaced.
	Replace bool
	// Progress of the verification, which follows upon the reading; nil tells nobody.
	Progress Progress
}

// Restore makes a store of a backup. It first writes the backup beside what is in the directory and looks at all of it, as
// [Verify] does; only a copy that is whole and sound takes its place, by one rename, so that a Restore that fails or is
// killed leaves the former store as it was. The journal of the former store ends with it.
func Restore(ctx context.Context, r Restoration) (Found, error) {
	found, err := restore(ctx, r)
	if err != nil {
		return found, fmt.Errorf("restore into %s: %w", r.Dir, err)
	}
	return found, nil
}

func restore(ctx context.Context, r Restoration) (found Found, err error) {
	if r.Dir == "" {
		return found, errors.New("no directory is given")
	}
	_, there := os.Stat(r.Dir)
	if err := os.MkdirAll(r.Dir, 0o700); err != nil {
		return found, err
	}
	defer func() {
		if err != nil && errors.Is(there, fs.ErrNotExist) {
			_ = os.Remove(r.Dir) // stays if somebody has put something into it
		}
	}()
	if err := mayReplace(r); err != nil {
		return found, err
	}
	aside := filepath.Join(r.Dir, FileName+".restoring")
	defer func() { _ = os.Remove(aside) }() // gone when all went well
	if err := writeSynced(aside, func(w io.Writer) error { return unsealTo(w, &patientReader{ctx, r.Backup}) }); err != nil {
		return found, err
	}
	if found, err = verifyFile(ctx, aside, r.Progress); err != nil {
		return found, err
	}
	if err := found.Err(); err != nil {
		return found, err
	}
	if err := mayReplace(r); err != nil { // a store may have been opened meanwhile
		return found, err
	}
	if err := renew(aside); err != nil { // the journal of the store that was backed up is not that of the copy
		return found, err
	}
	return found, replaceFile(aside, r.Dir)
}

// mayReplace refuses a directory that somebody uses.
func mayReplace(r Restoration) error {
	entries, err := os.ReadDir(r.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != FileName+".restoring" && !r.Replace {
			return ErrOccupied
		}
	}
	path := filepath.Join(r.Dir, FileName)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := inspect(path, defaultTuning().lockWait); errors.Is(err, errInUse) {
		return err
	}
	return nil // sound or not: it is what shall be replaced
}

// replaceFile puts a finished file in the place of the store's, and ends the journal, which continues another file.
func replaceFile(path, dir string) error {
	if err := os.Rename(path, filepath.Join(dir, FileName)); err != nil {
		return err
	}
	for _, name := range JournalNames {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return syncDir(dir)
}

// writeSynced makes a file of what write writes, and makes it durable.
func writeSynced(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	return errors.Join(write(w), w.Flush(), f.Sync(), f.Close())
}

// patientReader stops reading when nobody waits for it any more.
type patientReader struct {
	ctx context.Context
	r   io.Reader
}

func (p *patientReader) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.r.Read(b)
}

// MustExist keeps those who look at a store from making one: an error when there is none in dir.
func MustExist(dir string) error {
	_, err := os.Stat(filepath.Join(dir, FileName))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no store in %s: it has no %s", dir, FileName)
	}
	return err
}
