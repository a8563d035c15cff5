package bolt

import (
	"errors"
	"math/rand/v2"

	bbolt "go.etcd.io/bbolt"
)

// This file knows when the store's file is the whole store, and begins a new epoch with one that is put in its place.

// mayLackJournal refuses a file of which the journal may have had more.
func mayLackJournal(db *bbolt.DB) error {
	return db.View(func(tx *bbolt.Tx) error {
		meta := tx.Bucket([]byte(inMeta.String()))
		if meta == nil {
			return nil // of a new store
		}
		behind, err := readNumber(meta, metaBehind)
		if err == nil && behind != 0 {
			return errJournalMissing
		}
		return err
	})
}

// complete notes that the file has all there is, when it has: from now on it is the whole store without the journal.
func (s *Store) complete() error {
	if s.failure.Load() != nil || s.applied.Load() != s.logged.Load() {
		return nil
	}
	return s.db.Update(func(tx *bbolt.Tx) error {
		return writeNumber(tx.Bucket([]byte(inMeta.String())), metaBehind, 0)
	})
}

// renew makes a file that nobody has open a store without a journal, which begins another epoch: numbers of events that
// were given out and are not in the file will be given out again.
func renew(path string) error {
	db, err := openFile(path, Options{}, defaultTuning())
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		meta := tx.Bucket([]byte(inMeta.String()))
		if meta == nil {
			return nil // made, but not prepared before the process ended
		}
		return errors.Join(writeNumber(meta, metaBehind, 0), writeNumber(meta, metaEpoch, newEpoch()))
	})
	return errors.Join(err, db.Close())
}

// newEpoch is a number that no store had, and not 0.
func newEpoch() uint64 { return rand.Uint64() | 1 }
