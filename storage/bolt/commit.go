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

	bbolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/hookswitch/hookswitch/storage"
)

// commits is the committer: it writes what has come in meanwhile, in one transaction, and begins the next as soon as
// that is on the disk. A lone caller waits for one commit; many callers share it. It ends when the inbox is shut and
// empty.
func (s *Store) commits() {
	defer close(s.stopped)
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	var batch []*request
	for more := true; more; {
		if s.inbox.empty() {
			<-s.inbox.bell
		} else {
			// The callers of the last commit are awake but have not run yet. Let them put in what they have next:
			// otherwise every second commit takes only the first of them.
			runtime.Gosched()
		}
		batch, more = s.inbox.take(batch[:0], s.tuning.commitItems, s.tuning.commitBytes)
		if len(batch) > 0 {
			s.commit(batch)
		}
		clear(batch)
	}
}

// commit runs the jobs of a batch in one transaction and answers their callers.
func (s *Store) commit(batch []*request) {
	err := s.tryCommit(batch)
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

func (s *Store) tryCommit(batch []*request) error {
	if err := s.failure.Load(); err != nil {
		return err
	}
	t := &s.txn
	t.reset(s)
	err := s.update(t, batch)
	if err == nil {
		s.numbers, s.volume = t.numbers, t.volume
		if t.calendar != s.calendar.Load() {
			s.calendar.Store(t.calendar)
		}
		s.board.apply(t.effects, t.now)
		if t.changed {
			s.changes.ring()
		}
		return nil
	}
	s.board.unpin(t.pinned)
	if roomMissing(err) {
		return fmt.Errorf("commit: %w", err)
	}
	s.stop(err)
	return fmt.Errorf("%w: %w", storage.ErrUnsure, err)
}

func (s *Store) update(t *txn, batch []*request) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the file is damaged: %v", v)
		}
	}()
	return s.db.Update(func(tx *bbolt.Tx) error {
		t.begin(tx)
		for _, r := range batch {
			if err := r.job.run(t); err != nil {
				return err
			}
		}
		return t.finish()
	})
}

// stop ends the store after a fault that leaves it open what the disk has.
func (s *Store) stop(cause error) {
	if s.failure.CompareAndSwap(nil, &stopError{cause}) {
		close(s.failed)
		s.changes.ring()
	}
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
