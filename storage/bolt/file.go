package bolt

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	bbolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// mapSize is the address space the file is mapped into. It costs nothing, and a file that outgrows its mapping has to
// be mapped again, which waits for every reader.
func mapSize() int {
	if runtime.GOOS == "windows" { // there the file is made as big as its mapping
		return 0
	}
	return int(min(int64(64<<30), math.MaxInt>>2))
}

// openFile turns what bbolt says, or panics with, into sentences.
func openFile(path string, o Options, tune tuning) (db *bbolt.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if v := recover(); v != nil {
			db, err = nil, fmt.Errorf("the file is damaged: %v", v)
		}
	}()
	db, err = bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:         tune.lockWait,
		FreelistType:    bbolt.FreelistMapType,
		NoFreelistSync:  true,
		InitialMmapSize: mapSize(),
		NoSync:          o.NoSync,
		NoGrowSync:      o.NoSync,
		MaxSize:         tune.maxFile,
		OpenFile:        tune.openFile,
	})
	return db, explain(err)
}

// inspect looks at an existing file before anything is written to it: whether it is free, whole, and of a format this
// version knows. It also brings the file into the page cache from front to back, because the walks over its pages that
// follow jump, which is six times slower on a cold disk.
func inspect(path string, wait time.Duration) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the file is damaged: %v", v)
		}
	}()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: wait, InitialMmapSize: mapSize()})
	if err != nil {
		return explain(err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	size, err := readThrough(path)
	if err != nil {
		return err
	}
	return db.View(func(tx *bbolt.Tx) error {
		if tx.Size() > size {
			return errors.New("the file is damaged: its end is missing")
		}
		if err := checkFormat(tx); err != nil {
			return err
		}
		// Stats visits the header of every page in use. bbolt does the same when it opens the file for writing, but
		// in a goroutine of its own, where a panic over a broken page could not be caught.
		return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
			b.Stats()
			return nil
		})
	})
}

func readThrough(path string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{f}, make([]byte, 1<<20))
}

var errInUse = errors.New("the store is already open, in another process or in this one; end that one first, or name another directory")

func explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, berrors.ErrTimeout):
		return errInUse
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum),
		errors.Is(err, berrors.ErrVersionMismatch):
		return fmt.Errorf("%s is damaged or not a store (%w); restore a backup, or name another directory", FileName, err)
	}
	return err
}
