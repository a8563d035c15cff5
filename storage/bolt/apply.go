package bolt

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	bbolt "go.etcd.io/bbolt"

	"github.com/hookswitch/hookswitch/storage"
)

// This file brings what is in the ledger, and so durable in the journal, into the file, in large transactions: when there
// is much of it or it has waited for a while, on a goroutine beside the committer; when somebody wants to read it, or has
// something that goes to the file, by the committer.

// written is what the file has.
type written struct {
	numbers
	serial uint64
}

// full reports whether the ledger is large enough to be brought into the file.
func (s *Store) full() bool {
	o := s.ledger.active
	return o.items() >= s.tuning.ledgerItems || o.bytes >= s.tuning.ledgerBytes
}

// advance begins to bring the ledger into the file when it is time, and else sees to it that it will be.
func (s *Store) advance() {
	if s.moving {
		select {
		case err := <-s.moved:
			s.moving, s.stuck = false, err
		default:
			return // its end rings
		}
	}
	o := s.ledger.active
	if o.empty() && s.ledger.frozen.empty() || s.failure.Load() != nil {
		s.due.Stop()
		return
	}
	wait := s.tuning.ledgerAge - time.Duration(s.now().mono-o.began)
	if s.stuck != nil {
		s.due.Reset(s.tuning.ledgerAge)
		if s.wanted.Swap(false) || wait <= 0 {
			s.stuck = s.bring(nil)
		}
		return
	}
	if s.wanted.Swap(false) || s.full() || wait <= 0 {
		s.freeze()
		s.moving = true
		go s.move()
		return
	}
	s.due.Reset(wait)
}

// freeze lets the ledger's growing part be brought into the file. The one before is there.
func (s *Store) freeze() {
	s.ledger.freeze()
	s.journal.change()
}

// move brings the frozen part into the file beside the committer. It ends by itself, and the committer waits for it.
func (s *Store) move() {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	s.moved <- s.update(nil)
	s.inbox.ring()
}

// settleDown waits for a move.
func (s *Store) settleDown() {
	if s.moving {
		s.stuck = <-s.moved
		s.moving = false
	}
}

// makeRoom keeps the ledger from growing without bounds while the file is slow, or full.
func (s *Store) makeRoom() error {
	if s.moving && s.full() {
		s.settleDown()
	}
	if s.stuck == nil {
		return nil
	}
	s.stuck = s.bring(nil)
	return s.stuck
}

// bring brings all that is in the ledger into the file, and runs jobs in the last of the transactions.
func (s *Store) bring(jobs []*request) error {
	s.settleDown()
	if !s.ledger.frozen.empty() && !s.ledger.active.empty() {
		if err := s.update(nil); err != nil {
			return err
		}
	}
	if s.ledger.frozen.empty() && !s.ledger.active.empty() {
		s.freeze()
	}
	if s.ledger.frozen.empty() && len(jobs) == 0 {
		return nil
	}
	return s.update(jobs)
}

// carryOut runs jobs that go to the file.
func (s *Store) carryOut(jobs []*request) error {
	if err := s.failure.Load(); err != nil {
		return err
	}
	err := s.bring(jobs)
	if err == nil {
		s.stuck = nil
	}
	return err
}

// update is one transaction on the file: the frozen part of the ledger, and jobs.
func (s *Store) update(jobs []*request) error {
	t := &s.txn
	t.reset(s)
	_, frozen := s.ledger.parts()
	err := s.transact(t, frozen, jobs)
	if err == nil {
		s.adopt(t, len(jobs) > 0)
		return nil
	}
	if roomMissing(err) {
		return s.noRoom(err)
	}
	s.stop(err)
	return fmt.Errorf("%w: %w", storage.ErrUnsure, err)
}

func (s *Store) transact(t *txn, frozen *overlay, jobs []*request) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the file is damaged: %v", v)
		}
	}()
	return s.db.Update(func(tx *bbolt.Tx) error {
		t.begin(tx)
		if !frozen.empty() {
			t.absorb(frozen)
		}
		for _, r := range jobs {
			if err := r.job.(fileJob).run(t); err != nil {
				return err
			}
		}
		return t.finish()
	})
}

// adopt takes over what a transaction did. The counters are the committer's, and change only when it runs jobs.
func (s *Store) adopt(t *txn, jobs bool) {
	s.written, s.volume = written{t.numbers, t.serial}, t.volume
	if t.calendar != s.calendar.Load() {
		s.calendar.Store(t.calendar)
	}
	s.ledger.thaw()
	s.applied.Store(t.serial)
	if s.board.reached(t.serial, s.now()) {
		s.want()
	}
	s.told.Store(t.serial)
	if jobs {
		s.numbers = t.numbers
		s.open.Store(t.numbers.open)
		s.board.apply(t.effects, t.now, 0)
	}
	if t.changed {
		s.changes.ring()
	}
}

// lastWords brings all into the file before the store is closed. What does not get there is in the journal.
func (s *Store) lastWords() {
	if s.failure.Load() == nil {
		_ = s.bring(nil) // Close has its own errors; the journal is read when the store is opened again
	}
	s.settleDown()
	s.due.Stop()
}

// want has the ledger brought into the file soon.
func (s *Store) want() {
	s.wanted.Store(true)
	s.inbox.ring()
}

// catchUp returns when the file has all that was acknowledged before.
func (s *Store) catchUp(ctx context.Context) error {
	if s.told.Load() >= s.logged.Load() {
		return nil
	}
	return s.upkeepDo(ctx, func(*txn) {})
}

// look runs fn in a read transaction that sees all that was acknowledged before; see view. While the disk is full it may
// lack the latest of that: then lists are shorter, and what is not found is not said to be absent.
func (s *Store) look(ctx context.Context, fn func(tx *bbolt.Tx) error) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	late := s.catchUp(ctx)
	if late != nil && !errors.Is(late, storage.ErrNoRoom) {
		return late
	}
	err := s.view(ctx, fn)
	if errors.Is(err, storage.ErrAbsent) && late != nil {
		return late
	}
	return err
}

// absorb writes what an overlay has into the file.
func (t *txn) absorb(o *overlay) {
	for i := range o.events {
		t.absorbEvent(&o.events[i])
	}
	for _, ref := range o.touched {
		t.absorbDelivery(ref, o.entries[ref])
		if t.err != nil {
			return
		}
	}
	for lane, tally := range o.tallies {
		t.key = laneKey(t.key[:0], lane)
		t.put(t.place(inTallies), t.key, appendTallyRow(nil, tally))
	}
	t.numbers.seq, t.numbers.open, t.serial = o.numbers.seq, o.numbers.open, o.serial
}

func (t *txn) absorbEvent(a *arrived) {
	p, where := t.current(a.seq, a.accepted), t.currentSpan(a.accepted)
	if t.err != nil {
		return
	}
	t.key = eventKey(t.key[:0], a.account, a.seq)
	t.put(t.part(p, ofEvents), t.key, a.row)
	ids, row := t.spanBucket(where), t.row(publicIDRowLen)
	a.write(row)
	t.key = publicIDKey(t.key[:0], a.account, a.id)
	t.put(ids, t.key, row)
	t.volume += len(a.row) + len(a.id) + 64 + 192*int(a.matched)
}

func (t *txn) absorbDelivery(ref storage.Ref, e *entry) {
	p := t.calendar.partition(ref.Seq)
	if e.born {
		t.key = lineKey(t.key[:0], ref.Lane(), ref.Seq)
		t.put(t.part(p, ofLines), t.key, t.row(sumLen))
	} else if e.was.open() {
		t.unindex(ref, e.was)
	}
	if e.now.open() {
		t.index(ref, e.now)
	} else {
		p.closed.Add(1)
	}
	t.putDelivery(ref, e.now)
	for _, a := range e.attempts {
		t.key = attemptKey(t.key[:0], ref, a.n)
		t.put(t.part(p, ofAttempts), t.key, a.row)
		if p == t.calendar.latest() {
			t.volume += len(a.row) + 64
		}
	}
}
