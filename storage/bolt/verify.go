package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"

	bbolt "go.etcd.io/bbolt"
)

// Progress is told how much of a long piece of work is done, of how much; total 0 means that nobody knows.
type Progress func(done, total int64)

// Found is what Verify saw.
type Found struct {
	FileBytes  int64 `json:"fileBytes"`
	Rows       int64 `json:"rows"` // of every sort
	Records    int64 `json:"records"`
	Events     int64 `json:"events"`
	Deliveries int64 `json:"deliveries"`
	Open       int64 `json:"open"` // deliveries that are owed
	Attempts   int64 `json:"attempts"`
	// Wrong counts what is not as it must be, Problems describes the first of them.
	Wrong    int64    `json:"wrong"`
	Problems []string `json:"problems,omitempty"`
}

// maxProblems bounds Found.Problems.
const maxProblems = 100

// Err is nil when all is well.
func (f *Found) Err() error {
	if f.Wrong == 0 {
		return nil
	}
	return fmt.Errorf("%d things in the store are wrong, the first: %s: %w", f.Wrong, f.Problems[0], ErrDamaged)
}

func (f *Found) wrong(format string, args ...any) {
	if f.Wrong++; f.Wrong <= maxProblems {
		f.Problems = append(f.Problems, fmt.Sprintf(format, args...))
	}
}

// Verify opens the store of a directory, which brings it into order after a crash, closes it and then looks at all of it:
// bbolt's own structure, the checksum and form of every row, and that the rows agree with each other. An error means that
// it could not look; what it found wrong is in Found.
func Verify(ctx context.Context, dir string, progress Progress) (Found, error) {
	if err := putInOrder(dir); err != nil {
		return Found{}, err
	}
	return verifyFile(ctx, filepath.Join(dir, FileName), progress)
}

// ForgoJournal makes a store that is not opened for its journal, which is missing, damaged or another's, one that goes on without
// it: its files are kept under names that end in .forgone, and positions in the stream of events from before are refused. A
// store that can be opened stays as it is, and forgone is false.
func ForgoJournal(dir string) (forgone bool, err error) {
	switch err := putInOrder(dir); {
	case err == nil:
		return false, nil
	case !errors.Is(err, errJournalMissing) && !errors.Is(err, errJournalDamaged) && !errors.Is(err, errJournalForeign):
		return false, err
	}
	for _, name := range JournalNames {
		path := filepath.Join(dir, name)
		if err := os.Rename(path, path+".forgone"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
	}
	return true, errors.Join(renew(filepath.Join(dir, FileName)), syncDir(dir))
}

// putInOrder opens and closes a store that must be there.
func putInOrder(dir string) error {
	if err := MustExist(dir); err != nil {
		return err
	}
	s, err := Open(Options{Dir: dir})
	if err != nil {
		return err
	}
	return s.Close()
}

// verifyFile looks at a file that nobody writes to.
func verifyFile(ctx context.Context, path string, progress Progress) (found Found, err error) {
	wait := defaultTuning().lockWait
	if err := inspect(path, wait); err != nil {
		return found, err
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer catchDamage(&err)
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		ReadOnly: true, Timeout: wait, InitialMmapSize: mapSize(), FreelistType: bbolt.FreelistMapType,
	})
	if err != nil {
		return found, explain(err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = db.View(func(tx *bbolt.Tx) error {
		found.FileBytes = tx.Size()
		for fault := range tx.Check() {
			found.wrong("the pages of the file: %v", fault)
		}
		return newVerifier(ctx, tx, &found, progress).run()
	})
	return found, err
}

// catchDamage, deferred, makes an error of what bbolt panics with over a broken page, or the machine over one that cannot be
// read.
func catchDamage(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("the file is damaged: %v: %w", v, ErrDamaged)
	}
}

// verifier walks over all rows of a store at one moment.
type verifier struct {
	ctx      context.Context
	tx       *bbolt.Tx
	found    *Found
	progress Progress
	total    int64
	calendar *calendar
	numbers  numbers
}

func newVerifier(ctx context.Context, tx *bbolt.Tx, found *Found, progress Progress) *verifier {
	if progress == nil {
		progress = func(int64, int64) {}
	}
	return &verifier{ctx: ctx, tx: tx, found: found, progress: progress, calendar: readCalendar(tx)}
}

func (v *verifier) run() error {
	meta := v.tx.Bucket([]byte(inMeta.String()))
	if meta == nil {
		return nil // made, but not prepared before the process ended
	}
	for _, c := range []struct {
		key string
		to  *uint64
	}{{metaSeq, &v.numbers.seq}, {metaRevision, &v.numbers.revision}, {metaOpen, &v.numbers.open}} {
		var err error
		if *c.to, err = readNumber(meta, c.key); err != nil {
			v.found.wrong("%v", err)
		}
	}
	err := v.tx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
		v.total += int64(b.Stats().KeyN)
		return v.ctx.Err()
	})
	if err != nil {
		return err
	}
	if err := v.tx.ForEach(v.bucket); err != nil {
		return err
	}
	if uint64(v.found.Open) != v.numbers.open {
		v.found.wrong("%d deliveries are open, the store's counter says %d", v.found.Open, v.numbers.open)
	}
	return nil
}

// bucket looks at the rows of one bucket of the root.
func (v *verifier) bucket(name []byte, b *bbolt.Bucket) error {
	look := v.looks(name)
	if look == nil {
		v.found.wrong("a bucket %q, which no version of this store has", name)
		return nil
	}
	return b.ForEach(func(key, row []byte) error {
		v.found.Rows++
		if v.found.Rows%4096 == 0 {
			v.progress(v.found.Rows, v.total)
			if err := v.ctx.Err(); err != nil {
				return err
			}
		}
		payload, ok := unseal(key, row)
		if !ok {
			v.found.wrong("a row of %q under key %x has a wrong checksum", bucketTitle(name), key)
			return nil
		}
		look(key, payload)
		return nil
	})
}

// looks is what looks at the rows of a bucket; nil for a bucket that should not be there.
func (v *verifier) looks(name []byte) func(key, payload []byte) {
	if p, ok := parsePartition(name); ok {
		return v.looksAtHistory(p, name[len(name)-1])
	}
	if _, ok := parseSpan(name); ok {
		return v.publicID
	}
	return map[string]func(key, payload []byte){
		inMeta.String():     func([]byte, []byte) {},
		inDue.String():      v.due,
		inFlights.String():  v.flight,
		inTallies.String():  v.tally,
		inRecords.String():  v.record,
		inPrints.String():   v.print,
		inCounters.String(): v.counter,
		inChanges.String():  v.change,
	}[string(name)]
}
