package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"

	bbolt "go.etcd.io/bbolt"

	"github.com/hookswitch/hookswitch/storage"
)

// format is the version of the layout that doc.go draws. A store of a later version is refused; one of version 1, which
// had no journal, becomes one of this.
const format = 2

// place is a bucket that is always there.
type place int

const (
	inMeta place = iota
	inDue
	inFlights
	inTallies
	inRecords
	inPrints
	inCounters
	inChanges
	placeCount
)

// The names are stored; do not change them. None begins with a prefix of partition.go.
func (p place) String() string {
	return [...]string{"meta", "due", "flights", "tallies", "records", "fingerprints", "counters", "changes"}[p]
}

// numbers are the store's own counters. They stand in the small bucket meta, which bbolt keeps inside the root page, so
// that writing them with every commit costs nothing.
type numbers struct {
	seq      uint64 // of the last event
	revision uint64 // of the last change of a record
	open     uint64 // deliveries owed
}

const (
	metaFormat   = "format"
	metaBoot     = "boot"
	metaSeq      = "seq"
	metaRevision = "revision"
	metaOpen     = "open"
	metaSerial   = "serial" // of the last frame of the journal that the file has
	metaNonce    = "nonce"  // of the journal's frames
	metaBehind   = "behind" // 1 from when the store is opened until all is in the file: the journal may have more
	metaEpoch    = "epoch"  // names the history that the numbers of events belong to; see renew
)

func readNumber(b *bbolt.Bucket, key string) (uint64, error) {
	row := b.Get([]byte(key))
	if row == nil {
		return 0, nil
	}
	p, ok := unseal([]byte(key), row)
	if !ok || len(p) != 8 {
		return 0, damaged("the store's counter %q", key)
	}
	return number(p), nil
}

func writeNumber(b *bbolt.Bucket, key string, n uint64) error {
	row := binary.BigEndian.AppendUint64(make([]byte, sumLen), n)
	seal([]byte(key), row)
	return b.Put([]byte(key), row)
}

func checkFormat(tx *bbolt.Tx) error {
	meta := tx.Bucket([]byte(inMeta.String()))
	if meta == nil {
		if k, _ := tx.Cursor().First(); k == nil {
			return nil // made, but not prepared before the process ended
		}
		return fmt.Errorf("%s is not a store of Hookswitch; name another directory", FileName)
	}
	got, err := readNumber(meta, metaFormat)
	if err != nil {
		return err
	}
	if got < 1 || got > format {
		return fmt.Errorf("the store has format %d, this version of Hookswitch knows %d; run the one that wrote it", got, format)
	}
	return nil
}

// prepare makes a file a store, brings the journal into it, and builds in memory what is not stored. With syncNames the
// name of a new file, and that of its directory, are made durable too: a store is worth nothing if a power cut takes its
// name away.
func (s *Store) prepare(syncNames bool, dir string) error {
	err := s.db.Update(func(tx *bbolt.Tx) error {
		for p := range placeCount {
			if _, err := tx.CreateBucketIfNotExists([]byte(p.String())); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if syncNames {
		if err := errors.Join(syncDir(dir), syncDir(filepath.Dir(dir))); err != nil {
			return err
		}
	}
	boot, err := s.boot()
	if err != nil {
		return err
	}
	for more := true; more; {
		if err := s.db.Update(func(tx *bbolt.Tx) error { more, err = s.land(tx); return err }); err != nil {
			return err
		}
	}
	s.board.start(boot<<40, s.opened)
	return s.db.View(func(tx *bbolt.Tx) error {
		s.calendar.Store(readCalendar(tx))
		return s.board.load(tx, s.now())
	})
}

// boot reads the counters, brings the journal into the file, and begins a new age of tokens and of the journal. A token
// is the boot's number and 40 bits of counter.
func (s *Store) boot() (boot uint64, err error) {
	var nonce uint64
	err = s.db.View(func(tx *bbolt.Tx) error {
		s.calendar.Store(readCalendar(tx))
		w, meta := &s.written, tx.Bucket([]byte(inMeta.String()))
		for _, c := range []struct {
			key string
			to  *uint64
		}{
			{metaBoot, &boot}, {metaSeq, &w.seq}, {metaRevision, &w.revision}, {metaOpen, &w.open},
			{metaSerial, &w.serial}, {metaNonce, &nonce}, {metaEpoch, &s.epoch},
		} {
			var err error
			if *c.to, err = readNumber(meta, c.key); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	if err := s.recover(nonce); err != nil {
		return 0, err
	}
	s.logged.Store(s.written.serial)
	s.applied.Store(s.written.serial)
	s.told.Store(s.written.serial)
	s.open.Store(s.written.open)
	s.newest.Store(s.written.seq)
	if s.epoch == 0 {
		s.epoch = newEpoch()
	}
	boot, nonce = boot+1, rand.Uint64()
	if err := s.journal.begin(nonce, s.written.serial); err != nil {
		return 0, err
	}
	err = s.db.Update(func(tx *bbolt.Tx) error {
		meta := tx.Bucket([]byte(inMeta.String()))
		return errors.Join(writeNumber(meta, metaFormat, format), writeNumber(meta, metaBoot, boot), writeNumber(meta, metaNonce, nonce),
			writeNumber(meta, metaEpoch, s.epoch), writeNumber(meta, metaBehind, 1))
	})
	if err != nil {
		return 0, err
	}
	return boot, s.journal.mark()
}

// recover brings into the file what the journal has and the file has not.
func (s *Store) recover(nonce uint64) error {
	s.numbers = s.written.numbers
	s.ledger.start()
	d := &s.draft
	err := s.journal.replay(nonce, s.written.serial, func(serial uint64, payload []byte) error {
		err := d.restore(s, serial, payload)
		d.done()
		if err != nil {
			return err
		}
		s.keep(d)
		if s.full() {
			return s.bring(nil)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.bring(nil)
}

// land moves deliveries that were leased at birth, and not settled before the store was closed or killed, into the due
// index, and forgets removed records, whose followers are gone. It does so in bounded steps.
func (s *Store) land(tx *bbolt.Tx) (more bool, err error) {
	const step = 2000
	n := 0
	t := &txn{store: s, now: s.now(), calendar: s.calendar.Load()}
	t.begin(tx)
	var refs []storage.Ref
	ascend(t.place(inFlights), nil, nil, func(k, _ []byte) bool {
		ref, ok := parseDeliveryKey(k)
		if ok {
			refs = append(refs, ref)
		}
		n++
		return n < step
	})
	for _, ref := range refs {
		if err := t.landOne(ref); err != nil {
			return false, err
		}
	}
	var gone []uint64
	ascend(t.place(inChanges), nil, nil, func(k, v []byte) bool {
		if p, ok := unseal(k, v); ok && len(k) == 8 && len(p) > 0 && p[0] != 0 {
			gone = append(gone, number(k))
		}
		return len(gone) < step
	})
	for _, revision := range gone {
		t.delete(t.place(inChanges), appendNumber(t.key[:0], revision))
	}
	return len(refs) == step || len(gone) == step, t.err
}

func (t *txn) landOne(ref storage.Ref) error {
	row, _, err := t.delivery(ref)
	switch {
	case errors.Is(err, ErrDamaged):
		t.store.harm.note(err) // it stays where it is, out of reach
		row.flight = false
	case err != nil && !errors.Is(err, storage.ErrAbsent):
		return err
	}
	t.delete(t.place(inFlights), deliveryKey(t.key[:0], ref))
	if err == nil && row.open() && row.flight {
		row.flight = false
		t.index(ref, row)
		t.putDelivery(ref, row)
	}
	return t.err
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" { // which cannot sync a directory
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
