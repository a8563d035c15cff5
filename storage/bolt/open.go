package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	bbolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/hookswitch/hookswitch/storage"
)

// FileName is the one file in the store's directory.
const FileName = "hookswitch.db"

// Options say where a store is.
type Options struct {
	// Dir is the store's directory; it is made, with mode 0700, when it is not there.
	Dir string
	// NoSync leaves out the fsyncs, which makes a store lose or destroy data when the machine stops. For tests.
	NoSync bool
	// OnCommit is told of every commit: the items that callers wrote and how long it took. It is called by the committer, which
	// waits for it. nil tells nobody.
	OnCommit func(items int, took time.Duration)
}

// Store is an open store. It is the whole of a [storage.Store] for one process.
type Store struct {
	db     *bbolt.DB
	tuning tuning
	tell   func(items int, took time.Duration) // Options.OnCommit, or nil
	opened time.Time                           // with a monotonic reading: leases do not mind a clock that is set

	inbox      inbox
	requests   sync.Pool // of *request
	acceptJobs pool[acceptJob, *acceptJob]
	settleJobs pool[settleJob, *settleJob]
	stopped    chan struct{}

	// The committer's own.
	numbers    numbers // as the journal has them
	draft      draft
	journal    *journal
	journalled []*request
	direct     []*request
	due        *time.Timer // when the ledger is to be brought into the file
	moving     bool        // a goroutine is doing that; it says in moved how it ended
	moved      chan error
	stuck      error // why that failed; nil when it did not

	// Of whoever writes to the file: the committer, or, while moving, that goroutine.
	txn     txn
	written written
	volume  int // bytes put into the latest partition since the store was opened

	ledger  ledger
	logged  atomic.Uint64 // serial of the last frame that was acknowledged
	applied atomic.Uint64 // serial of the last frame that is in the file
	told    atomic.Uint64 // the same, once the board knows
	open    atomic.Uint64 // deliveries owed
	refused atomic.Int64  // when the disk last had no room for a commit, monotonic; 0: it always had
	newest  atomic.Uint64 // number of the last event; told before anybody can see that
	epoch   uint64        // of the numbers of events; does not change while the store is open
	wanted  atomic.Bool   // somebody waits for the ledger to be in the file

	calendar atomic.Pointer[calendar]
	board    board
	changes  bell
	harm     harm

	upkeep sync.Mutex // one Expire at a time; guards retire
	retire *retirement
	scrub  scrubber

	closed  chan struct{}
	closing sync.Once
	failure atomic.Pointer[stopError]
	failed  chan struct{}
}

var _ storage.Store = (*Store)(nil)

// tuning are the sizes that tests make small.
type tuning struct {
	span         time.Duration // length of partitions and of spans of public ids
	partition    int           // bytes after which a partition is full
	commitItems  int
	commitBytes  int
	requestItems int
	ledgerItems  int           // at which what is in the ledger is brought into the file
	ledgerBytes  int           // the same
	ledgerAge    time.Duration // the same
	lockWait     time.Duration
	maxFile      int // bytes the file may have; 0: no limit
	openFile     func(string, int, os.FileMode) (*os.File, error)
}

// Why spans of six hours: a repeat is looked for in every span of its window. A miss costs one to two microseconds a
// span (measured with 100,000 random ids in each), so a window of a day costs five of them, four of which the callers
// pay beside the committer, because a closed span never changes. Spans of an hour would cost 25. Spans of a day would
// save little and make the tree that publishers' random ids go to four times as big.
func defaultTuning() tuning {
	return tuning{
		span: 6 * time.Hour, partition: 64 << 20,
		commitItems: 4096, commitBytes: 16 << 20, requestItems: 512,
		ledgerItems: 16384, ledgerBytes: 16 << 20, ledgerAge: 5 * time.Second,
		lockWait: 900 * time.Millisecond,
	}
}

// Open opens the store in a directory, or makes one. Leases taken before are void: all open deliveries are due again.
// The errors are sentences for the operator: the directory cannot be used, the store is already open, its format is
// not known, or it is damaged.
//
// The time to open grows with the size of the file (about one second for each 2 GB from a disk that reads that fast):
// the list of free pages is not stored, which keeps commits fast, but found again by a walk over the file.
func Open(o Options) (*Store, error) { return open(o, defaultTuning()) }

func open(o Options, tune tuning) (*Store, error) {
	s, err := openStore(o, tune)
	if err != nil {
		return nil, fmt.Errorf("open store in %s: %w", o.Dir, err)
	}
	return s, nil
}

func openStore(o Options, tune tuning) (*Store, error) {
	if o.Dir == "" {
		return nil, errors.New("no directory is given")
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("%w; name a directory that this user may make and write to", err)
	}
	path := filepath.Join(o.Dir, FileName)
	fresh := false
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		fresh = true
	case err != nil:
		return nil, err
	case info.Size() > 0:
		if err := inspect(path, tune.lockWait); err != nil {
			return nil, err
		}
	}
	whole, err := journalWhole(o.Dir)
	if err != nil {
		return nil, err
	}
	db, err := openFile(path, o, tune)
	if err != nil {
		return nil, err
	}
	s := &Store{
		db: db, tuning: tune, tell: o.OnCommit, opened: time.Now(), moved: make(chan error, 1), due: time.NewTimer(time.Hour),
		stopped: make(chan struct{}), closed: make(chan struct{}), failed: make(chan struct{}),
	}
	s.inbox.bell = make(chan struct{}, 1)
	s.changes.reset()
	if !whole {
		if err := mayLackJournal(db); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	if s.journal, err = openJournal(o.Dir, tune.openFile, o.NoSync); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := s.prepare(fresh && !o.NoSync, o.Dir); err != nil {
		return nil, errors.Join(err, s.journal.close(), db.Close())
	}
	go s.commits()
	return s, nil
}

// Failed is closed when the store has stopped by itself because the disk failed in a way after which nothing it holds
// in memory can be trusted (an fsync that failed must never be repeated). The process should end; opening the store
// again shows what the disk has.
func (s *Store) Failed() <-chan struct{} { return s.failed }

// Close waits for writes under way and for readers, a Backup is broken off, brings all into the file, and releases it.
func (s *Store) Close() error {
	var err error
	s.closing.Do(func() {
		close(s.closed)
		s.inbox.close()
		<-s.stopped
		s.board.close()
		err = errors.Join(s.complete(), s.journal.close(), s.db.Close())
	})
	return err
}

// stopError is why a store stopped by itself.
type stopError struct{ cause error }

func (e *stopError) Error() string { return "the store stopped: " + e.cause.Error() }
func (e *stopError) Unwrap() error { return e.cause }

// usable is nil while the store can be asked.
func (s *Store) usable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-s.closed:
		return storage.ErrClosed
	default:
	}
	if err := s.failure.Load(); err != nil {
		return err
	}
	return nil
}

// view runs fn in a read transaction. fn must be short, because pages that it may see cannot be used again, and must
// copy what it keeps.
func (s *Store) view(ctx context.Context, fn func(tx *bbolt.Tx) error) (err error) {
	if err := s.usable(ctx); err != nil {
		return err
	}
	// A page that cannot be read is a fault of the memory map, and a page that is broken a panic of bbolt.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("read the file: %v: %w", v, ErrDamaged)
			s.harm.note(err)
		}
	}()
	err = s.db.View(fn)
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return storage.ErrClosed
	}
	if errors.Is(err, ErrDamaged) {
		s.harm.note(err)
	}
	return err
}

// instant is one reading of the two clocks, in nanoseconds: wall for what is stored, mono for what is not.
type instant struct{ wall, mono int64 }

func (s *Store) now() instant {
	now := time.Now()
	return instant{now.UnixNano(), int64(now.Sub(s.opened))}
}
