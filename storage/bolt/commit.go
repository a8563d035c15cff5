package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	berrors "go.etcd.io/bbolt/errors"

	"github.com/hookswitch/hookswitch/storage"
)

// commits is the committer: it writes what has come in meanwhile, in one go, and begins anew as soon as that is on the
// disk. A lone caller waits for one write; many callers share it. It ends when the inbox is shut and empty, and all is in
// the file.
func (s *Store) commits() {
	defer close(s.stopped)
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	var batch []*request
	for more := true; more; {
		s.rest()
		batch, more = s.inbox.take(batch[:0], s.tuning.commitItems, s.tuning.commitBytes)
		s.observed(batch)
		clear(batch)
		s.advance()
	}
	s.lastWords()
}

// maxYields is how often the committer lets others run before a commit.
const maxYields = 4

// rest waits until there is something to do.
func (s *Store) rest() {
	if n := s.inbox.len(); n > 0 {
		// The callers of the last commit are awake but have not run yet. Let them put in what they have next, as long as
		// there are any: otherwise every second commit takes only the first of them, and a sync costs as much for few.
		for range maxYields {
			runtime.Gosched()
			more := s.inbox.len()
			if more == n {
				break
			}
			n = more
		}
		return
	}
	select {
	case <-s.inbox.bell:
	case <-s.due.C:
	}
}

// observed carries out a batch and tells the observer of it.
func (s *Store) observed(batch []*request) {
	if s.tell == nil || len(batch) == 0 {
		s.commit(batch)
		return
	}
	items := 0 // counted before: answered requests are their callers' again
	for _, r := range batch {
		items += r.items
	}
	began := time.Now()
	s.commit(batch)
	s.tell(items, time.Since(began))
}

// commit carries out a batch: what goes to the journal together, then what goes to the file at once.
func (s *Store) commit(batch []*request) {
	s.journalled, s.direct = s.journalled[:0], s.direct[:0]
	size := 0
	for _, r := range batch {
		if _, ok := r.job.(journalJob); ok {
			s.journalled, size = append(s.journalled, r), size+r.bytes+96*r.items
		} else {
			s.direct = append(s.direct, r)
		}
	}
	if len(s.journalled) > 0 {
		s.answer(s.journalled, s.record(s.journalled, size))
	}
	if len(s.direct) > 0 {
		s.answer(s.direct, s.carryOut(s.direct))
	}
	clear(s.journalled)
	clear(s.direct)
}

// answer tells the callers of a commit how it ended.
func (s *Store) answer(batch []*request, err error) {
	for _, r := range batch {
		if err != nil {
			r.job.fail(err)
		}
		r.done <- struct{}{}
	}
	if err != nil && s.failure.Load() == nil {
		// The disk is full. bbolt walks over the whole file after each failed commit, so do not hurry.
		time.Sleep(50 * time.Millisecond)
	}
}

// record makes accepts and settles durable in the journal.
func (s *Store) record(batch []*request, size int) error {
	if err := s.failure.Load(); err != nil {
		return err
	}
	if err := s.makeRoom(); err != nil {
		return err
	}
	d := &s.draft
	d.reset(s, size)
	err := s.write(d, batch)
	d.done()
	if err == nil && !d.empty() {
		err = s.journal.append(d.frame)
	}
	if err == nil {
		if !d.empty() {
			d.serial = s.journal.serial
			s.keep(d)
		}
		s.board.apply(d.effects, d.now, d.serial)
		return nil
	}
	s.board.unpin(d.pinned)
	if roomMissing(err) {
		return s.noRoom(err)
	}
	s.stop(err)
	return fmt.Errorf("%w: %w", storage.ErrUnsure, err)
}

// write lets the jobs of a batch write their items into the draft.
func (s *Store) write(d *draft, batch []*request) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the file is damaged: %v", v)
		}
	}()
	for _, r := range batch {
		if err := r.job.(journalJob).write(d); err != nil {
			return err
		}
	}
	return nil
}

// keep adds to the ledger what the journal has.
func (s *Store) keep(d *draft) {
	s.numbers = d.numbers
	s.newest.Store(d.numbers.seq)
	s.ledger.take(&d.overlay)
	s.open.Store(d.numbers.open)
	s.logged.Store(d.serial)
}

// stop ends the store after a fault that leaves it open what the disk has.
func (s *Store) stop(cause error) {
	if s.failure.CompareAndSwap(nil, &stopError{cause}) {
		close(s.failed)
		s.changes.ring()
	}
}

// noRoomError is a commit that the disk had no room for. Nothing of it was written.
type noRoomError struct{ cause error }

func (e *noRoomError) Error() string   { return "commit: " + e.cause.Error() }
func (e *noRoomError) Unwrap() []error { return []error{storage.ErrNoRoom, e.cause} }

// noRoom notes that a commit was refused.
func (s *Store) noRoom(cause error) error {
	s.refused.Store(s.now().mono)
	return &noRoomError{cause}
}

// roomWait is how long a store is not ready after a commit was refused. Nothing asks the disk in between unless somebody
// writes, and on a disk that is nearly full small commits still succeed.
const roomWait = 15 * time.Second

var errNoRoom = fmt.Errorf("%w: the disk refused the latest writes", storage.ErrNoRoom)

// room is an error while the disk lately had none.
func (s *Store) room() error {
	if at := s.refused.Load(); at != 0 && s.now().mono-at < int64(roomWait) {
		return errNoRoom
	}
	return nil
}

// roomMissing tells a write that the disk had no room for, which left nothing behind and may succeed later, from all
// other faults. A failed fsync is never among them, whatever its number: it comes as a bare errno, a failed write
// as a PathError.
func roomMissing(err error) bool {
	if errors.Is(err, berrors.ErrMaxSizeReached) {
		return true
	}
	// bbolt does not wrap what ftruncate says.
	if strings.HasPrefix(err.Error(), "file resize error") {
		return true
	}
	if _, write := errors.AsType[*fs.PathError](err); !write {
		return false
	}
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}
