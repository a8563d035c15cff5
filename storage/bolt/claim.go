package bolt

import (
	"bytes"
	"container/heap"
	"context"
	"errors"
	"time"

	bbolt "go.etcd.io/bbolt"

	"github.com/hookswitch/hookswitch/storage"
)

// Claim leases due deliveries. Its cost follows what it hands out and the number of lanes that are due, not the number
// of deliveries. A delivery whose record is damaged is set aside until the store is opened again; Check tells.
func (s *Store) Claim(ctx context.Context, ask storage.Ask) ([]storage.Held, time.Duration, error) {
	if ask.PerLane <= 0 {
		ask.PerLane = ask.Max
	}
	picked, next, err := s.pickAll(ctx, ask)
	if err != nil || len(picked) == 0 {
		return nil, next, err
	}
	// What the board picked may have been settled meanwhile by a stale holder's word. The record decides, and it is
	// read outside the board's lock, in short transactions.
	const chunk = 128
	held := make([]storage.Held, 0, len(picked))
	var misses []miss
	ledger := s.ledger.glance()
	for at := 0; at < len(picked) && err == nil; at += chunk {
		part := picked[at:min(at+chunk, len(picked))]
		err = s.view(ctx, func(tx *bbolt.Tx) error {
			for _, h := range part {
				if got, m := s.load(tx, ledger, h, ask.Waited); m.why == hit {
					held = append(held, got)
				} else {
					misses = append(misses, m)
				}
			}
			return nil
		})
	}
	if err != nil {
		s.board.giveBack(picked, s.now())
		return nil, 0, err
	}
	if len(misses) > 0 {
		s.board.correct(misses, s.now())
	}
	return held, next, nil
}

// pickAll chooses and leases. When lanes have no more to give but what the file does not have yet, it waits until the file
// has it and goes on.
func (s *Store) pickAll(ctx context.Context, ask storage.Ask) ([]*lease, time.Duration, error) {
	picked, next, behind, err := s.pick(ctx, ask, false)
	if err != nil || !behind || len(picked) >= ask.Max {
		return picked, next, err
	}
	err = s.catchUp(ctx)
	if err == nil {
		var more []*lease
		ask.Max -= len(picked)
		more, next, _, err = s.pick(ctx, ask, true)
		picked = append(picked, more...)
	}
	if err != nil {
		s.board.giveBack(picked, s.now())
		return nil, 0, err
	}
	return picked, next, nil
}

// pick chooses and leases; again goes on with the claim before. behind reports whether lanes have something to give that
// the file does not have yet. The read transaction begins under the board's lock; see board.
func (s *Store) pick(ctx context.Context, ask storage.Ask, again bool) (picked []*lease, next time.Duration, behind bool, err error) {
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	if !again {
		s.board.claims++
	}
	ledger, applied := s.ledger.glance(), s.applied.Load() // before the file is read: it has that at least
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		from := shelf{tx, tx.Bucket([]byte(inDue.String())), s.calendar.Load(), &s.harm, ledger, applied, again}
		picked, next = s.board.pick(from, ask, s.now())
		return nil
	})
	if behind = s.board.lags(ask.Lane); behind {
		s.want()
	}
	return picked, next, behind, err
}

// lags reports whether a lane waits for what the file does not have yet; with nil, whether any does. The board is locked.
func (b *board) lags(one *storage.Lane) bool {
	if one == nil {
		return len(b.behind) > 0
	}
	l := b.lanes[*one]
	return l != nil && l.behind
}

// miss is a lease that leads to nothing to hand out.
type miss struct {
	lease *lease
	why   verdict
	spot  spot // early: where it really stands
}

type verdict uint8

const (
	hit    verdict = iota
	gone           // it is not owed any more
	early          // it is owed, but later: memory had an old place of it
	broken         // its record is damaged
)

// load reads what a lease is about. It is early when it has not been due for as long as waited.
func (s *Store) load(tx *bbolt.Tx, ledger glance, h *lease, waited time.Duration) (storage.Held, miss) {
	ref := h.ref()
	p := s.calendar.Load().partition(ref.Seq)
	row, unwritten := ledger.delivery(ref)
	var err error
	if !unwritten {
		row, err = getDelivery(partitionBucket(tx, p, ofDeliveries), deliveryKey(nil, ref), ref)
	}
	var event eventRow
	if err == nil && row.open() {
		if event, unwritten = ledger.event(ref.Seq); !unwritten {
			event, err = getEvent(partitionBucket(tx, p, ofEvents), ref.Account, ref.Seq)
		}
	}
	switch {
	case errors.Is(err, storage.ErrAbsent), err == nil && !row.open():
		return storage.Held{}, miss{lease: h, why: gone}
	case err != nil:
		s.harm.note(err)
		return storage.Held{}, miss{lease: h, why: broken}
	case row.due > h.spot.due && row.due > s.now().wall-int64(waited):
		return storage.Held{}, miss{lease: h, why: early, spot: spot{row.due, ref.Seq, row.flight}}
	}
	return storage.Held{
		Ref: ref, Token: h.token, Attempts: int(row.attempts),
		Accepted: instantTime(event.accepted), Event: bytes.Clone(event.body),
	}, miss{}
}

// correct ends or mends leases that led to nothing.
func (b *board) correct(misses []miss, now instant) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range misses {
		h := m.lease
		if h.lane.held[h.spot.seq] != h {
			continue
		}
		switch m.why {
		case broken: // nobody can use it: keep it from being claimed for as long as the store is open
			h.until = never
			heap.Fix(&b.leases, h.index)
			h.lane.order.stir(h.spot.seq) // and from others waiting for it
		case early:
			b.revoke(h)
			h.lane.note(m.spot, 0)
		case gone:
			b.revoke(h)
		}
		b.settleIn(h.lane, now)
	}
	b.rouse(now)
}

// giveBack ends leases that Claim could not hand out.
func (b *board) giveBack(picked []*lease, now instant) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, h := range picked {
		if h.lane.held[h.spot.seq] == h {
			b.revoke(h)
			h.lane.note(h.spot, 0)
			b.settleIn(h.lane, now)
		}
	}
}
